"""
What an earlier process, or another client, has left of a capture: an open gap, and posts.

Knows what a ledger and a job say of that; opens no file.
"""

from msgspec import structs

from tcclient.control.jobs import Job
from tcclient.ledger.fold import Fold
from tcclient.ledger.gaps import CRASH, RESTORED, Missing
from tcclient.runtime.boot import boot
from tcclient.storage.captureledger import OTHERS, CaptureLedger


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
