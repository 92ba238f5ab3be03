"""
The ids of Twitter's posts: where a line has its post's id, and what the id tells.

Both APIs number posts alike; where the id stands is said by the room of each.  Pure.
"""

import json
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from tcclient.storage.postids import NotAnObject, PostIds

EPOCH = 1_288_834_974.657
"""Twitter's ids count from here, in milliseconds, with 22 bits below them."""

S = TypeVar("S", bound=msgspec.Struct)


class SnowflakeIds(PostIds, Generic[S]):
    """
    Ids that stand at one place in each post: the members `path` lead there, and `shape` is the
    Struct that has no more of a post than those, of which `pick` returns the id.
    """

    def __init__(self, shape: type[S], pick: Callable[[S], str | None], *path: str) -> None:
        self._decoder = msgspec.json.Decoder(shape)
        self._pick = pick
        self._path = path

    def find(self, line: bytes) -> str | None:
        """
        Return the id; None where it is not there or no string.  Decoded, not searched for: users
        and quoted posts have ids of the same name.  Raises NotAnObject.
        """
        try:
            return self._pick(self._decoder.decode(line))
        except (ValueError, RecursionError):
            return self._find_slowly(line)

    def made_at(self, post_id: str) -> float | None:
        """Return when the post was made; None for ids from before November 2010."""
        if not post_id.isdecimal() or len(post_id) > 19:
            return None
        milliseconds = int(post_id) >> 22
        return EPOCH + milliseconds / 1000 if milliseconds else None

    def _find_slowly(self, line: bytes) -> str | None:
        """Find the id where msgspec cannot: it takes no lone surrogates, which real posts have."""
        try:
            # An int of Python has a limit to its digits, which msgspec has not.
            found: object = json.loads(line.decode("utf-8"), parse_int=float)
        except (ValueError, RecursionError) as e:
            raise NotAnObject from e
        if not isinstance(found, dict):
            raise NotAnObject
        for name in self._path:
            found = found.get(name) if isinstance(found, dict) else None
        return found if isinstance(found, str) else None
