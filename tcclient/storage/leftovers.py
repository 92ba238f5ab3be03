"""
What an earlier process, or another client, has left of a capture: an open gap, and posts; at a
start, or where a folder that was away comes back.

Knows what a ledger and a job say of that, and which counters go on; writes no file.
"""

from msgspec import structs
from twisted.logger import Logger

from tcclient.control.jobs import Job
from tcclient.ledger.bookings import NotStored
from tcclient.ledger.capturelog import CaptureLog
from tcclient.ledger.counters import Counters, Tally
from tcclient.ledger.fold import Fold
from tcclient.ledger.gaps import CRASH, RESTORED, Missing
from tcclient.runtime.machine import boot
from tcclient.storage.captureledger import OTHERS, CaptureLedger
from tcclient.storage.diskuse import Place
from tcclient.storage.recovery import left_behind

log = Logger()


def left_open(
    ledger: CaptureLedger, fold: Fold, covered: float, last_byte: float | None
) -> Missing | None:
    """
    Return the gap that an earlier process left open, by what the `fold` of its lines says; None if
    the capture was not running.  All that came until `covered`, in epoch seconds, is there.
    """
    ledger.say_damaged(fold.damaged)
    history = fold.jobs.get(ledger.job_id)
    if history is None:
        return None
    if history.coverage.boot == boot():
        # Otherwise the machine went down: what was written last may be gone.
        covered = max(covered, last_byte or 0.0)
    history.coverage.opened(boot(), covered)
    missing = history.missing
    if missing is not None and missing.cause == CRASH and ledger.is_another:
        why = f"the ledger {OTHERS[ledger.is_another]}; what came since is not in it"
        return structs.replace(missing, cause=RESTORED, detail=why)
    return missing


def held_by_server(job: Job) -> int:
    """
    Return what the server counts for a job that is new here.  The newest update can be ahead of the
    job's own total, if its last client ended before it reported one.
    """
    return max(0, job.total_count or 0, job.recent_total or 0)


def take_over(
    place: Place, ledger: CaptureLedger, tally: Tally, capture_log: CaptureLog, opened: float
) -> None:
    """
    Go on from what an earlier process has left in the ledger, if that is another one which has come
    back, as a start does: this process never knew of it, as that one was killed while the folder
    was away.  What is in no finished file is counted as not stored: the next start finds it under
    its temporary name, in a file that was written last before this process has `opened` the
    capture, in epoch seconds.
    """
    left = ledger.found
    if left is None:
        return
    written = {path: path.stat().st_mtime for path in left_behind(place.folder, place.naming)}
    older = [path for path, at in written.items() if at < opened]
    tmp = max(older, key=written.__getitem__, default=None)
    posts = counted_as_ours(tally, left.counters, place.clock.seconds())
    log.warn(
        "The folder of {name!r} has come back with what an earlier process had stored there: the "
        "next start finishes it.",
        name=place.naming.name,
    )
    if posts:
        reason = "an earlier process had stored them when the folder went away"
        file = None if tmp is None else tmp.name
        line = NotStored(posts=posts, reason=reason, counted=True, file=file, ledger=ledger.id)
        ledger.note(line)
    last_byte = None if tmp is None else written[tmp]
    capture_log.takes_over(left_open(ledger, left.fold, 0.0, last_byte))


def counted_as_ours(tally: Tally, left: Counters, now: float) -> int:
    """
    Count the posts of an earlier process, whose counters are `left`, as this client's own: until
    now they were in the base, as the server had been told of them.  Return how many of those that
    it had told of are in no finished file.
    """
    told = left.told if isinstance(left.told, int) else left.base + left.posts
    if told > tally.base:  # the server's total did not have them
        return 0
    if isinstance(left.tried, int):  # the server may have taken what it was killed over
        told = max(told, min(left.tried, tally.base))
    in_base = max(0, told - left.base)
    tally.base -= in_base
    tally.posts += max(in_base, left.posts)
    tally.inherit(left)
    tally.resume(now)  # they are no part of a rate
    return max(0, in_base - left.posts)
