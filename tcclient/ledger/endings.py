"""
Why a capture has no stream, as its account and the log say it.

Knows causes and words; not how a connection is made or ended.
"""

import attrs
import msgspec

from tcclient.ledger.entries import Disconnected, Ended, NotConnected
from tcclient.runtime.backoff import Trouble
from tcclient.runtime.refusals import Refusal


@attrs.frozen
class Ending:
    """
    Why there is no stream.  `cause` is a word for the ledger, `detail` a clause for people.

    `trouble` is the ramp that the next wait is from, None after a good connection; `wait` the
    seconds to the next attempt, None where there will be none.  `status` and `refusal` say how an
    attempt was refused; `incomplete` has the bytes of a message that was cut, `silent` the seconds
    since the last byte; `unread`: the disk took no posts, and what came was not read.
    """

    cause: str
    detail: str
    trouble: Trouble | None = None
    wait: float | None = None
    status: int | None = None
    refusal: Refusal | None = None
    incomplete: int = 0
    silent: float = 0.0
    unread: bool = False

    @property
    def was_connected(self) -> bool:
        """Whether this ended a connection, not an attempt to make one."""
        return self.cause not in ("unreachable", "refused")

    def for_ledger(self) -> Ended:
        """The line about it."""
        line = Disconnected if self.was_connected else NotConnected
        entry = line(
            cause=self.cause,
            detail=self.detail,
            trouble=self.trouble.value if self.trouble else None,
            wait=self.wait,
            status=self.status,
            explanation=self.refusal.explanation or None if self.refusal else None,
            incomplete=self.incomplete or None,
        )
        if isinstance(entry, Disconnected):
            return msgspec.structs.replace(entry, silent=round(self.silent, 3))
        return entry


STOPPED = Ending("stopped", "the capture was stopped")
LEFT = Ending("left", "the client ends")
REKEYED = Ending("keywords", "the keywords were changed")
