"""
Asks the server for captured jobs that its list lacks: a job is gone only if the server says so of
the job itself.

Knows for which answers the list waits; runs no capture.
"""

from collections.abc import Callable, Mapping, Sequence

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from tcclient.captures.capture import Capture
from tcclient.captures.isolation import Isolation
from tcclient.captures.serverlog import ServerLog
from tcclient.control.answers import Gone, ServerError
from tcclient.control.client import ControlServer
from tcclient.control.jobs import Job, Status
from tcclient.runtime.unattended import unattended

log = Logger()


class MissingJobs:
    """
    Looks for those of the jobs of `captures` that a list lacks, and loses those that are gone.
    `found` is called with a job that no list waits for and that is still this client's.
    """

    def __init__(
        self,
        server: ControlServer,
        captures: Mapping[int, Capture],
        server_log: ServerLog,
        isolation: Isolation,
        found: Callable[[Job], None],
    ) -> None:
        self._server = server
        self._captures = captures
        self._server_log = server_log
        self._isolation = isolation
        self._found = found
        self._looking: Deferred[None] | None = None
        self._is_stopped = False

    def stop(self) -> None:
        """Ask for no more."""
        self._is_stopped = True
        if self._looking is not None:
            self._looking.cancel()

    async def add_to(self, jobs: dict[int, Job]) -> None:
        """Add to `jobs` each wanted job that is not in it, if it is still this client's."""
        for capture in self._lacking(jobs):
            if capture.job.wanted:
                job = await self._look_for(capture)
                if job is not None:
                    jobs[job.id] = job

    def look_beside(self, jobs: Mapping[int, Job]) -> None:
        """
        Look for the others while all else goes on, one after the other: of them it is only left to
        tell something.  Does nothing while that is under way.
        """
        others = [one for one in self._lacking(jobs) if not one.job.wanted]
        if others and self._looking is None:
            looking = self._look_for_all(others)
            self._looking = unattended(looking, log, "Jobs could not be looked for.")
            self._looking.addCallback(self._looked)

    def _looked(self, _: object) -> None:
        self._looking = None

    async def _look_for_all(self, captures: Sequence[Capture]) -> None:
        for capture in captures:
            known = capture.job
            job = await self._look_for(capture)
            # The list may have had it meanwhile.
            if job is not None and self._is_here(capture) and capture.job is known:
                self._found(job)

    def _lacking(self, jobs: Mapping[int, Job]) -> list[Capture]:
        return [one for one in self._captures.values() if one.job.id not in jobs]

    def _is_here(self, capture: Capture) -> bool:
        return not self._is_stopped and self._captures.get(capture.job.id) is capture

    async def _look_for(self, capture: Capture) -> Job | None:
        """Return the job of a capture if it is still this client's; lose the capture if not."""
        known = capture.job
        if not self._is_here(capture):
            return None
        with self._isolation.of("being looked for", known):
            try:
                job = await self._server.job(known.id)
            except Gone:
                is_lost, job = True, known
            except ServerError as e:
                if not self._is_stopped:
                    self._server_log.failed("finding a job", str(e), known.id)
                # One that is known by the ledger alone is not known to be this client's.
                return None if known.status == Status.UNKNOWN else known
            else:
                self._server_log.succeeded("finding a job", known.id)
                is_lost = job.lost_since(known)
            if not is_lost:
                return job
            if capture.job is known:  # or the list has it
                capture.lose()
        return None
