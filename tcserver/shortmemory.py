"""
What is kept for a moment and may be lost at any time: in this process, or in Redis for all of them.

Where Redis is away there is nothing, and nobody waits for it.  Knows bytes and how long they are
kept; does not know what they are.
"""

import logging
import time
from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from django.core.cache import cache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

T = TypeVar("T")
PAUSE = 5.0
"""Seconds after a failure in which it is not asked: whoever asks would wait for its time-out."""


class PlainBytes:
    """How bytes are written in Redis."""

    def dumps(self, value: bytes) -> bytes:
        """Return what is written."""
        return value

    def loads(self, value: bytes) -> bytes:
        """Return what was kept."""
        return value


class ShortMemory:
    """What Django's cache keeps; `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rests_until: float | None = None

    def remember(self, name: str, value: bytes, seconds: float) -> None:
        """Keep a value."""
        self._ask(lambda: cache.set(name, value, int(seconds)), None)

    def is_first(self, name: str, seconds: float) -> bool:
        """Return whether nobody has asked for this name within so many seconds, or nobody knows."""
        return self._ask(lambda: cache.add(name, b"", int(seconds)), True)

    def recall(self, name: str) -> bytes | None:
        """Return a value; None where it is not there any more."""
        found: bytes | None = self._ask(lambda: cache.get(name), None)
        return found

    def recall_some(self, names: Collection[str]) -> Mapping[str, bytes]:
        """Return those that are there."""
        return self._ask(lambda: cache.get_many(names), {}) if names else {}

    def _ask(self, call: Callable[[], T], otherwise: T) -> T:
        if self._rests_until is not None and self._clock() < self._rests_until:
            return otherwise
        was_away = self._rests_until is not None
        try:
            found = call()
        except (RedisError, OSError) as e:
            self._rests_until = self._clock() + PAUSE
            if not was_away:
                log.warning("Redis keeps nothing (%s): no posts are shown.", type(e).__name__)
            return otherwise
        self._rests_until = None
        if was_away:
            log.warning("Redis keeps something again.")
        return found


MEMORY = ShortMemory()
"""That of this process."""
