"""
What has to be known of a client to say how it is.

Knows the shape of these facts; does not know where they come from, nor what follows from them.
Times are in epoch seconds, lengths of time in seconds.
"""

from collections.abc import Sequence

from msgspec import Struct

from tcclient.ledger.gaps import Missing


class LackingTerms(Struct, frozen=True):
    """So many of the terms of a capture are not asked for, for a reason, a clause."""

    number: int
    reason: str


class CaptureFacts(Struct, frozen=True, kw_only=True):
    """
    A capture that is wanted.

    `missing` is the gap that is open, if any, and the stream is heard without a break since
    `heard_since`; `not_run` says why the client does not run the capture since `not_run_since`, and
    `disk` why the disk takes no posts since `disk_since`: clauses, empty where it does.  So many
    terms are `refused`, and others `lacking`.  While the stream was lively, so many posts came in a
    second; `silent` is for how long none has come.  There are `total` posts of it with those of
    others, `rate` come in a second as the server was told last, and `lag` seconds of them are not
    known to be on the disk yet; the stream is asked for again at `next_attempt`.  `is_shared`:
    somebody else reports for it as this client.
    """

    job: int
    name: str
    missing: Missing | None = None
    heard_since: float | None = None
    not_run: str = ""
    not_run_since: float | None = None
    disk: str = ""
    disk_since: float | None = None
    refused: int = 0
    lacking: LackingTerms | None = None
    lively: float = 0.0
    silent: float = 0.0
    total: int | None = None
    rate: float | None = None
    lag: float | None = None
    next_attempt: float | None = None
    is_shared: bool = False


class ServerTrouble(Struct, frozen=True):
    """The capture server fails at `doing`, for `reason`, `since` then."""

    doing: str
    reason: str
    since: float


class LimitFacts(Struct, frozen=True):
    """
    Of a limit of the budget, with a `name` such as `month`, so much is spent, `until` then, None
    where that is not known; one `of_plan` is the other side's, and not in the settings.
    """

    name: str
    spent: int
    limit: int
    until: float | None
    of_plan: bool = False


class ClientFacts(Struct, frozen=True, kw_only=True):
    """
    A client, and the captures that it is to run, at the time `now`.

    Where no process `runs`, `sign` is its last sign of life, and `ended` says that it ended as it
    should.  One that runs is `silent_since` then, if it should have said since how it is.  The disk
    has `disk_size` bytes, of which `disk_free` are free and `disk_kept` are never used, and
    captures take `disk_daily` a day.  This machine's clock is ahead of others' by `clock_offset`.
    The process has so many bytes of `memory`, and has used the share `cpu` of a core.  A post costs
    `post_price` US dollars.  None stands for what is not known. `log_dropped` lines found no room
    on their way to the log.
    """

    now: float
    runs: bool
    sign: float | None = None
    ended: bool = False
    silent_since: float | None = None
    captures: Sequence[CaptureFacts] = ()
    disk_free: int | None = None
    disk_size: int | None = None
    disk_kept: int = 0
    disk_daily: float | None = None
    clock_offset: float | None = None
    memory: int | None = None
    cpu: float | None = None
    server: ServerTrouble | None = None
    limits: Sequence[LimitFacts] = ()
    post_price: float | None = None
    log_dropped: int = 0
