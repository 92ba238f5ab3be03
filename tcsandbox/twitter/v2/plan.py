"""What an app may do on X API v2.  Data only."""

import attrs


@attrs.frozen
class Plan:
    """
    The limits and rights that X sells to an app.

    Seconds are those of X, before the scale.  Numbers are pay-per-use's, by X's "Rate limits"
    and "Filtered stream" pages; `linger` is how long a slot stays taken after its stream has
    ended.
    """

    rule_delay: float = 20.0
    delete_delay: float | None = None  # None: as long as rule_delay
    rule_cap: int = 1_000
    rule_length: int = 1_024
    undeletable: bool = False  # a deletion is answered 200, and all rules stay
    atomic: bool = True  # one rule that cannot be read keeps the others of its request out
    box_miles: float | None = None  # older pages say 25, today's say nothing
    connections: int = 1
    linger: float = 0.0
    rule_reads: int = 450  # in 15 minutes, like the next five limits
    rule_changes: int = 100
    stream_connects: int = 50
    connection_reads: int = 25
    connection_ends: int = 25
    usage_reads: int = 50
    usage_cap: int = 3_000_000  # posts of a billing cycle on pay-per-use
    usage_reset_day: int = 1
    connections_api: bool = True
    post_names: bool = False  # answers are named as openapi 2.167 has them: repost_count
    embeddings: bool = False  # Enterprise: rules that matched say how near the post is to them
    enrolled: bool = True
    sample: bool = True
    backfill: bool = False  # X sells it to Enterprise customers only
