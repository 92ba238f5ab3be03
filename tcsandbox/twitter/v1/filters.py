"""
What a client may ask of v1.1's statuses/filter and statuses/sample, and within which limits.

Pure: takes the request's parameters, returns a Filter or says what Twitter would refuse.  The
limits are those of Twitter's "basic stream parameters" and "connecting" pages.
"""

import json
from collections.abc import Mapping

import attrs

MAX_PHRASES = 400
MAX_PHRASE_BYTES = 60
MAX_FOLLOWED = 5_000
MAX_BOXES = 25
MIN_BOX_DEGREES = 0.1
ROUNDING = 1e-9  # 0.3 - 0.2 is a little less than 0.1


class ConnectRefused(Exception):
    """Raised when a connect is to be refused with `status`; `reason` explains it in the body."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@attrs.frozen
class LocationBox:
    """A rectangle in degrees; west < east and south < north."""

    west: float
    south: float
    east: float
    north: float


@attrs.frozen
class Filter:
    """What a stream carries: posts that match any member; an empty filter stands for the sample."""

    track: tuple[str, ...] = ()
    follow: tuple[int, ...] = ()
    locations: tuple[LocationBox, ...] = ()

    def matches(self, post: bytes) -> bool:
        """
        Return whether an encoded post has all words of one of the phrases.

        Upper and lower case are the same, for ASCII letters.  An empty filter matches
        everything.  Users and places are not looked at.
        """
        said = post.lower()
        phrases = [_as_encoded(phrase).split() for phrase in self.track]
        return self == Filter() or any(all(w in said for w in words) for words in phrases)


def _as_encoded(phrase: str) -> bytes:
    """Return `phrase` in lower case, as it stands in a post's JSON."""
    return json.dumps(phrase.lower())[1:-1].encode()


def read_filter(params: Mapping[str, str]) -> Filter:
    """
    Return the filter that `params` describe.

    Raise ConnectRefused: 416 for `count`, 413 for too many of something, 406 for anything
    unusable and for no predicate at all.
    """
    refuse_count(params)
    asked = Filter(
        _phrases(params.get("track", "")),
        _followed(params.get("follow", "")),
        _boxes(params.get("locations", "")),
    )
    if asked == Filter():
        words = "No filter parameters found. Expect at least one parameter: follow track locations"
        raise ConnectRefused(406, words)
    return asked


def refuse_count(params: Mapping[str, str]) -> None:
    """Raise ConnectRefused (416) for `count`, which ordinary access levels may not give."""
    if "count" in params:
        raise ConnectRefused(416, "Parameter count is not allowed for your role")


def _items(text: str, limit: int, name: str) -> list[str]:
    items = text.split(",") if text else []
    if len(items) > limit:
        words = f"Parameter {name} has {len(items)} items; your role allows {limit}"
        raise ConnectRefused(413, words)
    return items


def _phrases(text: str) -> tuple[str, ...]:
    phrases = [phrase.strip() for phrase in _items(text, MAX_PHRASES, "track")]
    for index, phrase in enumerate(phrases):
        size = len(phrase.encode("utf-8", "surrogatepass"))
        if size == 0:
            raise ConnectRefused(406, f"Parameter track item index {index} too short: ")
        if size > MAX_PHRASE_BYTES:
            raise ConnectRefused(406, f"Parameter track item index {index} too long: {phrase}")
    return tuple(phrases)


def _followed(text: str) -> tuple[int, ...]:
    ids = [item.strip() for item in _items(text, MAX_FOLLOWED, "follow")]
    for index, item in enumerate(ids):
        if not (item.isascii() and item.isdigit()):
            words = f"Parameter follow item index {index} is not a user id: {item}"
            raise ConnectRefused(406, words)
    return tuple(int(item) for item in ids)


def _boxes(text: str) -> tuple[LocationBox, ...]:
    items = _items(text, 4 * MAX_BOXES, "locations")
    try:
        degrees = [float(item) for item in items]
    except ValueError:
        raise ConnectRefused(406, f"Parameter locations is not a list of numbers: {text}") from None
    if len(degrees) % 4:
        words = f"Parameter locations needs four numbers a box, got {len(degrees)}"
        raise ConnectRefused(406, words)
    boxes = [LocationBox(*degrees[at : at + 4]) for at in range(0, len(degrees), 4)]
    for index, box in enumerate(boxes):
        _check_box(index, box)
    return tuple(boxes)


def _check_box(index: int, box: LocationBox) -> None:
    name = f"Parameter locations box index {index}"
    # written so that a NaN is refused too
    if not (-180 <= box.west <= 180 and -180 <= box.east <= 180):
        raise ConnectRefused(406, f"{name}: longitudes must be between -180 and 180")
    if not (-90 <= box.south <= 90 and -90 <= box.north <= 90):
        raise ConnectRefused(406, f"{name}: latitudes must be between -90 and 90")
    if box.west >= box.east or box.south >= box.north:
        raise ConnectRefused(406, f"{name}: the southwest corner must come first")
    if min(box.east - box.west, box.north - box.south) < MIN_BOX_DEGREES - ROUNDING:
        raise ConnectRefused(406, f"{name}: each side must be at least {MIN_BOX_DEGREES} degrees")
