"""
Whose turn it is, where the source has room for some of the wanted jobs only.

Knows which of them could not be stored when it was their turn; does not know how one is stored.
"""

from collections.abc import Callable, Sequence

from tcclient.control.jobs import Decision, Job, decide


class Turns:
    """
    Gives the turns.  `has_place` opens the place of a job on the disk, and returns whether it has
    one.  A job that has none is passed over as long as others fill the room, it is wanted, and has
    the same name: no capture is interrupted in order to try it again.
    """

    def __init__(self, most: Callable[[], int | None], has_place: Callable[[Job], bool]) -> None:
        self._most = most
        self._has_place = has_place
        self._passed_over: dict[int, str] = {}

    def decide(self, jobs: Sequence[Job]) -> Decision:
        """Return which jobs to capture; where there is no room for all, these have a place."""
        most = self._most()
        if most is None:
            return decide(jobs, None)
        names = {job.id: job.name for job in jobs if job.wanted}
        passed_over = {i: name for i, name in self._passed_over.items() if names.get(i) == name}
        if len(decide(jobs, most, passed_over).captured) < most:
            passed_over = {}
        while True:
            decision = decide(jobs, most, passed_over)
            failed = {job.id: job.name for job in decision.captured if not self._has_place(job)}
            passed_over |= failed
            if not failed:
                self._passed_over = passed_over
                return decision
