"""
What log and ledger say of the capture server: each change once, nothing of the repetitions.
"""

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tcclient.ledger.entries import ServerAnswers, ServerFails
from tcclient.storage.folders import Note

log = Logger()


class ServerLog:
    """
    Remembers, for each thing that is done with the server, whether it fails and why.  `note` puts a
    line into the ledger of what belongs to no capture.
    """

    def __init__(self, note: Note, clock: IReactorTime) -> None:
        self._note = note
        self._clock = clock
        self._failing: dict[str, str] = {}
        self._since: dict[str, float] = {}

    def failed(self, doing: str, reason: str) -> None:
        """`doing` is a noun such as `reading the jobs`; `reason` a clause."""
        if self._failing.get(doing) != reason:
            log.warn(
                "The capture server fails at {doing}: {reason}. What runs goes on.",
                doing=doing,
                reason=reason,
            )
            self._note(ServerFails(doing=doing, reason=reason))
            self._since.setdefault(doing, self._clock.seconds())
        self._failing[doing] = reason

    def succeeded(self, doing: str) -> None:
        """What failed may have been mended."""
        if self._failing.pop(doing, None) is not None:
            log.info("The capture server succeeds again at {doing}.", doing=doing)
            after = max(0.0, self._clock.seconds() - self._since.pop(doing))
            self._note(ServerAnswers(doing=doing, after=round(after, 3)))
