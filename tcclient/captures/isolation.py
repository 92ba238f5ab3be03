"""
Keeps what fails with one job from the others.

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
    """Remembers what fails with which job, and why."""

    def __init__(self) -> None:
        self._failing: dict[tuple[int, str], str] = {}

    @contextmanager
    def of(self, job: Job, doing: str) -> Iterator[None]:
        """
        Log an exception of the block that `doing`, such as `stopping`, says what it does with the
        job; nothing if it failed the same way the last time.  Raises CancelledError only.
        """
        key = job.id, doing
        try:
            yield
        except CancelledError:
            raise
        except Exception as e:
            reason = f"{type(e).__name__}: {e}"[:200]
            if self._failing.get(key) != reason:
                self._failing[key] = reason
                self._say_failed(job, doing, e)
        else:
            if self._failing.pop(key, None) is not None:
                log.info("Job {id} fails no more at {doing}.", id=job.id, doing=doing)

    def keep(self, ids: Collection[int]) -> None:
        """Forget what has failed with other jobs than these."""
        self._failing = {key: why for key, why in self._failing.items() if key[0] in ids}

    def _say_failed(self, job: Job, doing: str, error: Exception) -> None:
        name = job.name[:80]
        if isinstance(error, OSError):
            log.error(
                "Job {name!r} ({id}) fails at {doing}: {reason}. It is tried again; the others go "
                "on.",
                name=name,
                id=job.id,
                doing=doing,
                reason=explain_os(error),
            )
        else:
            log.failure(
                "Job {name!r} ({id}) fails at {doing}; it is tried again, and the others go on.",
                name=name,
                id=job.id,
                doing=doing,
            )
