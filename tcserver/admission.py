"""
Who may stay connected while too many are.  Pure.

Knows places and numbers; does not know what a connection is.
"""

import logging
from collections import Counter
from typing import Generic, TypeVar

Guest = TypeVar("Guest")
log = logging.getLogger(__name__)


class Admission(Generic[Guest]):
    """
    The connections that there are: `most` in all, `most_of_a_place` from one place, a text.

    Where there is no room for another one, the one that has waited for longest without a whole
    request has to go: an idle one, or one that sends slowly.
    """

    def __init__(self, most: int, most_of_a_place: int) -> None:
        self._most = most
        self._most_of_a_place = most_of_a_place
        self._places: dict[Guest, str | None] = {}
        self._counts: Counter[str | None] = Counter()
        self._waiting: dict[Guest, None] = {}
        self._told: set[str] = set()

    def enter(self, guest: Guest, place: str | None) -> tuple[bool, Guest | None]:
        """
        Return whether the guest may come in, and who has to go for that, if anybody.  Of a place
        that is None there may be as many as in all.
        """
        leaving = None
        crowded = place is not None and self._counts[place] >= self._most_of_a_place
        if crowded or len(self._places) >= self._most:
            self._tell(place if crowded else None)
            leaving = self._longest(place if crowded else None, everywhere=not crowded)
            if leaving is None:
                return False, None
            self.leave(leaving)
        self._places[guest] = place
        self._counts[place] += 1
        self._waiting[guest] = None
        return True, leaving

    def works(self, guest: Guest) -> None:
        """Note that the guest has sent a whole request."""
        self._waiting.pop(guest, None)

    def waits(self, guest: Guest) -> None:
        """Note that the guest has its answer."""
        if guest in self._places:
            self._waiting.pop(guest, None)
            self._waiting[guest] = None

    def leave(self, guest: Guest) -> None:
        """Note that the guest has gone, or is about to."""
        if guest not in self._places:
            return
        place = self._places.pop(guest)
        self._waiting.pop(guest, None)
        self._counts[place] -= 1
        if self._counts[place] == 0:
            del self._counts[place]
        if place is not None and self._counts[place] < self._most_of_a_place // 2:
            self._told.discard(place)
        if len(self._places) < self._most // 2:
            self._told.discard("")

    def _longest(self, place: str | None, *, everywhere: bool) -> Guest | None:
        waiting = (one for one in self._waiting if everywhere or self._places[one] == place)
        return next(waiting, None)

    def _tell(self, place: str | None) -> None:
        """Say that there are too many; once until there are half as many."""
        if (place or "") in self._told:
            return
        self._told.add(place or "")
        if place is None:
            log.warning("There are %d connections: idle ones are closed.", self._most)
        else:
            log.warning(
                "There are %d connections from %s: idle ones are closed.",
                self._most_of_a_place,
                place,
            )
