"""
Keeps what fails with one job from the others, and from the next poll.

Knows what was said of each failure, and says it once; does not know what is done with a job.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from twisted.internet.defer import CancelledError
from twisted.logger import Logger

from tcclient.control.jobs import Job
from tcclient.runtime.failures import explain_os

log = Logger()


class Isolation:
    """Remembers what fails, with which job, and why."""

    def __init__(self) -> None:
        self._failing: dict[tuple[str, int | None], str] = {}

    @contextmanager
    def of(self, doing: str, job: Job | None = None) -> Iterator[None]:
        """
        Log an exception of the block, unless it failed the same way the last time.  `doing` says
        what it does, with the job if there is one, as in `ending`.  Raises CancelledError only.
        """
        key = doing, None if job is None else job.id
        try:
            yield
        except CancelledError:
            raise
        except Exception as e:
            reason = f"{type(e).__name__}: {e}"[:200]
            if self._failing.get(key) != reason:
                self._failing[key] = reason
                _say_failed(doing, _named(job), e)
        else:
            if self._failing.pop(key, None) is not None:
                log.info("{whose} does not fail any more: {doing}.", whose=_named(job), doing=doing)

    def why(self, doing: str, job_id: int) -> str:
        """Return why `doing` has failed with the job the last time; empty if it has not."""
        return self._failing.get((doing, job_id), "")

    def keep(self, ids: Collection[int]) -> None:
        """Forget what has failed with other jobs than these."""
        kept = {None, *ids}
        self._failing = {key: why for key, why in self._failing.items() if key[1] in kept}


def _say_failed(doing: str, whose: str, error: Exception) -> None:
    said = "{whose} fails, {doing}{reason}. It is tried again, and the rest goes on."
    if isinstance(error, OSError):
        log.error(said, whose=whose, doing=doing, reason=f": {explain_os(error)}")
    else:
        log.failure(said, whose=whose, doing=doing, reason="")


def _named(job: Job | None) -> str:
    return "The client" if job is None else f"Job {job.name[:80]!r} ({job.id})"
