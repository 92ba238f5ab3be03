"""
The id of a post, from the line that it is stored as, and what it tells.  Pure.
"""

import json

import msgspec

EPOCH = 1_288_834_974.657
"""Twitter's ids count from here, in milliseconds, with 22 bits below them."""


class _Data(msgspec.Struct):
    id: str | None = None


class _Post(msgspec.Struct):
    id_str: str | None = None
    data: _Data | None = None


_decoder = msgspec.json.Decoder(_Post)


class NoObject(ValueError):
    """A line is no JSON object."""


def post_id(line: bytes) -> str | None:
    """v1.1's `id_str`, v2's `data.id`; None where there is neither.  Never raises."""
    try:
        return checked_id(line)
    except NoObject:
        return None


def checked_id(line: bytes) -> str | None:
    """As post_id(), but raises NoObject for a line that holds none."""
    try:
        post = _decoder.decode(line)
    except (ValueError, RecursionError):
        return _read_slowly(line)
    return post.id_str if post.data is None else post.data.id


def made_at(post: str) -> float | None:
    """When a post was made, in epoch seconds, by its id; None for one that does not tell."""
    if not post.isdecimal() or len(post) > 19:
        return None
    milliseconds = int(post) >> 22
    return EPOCH + milliseconds / 1000 if milliseconds else None


def _read_slowly(line: bytes) -> str | None:
    """For what msgspec does not take: lone surrogates, which are in real posts."""
    try:
        # An int of Python has a limit to its digits, which msgspec has not.
        post = json.loads(line.decode("utf-8"), parse_int=float)
    except (ValueError, RecursionError) as e:
        raise NoObject from e
    if not isinstance(post, dict):
        raise NoObject
    data = post.get("data")
    found = data.get("id") if isinstance(data, dict) else post.get("id_str")
    return found if isinstance(found, str) else None
