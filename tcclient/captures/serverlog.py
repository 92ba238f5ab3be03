"""
What log and ledger say of the capture server's failures.

Knows which failures are new, and writes each of them once; does not know what is asked.
"""

import re

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tcclient.ledger.entries import ServerAnswers, ServerFails
from tcclient.storage.folders import Note

log = Logger()

_WAIT = r"\d+(?= s(?:econds?)?\b)"
"""What changes in a reason while it stays the same one: how long the server is to be left alone."""


class ServerLog:
    """
    Remembers what fails at the server, and why.  `note` puts a line into the ledger of what belongs
    to no capture; `clock` measures how long something has failed.
    """

    def __init__(self, note: Note, clock: IReactorTime) -> None:
        self._note = note
        self._clock = clock
        self._failing: dict[str, dict[int | None, str]] = {}
        self._since: dict[str, float] = {}

    def failed(self, doing: str, reason: str, job_id: int | None = None) -> None:
        """
        Log and note that the server fails at `doing`, a noun such as `listing the jobs`, for
        `reason`, a clause; nothing if it did so the last time, with this job or another.
        """
        reasons = self._failing.setdefault(doing, {})
        if _gist(reason) not in map(_gist, reasons.values()):
            log.warn(
                "The capture server fails at {doing}: {reason}. What runs goes on.",
                doing=doing,
                reason=reason,
            )
            self._note(ServerFails(doing=doing, reason=reason))
            if not reasons:
                self._since[doing] = self._clock.seconds()
        reasons[job_id] = reason

    def succeeded(self, doing: str, job_id: int | None = None) -> None:
        """Log and note that the server succeeds at `doing` again, if no job is left to fail."""
        reasons = self._failing.get(doing, {})
        if reasons.pop(job_id, None) is not None and not reasons:
            log.info("The capture server succeeds again at {doing}.", doing=doing)
            after = max(0.0, self._clock.seconds() - self._since.pop(doing))
            self._note(ServerAnswers(doing=doing, after=round(after, 3)))

    def longest(self) -> tuple[str, str, float] | None:
        """
        Return at what the server has failed longest, for what reason, and for how many seconds;
        None if it does not fail at anything.
        """
        failing = [(self._since[doing], doing) for doing, why in self._failing.items() if why]
        if not failing:
            return None
        since, doing = min(failing)
        reason = next(iter(self._failing[doing].values()))
        return doing, reason, self._clock.seconds() - since

    def forget(self, job_id: int) -> None:
        """Forget what fails with this job, which is not reported any more."""
        for reasons in self._failing.values():
            reasons.pop(job_id, None)


def _gist(reason: str) -> str:
    return re.sub(_WAIT, "", reason)
