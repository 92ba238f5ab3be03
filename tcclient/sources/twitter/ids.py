"""
The ids of Twitter's posts: how one is read from a line, and when it says that the post was made.

Knows how ids are numbered, alike in both APIs; where a post has its id is said by the package of
each API.  Pure.
"""

import json
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from tcclient.storage.postids import NotAnObject, PostIds

EPOCH = 1_288_834_974.657
"""
Epoch seconds from which ids count: the bits of an id above its lowest 22 are milliseconds since
then.
"""

S = TypeVar("S", bound=msgspec.Struct)


class SnowflakeIds(PostIds, Generic[S]):
    """
    Finds ids that stand at one place in each post.  `path` are the names of the members that lead
    there; `shape` is a Struct that has those members and no others, and `pick` returns the id from
    one.
    """

    def __init__(self, shape: type[S], pick: Callable[[S], str | None], *path: str) -> None:
        self._decoder = msgspec.json.Decoder(shape)
        self._pick = pick
        self._path = path

    def find(self, line: bytes) -> str | None:
        """
        Return the id in a line; None where it is missing or not a string.  Raises NotAnObject for a
        line that is no JSON object.

        The line is decoded, not searched: users and quoted posts have members of the same name.
        """
        try:
            return self._pick(self._decoder.decode(line))
        except (ValueError, RecursionError):
            return self._find_slowly(line)

    def made_at(self, post_id: str) -> float | None:
        """
        Return when the post was made, in epoch seconds; None for an id from before November 2010,
        and for what is no id.
        """
        if not post_id.isdecimal() or len(post_id) > 19:
            return None
        milliseconds = int(post_id) >> 22
        return EPOCH + milliseconds / 1000 if milliseconds else None

    def _find_slowly(self, line: bytes) -> str | None:
        """
        Find the id in a line that msgspec cannot decode: it refuses lone surrogates, which real
        posts have.
        """
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
