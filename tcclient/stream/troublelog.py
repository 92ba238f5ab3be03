"""
Logs the troubles of a stream: each change once, and no repetition.

Knows what the log has said; does not know how a stream is made.
"""

from collections.abc import Sequence

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tcclient.ledger.endings import Ending

log = Logger()


class TroubleLog:
    """
    What the log has said of a stream, of one capture or several.  `attempts` counts the attempts
    that have failed since the stream was last open.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._said: tuple[str, str, int | None, str] | None = None
        self._since: float | None = None
        self._warned_at_top = False
        self.attempts = 0

    def opened(self, names: Sequence[str], asked: str) -> None:
        """Log that the stream of these captures is open; `asked` is a clause that says for what."""
        after = ""
        if self._since is not None:
            seconds = max(0.0, self._clock.seconds() - self._since)
            after = f" again, after {seconds:.1f} s"
        log.info(
            "{who} connected{after}: {asked}.",
            who=_who(names, "is", "are"),
            after=after,
            asked=asked,
        )
        self._said, self._since, self._warned_at_top, self.attempts = None, None, False, 0

    def ended(self, names: Sequence[str], ending: Ending) -> None:
        """Log that a connection ended or an attempt failed, if that is news."""
        if ending.wait is not None:
            if self._since is None:
                self._since = self._clock.seconds()
            self._failed(names, ending, "no stream")

    def held_up(self, names: Sequence[str], ending: Ending) -> None:
        """Log that the stream for new keywords failed, if that is news; the old one is heard."""
        if ending.wait is not None:
            self._failed(names, ending, "a stream for its old keywords only")

    def lost(self, names: Sequence[str], ending: Ending) -> None:
        """Log that the stream for the old keywords has ended before the new one was heard."""
        self._since = self._clock.seconds()
        log.warn(
            "{who} no stream: {detail}. The new keywords are still being asked for.",
            who=_who(names, "has", "have"),
            detail=ending.detail,
        )

    def _failed(self, names: Sequence[str], ending: Ending, state: str) -> None:
        if not ending.was_connected:
            self.attempts += 1
        said = (state, ending.cause, ending.status, ending.detail)
        if said != self._said:
            self._said = said
            self._say(names, ending, state)
        elif ending.trouble and ending.wait and ending.trouble.is_at_the_top(ending.wait):
            self._warn_at_top(names, ending, state)

    def _say(self, names: Sequence[str], ending: Ending, state: str) -> None:
        text = f"{ending.detail}."
        if ending.refusal is not None:
            text += f" {ending.refusal.advice}"
            if ending.refusal.explanation:
                text += f" The answer says: {ending.refusal.explanation.rstrip('.')!r}."
        log.warn(
            f"{{who}} {state}: {{text}} Next try in {{wait:g}} s.",
            who=_who(names, "has", "have"),
            text=text,
            wait=ending.wait,
        )

    def _warn_at_top(self, names: Sequence[str], ending: Ending, state: str) -> None:
        if not self._warned_at_top:
            log.warn(
                f"{{who}} {state} after {{n}} attempts: {{detail}}. It is tried every {{wait:g}} s "
                "from now on.",
                who=_who(names, "still has", "still have"),
                n=self.attempts,
                detail=ending.detail,
                wait=ending.wait,
            )
        self._warned_at_top = True


def _who(names: Sequence[str], verb: str, plural: str) -> str:
    """Return the beginning of a sentence about these captures."""
    if len(names) == 1:
        return f"Capture {names[0]!r} {verb}"
    return f"Captures {', '.join(map(repr, names))} {plural}"
