"""
Why a socket is closed, as it is told before.  Pure.

Codes are those of the messages that clients and server share; reasons never arrive with a close.
"""

from random import uniform

from tcclient.push.messages import RESTART

CROWD = 20
"""Sockets from which on those that come back are spread."""
A_SECOND = 30
"""Sockets that are to come back in a second."""
SOON = 1.0


class Closing(Exception):
    """Raised where a socket is to be closed with a code, and a sentence that is sent before."""

    def __init__(self, code: int, reason: str, retry_after: float = SOON) -> None:
        super().__init__(code, reason)
        self.code, self.reason, self.retry_after = code, reason, retry_after


class HungUp(Exception):
    """Raised where the other side has closed."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def spread(sockets: int) -> float:
    """Return over how many seconds so many sockets are to come back."""
    return sockets / A_SECOND if sockets >= CROWD else 0.0


def come_back(reason: str, sockets: int) -> Closing:
    """Return the closing of one of so many sockets, all of which are to come back."""
    return Closing(RESTART, reason, round(SOON + uniform(0, spread(sockets)), 3))
