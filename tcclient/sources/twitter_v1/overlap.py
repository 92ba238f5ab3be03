"""
The posts that come while two streams may bring the same ones.  Pure.

Posts are told apart by their ids, which are remembered for that time only.
"""

import msgspec

from tcclient.sources.recent import Recent
from tcclient.stream.messages import Overlong, decoded

MOST_IDS = 50_000
"""Ids that are remembered: ten seconds at 5,000 posts a second."""


class Seam:
    """`twice` is how many posts have come that had come before; `until` when no more of them can,
    in the seconds of whoever sets it, None as long as that cannot be said."""

    def __init__(self) -> None:
        self.until: float | None = None
        self.twice = 0
        self._recent = Recent(MOST_IDS)

    def new_among(self, messages: list[bytes | Overlong]) -> list[bytes | Overlong]:
        """The messages without the posts that have come before."""
        new = [message for message in messages if self._is_new(message)]
        self.twice += len(messages) - len(new)
        return new

    def _is_new(self, message: bytes | Overlong) -> bool:
        post_id = None if isinstance(message, Overlong) else id_of(message)
        return post_id is None or self._recent.is_new(post_id)


class _Post(msgspec.Struct):
    id_str: str | None = None


_DECODER = msgspec.json.Decoder(_Post)


def id_of(line: bytes) -> str | None:
    """
    The id of a post; None for what has none, as all other messages.  Decoded, not searched for:
    the ids of users and of quoted posts have the same name.
    """
    try:
        return _DECODER.decode(line).id_str
    except (msgspec.DecodeError, ValueError):
        # What msgspec refuses and Python reads, such as half a character, may still be a post.
        whole = decoded(line)
        found = whole.get("id_str") if isinstance(whole, dict) else None
        return found if isinstance(found, str) else None
