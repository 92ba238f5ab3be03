"""
How the client goes by what people want of each job, and how many posts there are of it.

Knows captures that have ended too, while their jobs are listed; does not know who is told.
"""

from collections.abc import Iterable, Mapping

from msgspec import structs
from twisted.internet.defer import Deferred, FirstError, gatherResults

from tcclient.captures.capture import Capture
from tcclient.control.healthreport import Applied
from tcclient.control.jobs import Job
from tcclient.control.reports import State
from tcclient.ledger.counters import Tally
from tcclient.storage.archive import Archive

MEASURED = 10.0
"""Seconds of which a rate is, however rarely a client polls."""


class AppliedJobs:
    """Looks at the `captures` that there are, by their jobs."""

    def __init__(self, captures: Mapping[int, Capture]) -> None:
        self._captures = captures
        self._tallies: dict[int, Tally] = {}

    def of(self, jobs: Iterable[Job]) -> list[Applied]:
        """Return how it goes by each of all `jobs`."""
        jobs = list(jobs)
        self._tallies = {job.id: tally for job in jobs if (tally := self._tally(job.id))}
        return [self._of(job) for job in jobs]

    def measure(self, now: float) -> None:
        """Measure the rates anew that are MEASURED ago: numbers are about to be told."""
        for capture in self._captures.values():
            if capture.session.archive is not None:
                capture.session.archive.tally.measure(now, MEASURED)

    async def about_to_tell(self, states: Iterable[State]) -> list[State]:
        """
        Have all posts that the totals count in files, and note that the server may have these: it
        is not to know of more than what a client that is killed finds again.  Return the states
        without the totals of captures whose disks do not answer.
        """
        kept = [Deferred.fromCoroutine(self._as_kept(one)) for one in states]
        try:
            return await gatherResults(kept, consumeErrors=True)
        except FirstError as e:  # as that one alone would: a process that ends cancels all of this
            e.subFailure.raiseException()

    async def _as_kept(self, state: State) -> State:
        archive = self._archive(state.job)
        if archive is not None and state.total is not None:
            archive.tally.trying(state.total)
            if not await archive.all_said():
                return structs.replace(state, total=None)
        return state

    def told(self, states: Iterable[State]) -> None:
        """Note that the server has these totals."""
        for one in states:
            archive = self._archive(one.job)
            if archive is not None and one.total is not None:
                archive.tally.told_lately(one.total)

    def _archive(self, job: int) -> Archive | None:
        capture = self._captures.get(job)
        return None if capture is None else capture.session.archive

    def _tally(self, job: int) -> Tally | None:
        """Return who counts for a job, also after the capture has ended."""
        archive = self._archive(job)
        return self._tallies.get(job) if archive is None else archive.tally

    def _of(self, job: Job) -> Applied:
        capture, tally = self._captures.get(job.id), self._tallies.get(job.id)
        revision = None if job.wanted else job.revision
        return Applied(
            job.id,
            revision if capture is None else capture.session.applied,
            ends=capture is not None,
            total=None if tally is None else tally.total,
            rate=None if tally is None else tally.rate,
        )
