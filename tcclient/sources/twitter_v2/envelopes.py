"""
What one message of a v2 stream is: a post with the rules it matched, a goodbye, or something else.

Knows shapes; decides nothing.  A post is an object whose `data` is an object with an `id`; ids are
texts, but X has sent numbers as well, which mean the same.
"""

import json
import re
from functools import lru_cache

import msgspec

from tcclient.sources.twitter.ids import SnowflakeIds
from tcclient.storage.postids import NotAnObject
from tcclient.stream.framing import decoded, refuse_constant


class _Rule(msgspec.Struct):
    id: str | int = ""
    tag: str | None = None


class _Data(msgspec.Struct):
    id: str | int = ""


class _Envelope(msgspec.Struct):
    data: _Data | None = None
    matching_rules: msgspec.Raw = msgspec.Raw(b"[]")


Rules = tuple[tuple[str, str | None], ...]
"""The id and the tag of each rule; the tag is None where X gives none."""


class Post(msgspec.Struct, frozen=True):
    """A post: its id, and the rules that it matched."""

    id: str
    rules: Rules = ()


class Farewell(msgspec.Struct, frozen=True):
    """
    A message in which X says that it ends the connection.  `disconnect_type` says why, None where X
    does not (its description of the API no longer lists that member).
    """

    disconnect_type: str | None
    message: object


class Other(msgspec.Struct, frozen=True):
    """
    JSON that is neither a post nor a farewell; new kinds may appear at any time.  Errors without a
    post that do not speak of the connection belong here: X closes the connection if it means to.
    """

    message: object


class NotJSON(msgspec.Struct, frozen=True):
    """A message that is not JSON."""


_decoder = msgspec.json.Decoder(_Envelope)
_rules_decoder = msgspec.json.Decoder(list[_Rule])

_SHORT = 1 << 10
"""Bytes of rules up to which it is worth remembering how they read; a dozen rules have fewer."""

_LONGEST_ID = 20
"""Digits of the largest number of 64 bits."""

_HEAD = re.compile(
    rb'\{"data":\{(?:"[a-z_]+":(?:"(?:[^"\\]|\\.)*"|\[[^]{}]*\]|[a-z0-9.-]+),)*?"id":"([0-9]+)"'
).match
"""Matches the beginning of a post as X writes it, up to its id: no bracket stands before that."""
_DATA = b'"data"'
_RULES = b',"matching_rules":['
_CLOSES = b"}"[0]


def read(line: bytes) -> Post | Farewell | Other | NotJSON:
    """
    Return what a complete message is.  Never raises, whatever the bytes.

    A post as X writes it is recognized by how it begins and ends, without a proof that it is JSON
    or names no member twice: nothing in between is looked at, and damage there is not seen.
    """
    return _post_by_its_ends(line) or read_whole(line)


def _post_by_its_ends(line: bytes) -> Post | None:
    """
    Return a post as X writes it; None where that cannot be told, which says nothing of the message.

    No text holds a quotation mark that is not escaped, so that what looks like a member is one.  An
    array of rules behind which only one bracket is left belongs to the message itself, unless
    another has begun before it: then the first one's rules or the second one's data stand between.
    """
    rules_at, head = line.rfind(_RULES), _HEAD(line)
    if rules_at < 0 or head is None or line[-1] != _CLOSES:
        return None
    if line.rfind(_RULES, 0, rules_at) > 0 or line.rfind(_DATA, head.end(), rules_at) > 0:
        return None
    raw = line[rules_at + len(_RULES) - 1 : -1]
    if len(raw) > _SHORT:
        return None
    try:
        return Post(head[1].decode(), _known_rules_of(raw))
    except (ValueError, RecursionError):
        return None


def read_whole(line: bytes) -> Post | Farewell | Other | NotJSON:
    """Return what a complete message is, and look at each byte of it.  Never raises."""
    try:
        if not line.isascii():
            line.decode("utf-8")
        envelope = _decoder.decode(line)
        raw = bytes(envelope.matching_rules)
        rules = _known_rules_of(raw) if len(raw) <= _SHORT else _rules_of(raw)
    except (ValueError, RecursionError):
        return _read_slowly(line)
    post_id = "" if envelope.data is None else str(envelope.data.id)
    return Post(post_id, rules) if post_id else _without_post(decoded(line))


def id_of(value: object) -> str:
    """Return the id that a member of JSON is, text or number, as text; empty for what is none."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _rules_of(raw: bytes) -> Rules:
    return tuple((str(rule.id), rule.tag) for rule in _rules_decoder.decode(raw))


# Post after post matches the same few of an app's rules.
_known_rules_of = lru_cache(maxsize=1 << 10)(_rules_of)


def _read_slowly(line: bytes) -> Post | Farewell | Other | NotJSON:
    """Return what a message is that msgspec does not take: real posts have lone surrogates."""
    try:
        # As text: of bytes, json.loads would also take UTF-16, a byte order mark and surrogates.
        message = json.loads(
            line.decode("utf-8"), parse_constant=refuse_constant, parse_int=_number
        )
    except (ValueError, RecursionError):
        return NotJSON()
    data = message.get("data") if isinstance(message, dict) else None
    post_id = id_of(data.get("id")) if isinstance(data, dict) else ""
    if post_id:
        return Post(post_id, tuple(_rules(message.get("matching_rules"))))
    return _without_post(decoded(line))


def _number(digits: str) -> int | float:
    """Return a number: msgspec has no limit to the digits of one that nobody asks for."""
    return int(digits) if len(digits) <= _LONGEST_ID else float(digits)


def _rules(value: object) -> list[tuple[str, str | None]]:
    """Return the rules that a post matched, also those of which only id or tag can be read."""
    found: list[tuple[str, str | None]] = []
    for rule in value if isinstance(value, list) else ():
        if isinstance(rule, dict):
            tag = rule.get("tag")
            found.append((id_of(rule.get("id")), tag if isinstance(tag, str) else None))
    return found


def _without_post(message: object) -> Farewell | Other:
    """Return what a message without a post is."""
    errors = message.get("errors") if isinstance(message, dict) else None
    goodbyes = [error for error in errors if _is_goodbye(error)] if isinstance(errors, list) else []
    if not goodbyes:
        return Other(message)
    types = (error.get("disconnect_type") for error in goodbyes)
    return Farewell(next((type_ for type_ in types if isinstance(type_, str)), None), message)


def _is_goodbye(error: object) -> bool:
    """Return whether an error says that X ends the connection."""
    if not isinstance(error, dict):
        return False
    if isinstance(error.get("disconnect_type"), str):
        return True
    kind = f"{error.get('title')} {error.get('type')}".lower()
    return "disconnect" in kind or "streaming-connection" in kind


class EnvelopeIds(SnowflakeIds):
    """Finds the ids of v2's posts."""

    def find(self, line: bytes) -> str | None:
        """
        Return the id in a line, None if it is no post; each byte is looked at.  Raises NotAnObject
        for a line that is no JSON object.
        """
        message = read_whole(line)
        if isinstance(message, Post):
            return message.id
        is_object = not isinstance(message, Other) or isinstance(message.message, dict)
        if isinstance(message, NotJSON) or not is_object:
            raise NotAnObject
        return None


POST_IDS = EnvelopeIds()
