"""What people are shown of a Twitter post, alike in both APIs.  Pure: knows no members."""

from datetime import UTC, datetime

from tcclient.control.reports import Glimpse
from tcclient.sources.twitter.ids import made_at
from tcclient.stream.framing import excerpt

MOST_TEXT, MOST_AUTHOR = 1000, 100
"""Characters that are shown."""


def shown(post_id: str, author: object, *texts: object) -> Glimpse:
    """Return what is shown of a post: the first of these that is a text, cut where it is long."""
    text = next((one for one in texts if isinstance(one, str)), "")
    name = f"@{author}" if isinstance(author, str) and author else ""
    made = made_at(post_id)
    at = None if made is None else datetime.fromtimestamp(made, UTC)
    return Glimpse(_clean(text, MOST_TEXT), _clean(name, MOST_AUTHOR), at)


def unread(line: bytes) -> Glimpse:
    """Return what is shown of a line that is no post: how it begins."""
    return Glimpse(_clean(excerpt(line), MOST_TEXT))


def members(value: object) -> dict[str, object]:
    """Return the members of a value of JSON; none of what is no object."""
    return value if isinstance(value, dict) else {}


def _clean(text: str, most: int) -> str:
    """Return a text that any encoder takes: real posts have lone surrogates."""
    cut = text if len(text) <= most else f"{text[: most - 1]}…"
    return cut.encode("utf-8", "replace").decode()
