"""
Why a capture has no stream, as the ledger and the log say it.

Knows causes and words; does not know how a connection is made or ended.
"""

import msgspec

from tcclient.ledger.entries import Disconnected, Ended, NotConnected
from tcclient.runtime.backoff import Refusal, Trouble


class Ending(msgspec.Struct, frozen=True):
    """
    Why there is no stream.  `cause` is a word for the ledger, `detail` a clause for people.

    `trouble` has the ramp of the next wait, None after a good connection; `wait` is the seconds to
    the next attempt, None if there will be none.  `status` and `refusal` say how an attempt was
    refused.  `incomplete` is how many bytes of a message had come that was cut, and `silent` the
    seconds since the last byte.  `unread` is whether bytes were left unread, as the disk took no
    posts.
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
        """Whether this was the end of a connection, and not of an attempt to make one."""
        return self.cause not in ("unreachable", "refused")

    def for_ledger(self) -> Ended:
        """Return the line about this."""
        line = Disconnected if self.was_connected else NotConnected
        entry = line(
            cause=self.cause,
            detail=self.detail,
            trouble=self.trouble.value if self.trouble else None,
            wait=self.wait,
            status=self.status,
            explanation=self.refusal.noted if self.refusal else None,
            incomplete=self.incomplete or None,
        )
        if isinstance(entry, Disconnected):
            silent = round(self.silent, 3)
            return msgspec.structs.replace(entry, silent=silent, unread=self.unread)
        return entry


STOPPED = Ending("stopped", "the capture was stopped")
LEFT = Ending("left", "the client ends")
REKEYED = Ending("keywords", "the keywords were changed")
