"""Where a line of v2 has the id of its post.  Pure."""

import msgspec

from tcclient.sources.twitter.ids import SnowflakeIds


class _PostData(msgspec.Struct):
    """The one member of `data` that the id is read from."""

    id: str | None = None


class _StoredPost(msgspec.Struct):
    """The one member of a line that the id of its post is read from."""

    data: _PostData | None = None


POST_IDS = SnowflakeIds(_StoredPost, lambda line: line.data.id if line.data else None, "data", "id")
"""Finds the ids of v2's posts."""
