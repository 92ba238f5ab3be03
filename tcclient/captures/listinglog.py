"""
What the log says of the server's lists of jobs.

Knows what it has said, and says no news twice; asks nothing and decides nothing.
"""

from collections.abc import Mapping, Sequence

from twisted.logger import Logger

from tcclient.control.jobs import Decision, Job

log = Logger()

MOST_REASONS = 3
"""Reasons that are named, of those for which jobs cannot be read."""


class ListingLog:
    """What the log has said of the server's lists of jobs: no news twice.  `client_id` is ours."""

    def __init__(self, client_id: int) -> None:
        self._client_id = client_id
        self._mentioned: dict[str, object] = {}

    def unreadable(self, problems: Mapping[str, int]) -> None:
        """
        Log how many jobs of a list cannot be read; `problems` has clauses, with how many each is
        about.
        """
        if self._is_news("unreadable jobs", problems) and problems:
            number = sum(problems.values())
            log.warn(
                "The server lists {n} that cannot be read: {reasons}",
                n="a job" if number == 1 else f"{number} jobs",
                reasons="; ".join(sorted(problems)[:MOST_REASONS]),
            )

    def decided(self, decision: Decision) -> None:
        """Log what is remarkable about a decision."""
        any_wanted = bool(decision.captured or decision.unstorable)
        if self._is_news("any", any_wanted) and not any_wanted:
            log.info("The server has nothing to capture for this client now.")
        if self._is_news("left out", [job.id for job in decision.left_out]) and decision.left_out:
            log.warn(
                "Several jobs of this client are to run, and one stream is all there is: "
                "{captured} is captured, not {others}.",
                captured=_named(decision.captured),
                others=_named(decision.left_out),
            )
        worker = decision.captured[0].assigned_worker if decision.captured else None
        if worker not in (None, self._client_id) and self._is_news("worker", worker):
            log.warn(
                "The server knows this client as {worker}, the settings as {id}: check "
                "server.client_id and server.auth_token.",
                worker=worker,
                id=self._client_id,
            )

    def _is_news(self, topic: str, state: object) -> bool:
        """Return whether the state of `topic` is another than at the last call, and remember it."""
        news = self._mentioned.get(topic) != state
        self._mentioned[topic] = state
        return news


def _named(jobs: Sequence[Job]) -> str:
    """Return the names and ids of jobs, for the log."""
    return ", ".join(f"{job.name!r} ({job.id})" for job in jobs)
