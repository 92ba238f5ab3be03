"""What is delivered, when it is tried again, and when a channel is given up.  Pure."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import attrs

MOST_ATTEMPTS = 8
"""Of one message: they take about 15 hours."""
MOST_FAILURES = 20
"""Attempts of a channel's in a row that failed, at which it is switched off."""
FIRST, LONGEST = timedelta(seconds=30), timedelta(hours=6)


class DeliveryFailed(Exception):
    """Raised where a message was not taken; str() says why, `is_gone` that none ever will be."""

    def __init__(self, reason: str, *, is_gone: bool = False) -> None:
        super().__init__(reason)
        self.is_gone = is_gone


@attrs.frozen
class OutgoingMessage:
    """A message to a target; `salt` is what a webhook's key is made of."""

    number: UUID
    kind: str
    target: str
    salt: str
    title: str
    text: str
    data: dict[str, Any]


def pause(attempts: int) -> timedelta | None:
    """Return how long to wait after so many attempts; None to give the message up."""
    if attempts >= MOST_ATTEMPTS:
        return None
    after: timedelta = FIRST * 4 ** (attempts - 1)
    return min(after, LONGEST)
