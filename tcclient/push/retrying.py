"""
When a channel that has ended is tried again.  Pure: is given how it ended, returns seconds.

Many clients lose theirs at the same moment, so that every wait is random.
"""

from collections.abc import Callable

from msgspec import Struct

from tcclient.push.messages import IN_USE, REFUSED, TAKEN_OVER, TOO_MUCH, WRONG_PROTOCOL
from tcclient.runtime.backoff import Ramp

RAMP = Ramp(1.0, 60.0)
LASTING = 30.0
"""Seconds after which a channel counts as one that works."""
DAY = 86400.0
"""Seconds after which a server that had no channel is asked for one again."""
MOST_SPREAD, MOST_AFTER = 600.0, 3600.0
"""The longest waits that a server can ask for, in seconds."""

ABNORMAL = 1006
"""Stands for no code, as in RFC 6455."""
_WORDS = {
    REFUSED: "the server does not take this client's token",
    TAKEN_OVER: "another process of this installation has it now",
    IN_USE: "another installation uses this client's token; each needs a token of its own",
    WRONG_PROTOCOL: "the server speaks another protocol there",
    TOO_MUCH: "it was too much for the server",
    1000: "the server closed it",
    1001: "the server closed it",
    1011: "the server failed",
    1012: "the server restarts",
}
_REFUSING = {401, 403}
_PASSING = {408, 425, 429, 500, 502, 503, 504}


class ChannelEnding(Struct, frozen=True):
    """
    How an attempt has ended, in words (`reason`): it was up for `lasted` seconds, None if never,
    and closed with the `code` of a WebSocket, or refused with the `status` of HTTP.
    """

    reason: str
    code: int = ABNORMAL
    status: int | None = None
    lasted: float | None = None
    retry_after: float = 0.0

    @property
    def is_refusal(self) -> bool:
        """Whether the next attempt makes sense only once REST says that the token is good."""
        return self.code == REFUSED or self.status in _REFUSING

    @property
    def is_absence(self) -> bool:
        """Whether there is no channel of this protocol, as far as can be told."""
        if self.lasted is None and self.code == WRONG_PROTOCOL:
            return True
        return self.status is not None and self.status not in _REFUSING | _PASSING

    @property
    def needs_somebody(self) -> bool:
        """Whether it is not passing by itself."""
        return self.is_refusal or self.code in (IN_USE, TAKEN_OVER)


def reason_of(code: int) -> str:
    """Return what a code says that a server has closed with."""
    return _WORDS.get(code, f"the server closed it with code {code}")


class Retries:
    """Counts failures.  `chance` returns a random number from 0 to 1."""

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._failures = 0
        self._spread = 0.0

    def spread_over(self, seconds: float) -> None:
        """Take what the server says: over how many seconds its clients are to come again."""
        self._spread = bounded(seconds, MOST_SPREAD)

    def wait(self, ending: ChannelEnding) -> float:
        """Return the seconds until the next attempt."""
        if ending.is_absence:
            self._failures = 0
            return DAY
        has_lasted = ending.lasted is not None and ending.lasted >= LASTING
        told = bounded(ending.retry_after, MOST_AFTER)
        if has_lasted:
            self._failures = 0
            # The server has spread its clients: the later of two random times would gather them.
            return told or self._chance() * self._spread
        self._failures += 1
        return max(self._chance() * max(RAMP.wait(self._failures), self._spread), told)


def bounded(seconds: float, most: float) -> float:
    """Return what a server has said, from 0 to `most`."""
    return min(max(seconds, 0.0), most)
