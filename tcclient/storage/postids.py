"""
How the id of a stored post is found: by the post's own source, or by whichever source finds one.

Knows no message of any source.  Pure.
"""

from collections.abc import Sequence
from typing import Protocol


class NotAnObject(ValueError):
    """Raised for a line that is no JSON object."""


class PostIds(Protocol):
    """How the ids of one source's posts are found, and what they tell."""

    def find(self, line: bytes) -> str | None:
        """
        Return the id in a line that stores a post, None if this source finds none in it.  Raises
        NotAnObject if it sees that the line is no JSON object.
        """

    def made_at(self, post_id: str) -> float | None:
        """Return when the post with this id was made, in epoch seconds; None if that is unknown."""


class AnyPostIds(PostIds):
    """Finds the ids of several sources' posts: the first source that finds one decides."""

    def __init__(self, sources: Sequence[PostIds]) -> None:
        self._sources = sources

    def find(self, line: bytes) -> str | None:
        """
        Return the id from the first source that finds one; None if none does.  Raises NotAnObject
        if none does, and one of them sees that the line is no JSON object.
        """
        refused: NotAnObject | None = None
        for ids in self._sources:
            try:
                found = ids.find(line)
            except NotAnObject as e:
                refused = e
            else:
                if found is not None:
                    return found
        if refused is not None:
            raise refused
        return None

    def made_at(self, post_id: str) -> float | None:
        """Return when the post was made, from the first source that knows; None if none does."""
        times = (ids.made_at(post_id) for ids in self._sources)
        return next((at for at in times if at is not None), None)


def id_or_none(ids: PostIds, line: bytes) -> str | None:
    """Return the id in a line, None if there is none, or the line is no JSON object."""
    try:
        return ids.find(line)
    except NotAnObject:
        return None
