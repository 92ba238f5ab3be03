"""
Tokens that were shown and are none, by the place that they come from.

Only different ones count: a client with a token that was revoked shows it for ever, and guesses
nothing.  Knows hashes and places; a process has one, in bounded memory.
"""

import logging
from collections import OrderedDict
from datetime import datetime, timedelta
from threading import Lock

import attrs

log = logging.getLogger(__name__)

WINDOW = timedelta(minutes=1)
MOST = 30
"""Different wrong tokens from one place in a window; each further one is refused as a guess."""
PLACES = 1000
"""Places that are known at once; the one that was silent for longest is forgotten."""


@attrs.define
class _Place:
    since: datetime
    told: bool
    over: bool = False
    wrong: set[str] = attrs.Factory(set)


class TokenGuesses:
    """The wrong tokens of the last minute or so; may be used by several threads."""

    def __init__(self, places: int = PLACES) -> None:
        self._most_places = places
        self._places: OrderedDict[str, _Place] = OrderedDict()
        self._lock = Lock()

    def is_guess(self, place: str, digest: str, now: datetime) -> bool:
        """Note a wrong token, by its hash; return whether there were too many from there."""
        with self._lock:
            known = self._places.pop(place, None)
            if known is None or not timedelta() <= now - known.since < WINDOW:
                # One line for as long as it goes on from there.
                known = _Place(now, told=known is not None and known.over)
            self._places[place] = known
            if len(self._places) > self._most_places:
                self._places.popitem(last=False)
            if digest in known.wrong:
                return False
            if len(known.wrong) < MOST:
                known.wrong.add(digest)
                return False
            first = not (known.told or known.over)
            known.over = True
        if first:
            log.warning("Tokens are guessed from %s: refused for a minute.", place)
        return True


GUESSES = TokenGuesses()
