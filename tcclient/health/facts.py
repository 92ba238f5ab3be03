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
    capture, and `disk` why the disk takes no posts since `disk_since`: clauses, empty where it
    does.  So many terms are `refused`.  While the stream was lively, `rate` posts came in a second;
    `silent` is for how long none has come.
    """

    job: int
    name: str
    missing: Missing | None = None
    not_run: str = ""
    disk: str = ""
    disk_since: float | None = None
    refused: int = 0
    rate: float = 0.0
    silent: float = 0.0


@attrs.frozen
class ServerTrouble:
    """The capture server fails at `doing`, for `reason`, `since` then."""

    doing: str
    reason: str
    since: float


@attrs.frozen
class LimitFacts:
    """A limit of the budget, of a `name` such as `month`: used up or nearly so, `until` then."""

    name: str
    spent: int
    limit: int
    until: float


@attrs.frozen(kw_only=True)
class ClientFacts:
    """
    A client, and the captures that it is to run, at the time `now`.

    Where no process `runs`, `sign` is its last sign of life, and `ended` says that it ended as it
    should.  The disk has `disk_free` bytes, of which `disk_kept` are never used, and captures take
    `disk_daily` a day.  This machine's clock is ahead of others' by `clock_offset`.  None stands
    for what is not known.  `log_dropped` lines found no room on their way to the log.
    """

    now: float
    runs: bool
    sign: float | None = None
    ended: bool = False
    captures: Sequence[CaptureFacts] = ()
    disk_free: int | None = None
    disk_kept: int = 0
    disk_daily: float | None = None
    clock_offset: float | None = None
    server: ServerTrouble | None = None
    limits: Sequence[LimitFacts] = ()
    log_dropped: int = 0
