"""
What has to be known of a client to say how it is.

Knows the shape of these facts; does not know where they come from, nor what follows from them.
Times are in epoch seconds, lengths of time in seconds.
"""

from collections.abc import Sequence

import attrs

from tcclient.ledger.gaps import Missing


@attrs.frozen(kw_only=True)
class CaptureFacts:
    """
    A capture that is wanted.

    `missing` is the gap that is open, if any; `not_run` says why the client does not run the
    capture since `not_run_since`, and `disk` why the disk takes no posts since `disk_since`:
    clauses, empty where it does.  So many terms are `refused`.  While the stream was lively, `rate`
    posts came in a second; `silent` is for how long none has come.  There are `total` posts of it
    with those of others, of which `lag` seconds are not known to be on the disk yet; the stream is
    asked for again at `next_attempt`.
    """

    job: int
    name: str
    missing: Missing | None = None
    not_run: str = ""
    not_run_since: float | None = None
    disk: str = ""
    disk_since: float | None = None
    refused: int = 0
    rate: float = 0.0
    silent: float = 0.0
    total: int | None = None
    lag: float | None = None
    next_attempt: float | None = None


@attrs.frozen
class ServerTrouble:
    """The capture server fails at `doing`, for `reason`, `since` then."""

    doing: str
    reason: str
    since: float


@attrs.frozen
class LimitFacts:
    """Of a limit of the budget, with a `name` such as `month`, so much is spent, `until` then."""

    name: str
    spent: int
    limit: int
    until: float


@attrs.frozen(kw_only=True)
class ClientFacts:
    """
    A client, and the captures that it is to run, at the time `now`.

    Where no process `runs`, `sign` is its last sign of life, and `ended` says that it ended as it
    should.  The disk has `disk_size` bytes, of which `disk_free` are free and `disk_kept` are never
    used, and captures take `disk_daily` a day.  This machine's clock is ahead of others' by
    `clock_offset`.  The process has so many bytes of `memory`, and has used the share `cpu` of a
    core.  None stands for what is not known.  `log_dropped` lines found no room on their way to the
    log.
    """

    now: float
    runs: bool
    sign: float | None = None
    ended: bool = False
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
    log_dropped: int = 0
