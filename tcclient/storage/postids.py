"""
How storage and account learn the id of a stored post: from the post's source, or from any of them.

Knows no message of any source.  Pure.
"""

from collections.abc import Sequence
from typing import Protocol

import attrs


class NotAnObject(ValueError):
    """Raised for a line that is no JSON object."""


class PostIds(Protocol):
    """How the ids of one source's posts are found, and what they tell."""

    def find(self, line: bytes) -> str | None:
        """
        Return the id in a line that stores a post; None where this source sees none in it.  Raises
        NotAnObject where it sees that the line is no JSON object.
        """

    def made_at(self, post_id: str) -> float | None:
        """Return when a post was made, in epoch seconds, by its id; None where that is unknown."""


@attrs.frozen
class AnyPostIds(PostIds):
    """The ids of several sources' posts; the first one that finds something counts."""

    sources: Sequence[PostIds]

    def find(self, line: bytes) -> str | None:
        """Return the id that a source finds in the line.  Raises NotAnObject if one says so."""
        refused: NotAnObject | None = None
        for ids in self.sources:
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
        """Return the time that the first source tells which knows one."""
        times = (ids.made_at(post_id) for ids in self.sources)
        return next((at for at in times if at is not None), None)


def id_or_none(ids: PostIds, line: bytes) -> str | None:
    """Return the id in a line, None where there is none.  Never raises."""
    try:
        return ids.find(line)
    except NotAnObject:
        return None
