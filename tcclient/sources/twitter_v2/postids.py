"""Where a line of v2 has the id of its post.  Pure."""

import msgspec

from tcclient.sources.twitter.ids import SnowflakeIds


class _PostData(msgspec.Struct):
    """What has to be read of `data` to know the id."""

    id: str | None = None


class _StoredPost(msgspec.Struct):
    """What has to be read of a line to know the id of its post."""

    data: _PostData | None = None


POST_IDS = SnowflakeIds(_StoredPost, lambda line: line.data.id if line.data else None, "data", "id")
