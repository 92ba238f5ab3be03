"""
What a client tells its server beside the jobs' members: state, host, pieces of ledgers, and, while
somebody looks, the newest posts.  Pure.

Both ends share these: REST carries them, and the real-time channel while it is up.
"""

from datetime import datetime
from typing import Annotated, Any

import msgspec

Text = Annotated[str, msgspec.Meta(max_length=1000)]
Name = Annotated[str, msgspec.Meta(max_length=64)]
Condition = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z_-]{0,31}$(?!\\n)")]
Natural = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Price = Annotated[float, msgspec.Meta(ge=0.000001, le=1000)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]

MOST_GLIMPSES = 5
"""Posts of a capture that are shown at once, and new ones in a minute."""
LOOKING = 60.0
"""Seconds for which somebody who has looked at a capture's posts is taken to look on."""


class State(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    How one capture is doing.

    `revision` is that of the job as it is applied; `condition` is a word, `reason` says in the
    client's words why, and `since` is when it began.  `rate` is in posts a second, `lag` in
    seconds; `next_attempt` is when a connection is tried next.
    """

    job: Natural
    condition: Condition
    revision: Natural | None = None
    reason: Text = ""
    since: Moment | None = None
    total: Natural | None = None
    rate: Annotated[float, msgspec.Meta(ge=0, lt=1e12)] | None = None
    lag: Annotated[float, msgspec.Meta(ge=0, lt=1e12)] | None = None
    next_attempt: Moment | None = None


class Host(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    How the client's machine is doing: bytes of disk, of disk that captures take a day, and of
    memory, the share of a core, and by how many seconds its clock is ahead.  `installation` is the
    same over restarts, `instance` is one start's; `budget` is what the source says of limits and
    what is spent of them, and `post_price` how many US dollars a post costs, None where that is not
    known, or where posts are not sold.
    """

    version: Name = ""
    host: Annotated[str, msgspec.Meta(max_length=255)] = ""
    installation: Name = ""
    instance: Name = ""
    disk_free: Natural | None = None
    disk_size: Natural | None = None
    disk_daily: Natural | None = None
    memory: Natural | None = None
    cpu: Annotated[float, msgspec.Meta(ge=0, lt=1e6)] | None = None
    clock_offset: Annotated[float, msgspec.Meta(gt=-1e12, lt=1e12)] | None = None
    budget: dict[str, Any] | None = None
    post_price: Price | None = None


class Glimpse(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    What people are shown of a post, each as far as the post has it: `at` is when it was made, and
    `text` may be cut.
    """

    text: Text
    author: Annotated[str, msgspec.Meta(max_length=100)] = ""
    at: Moment | None = None


class Glimpses(msgspec.Struct, frozen=True):
    """The newest posts of a capture, the newest last: they replace what was told before."""

    job: Natural
    posts: Annotated[tuple[Glimpse, ...], msgspec.Meta(max_length=MOST_GLIMPSES)]


class Held(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    How many bytes of a ledger the server holds, from the ledger's very first on.  To who asks for
    that it says the SHA-256 of the last `tail` of them, in hexadecimal, so that one who has others
    in their place finds out.
    """

    ledger: Name
    held: Natural
    tail: Natural = 0
    sha256: Name = ""
