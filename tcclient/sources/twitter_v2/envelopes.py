"""
What one message of a v2 stream is: a post with the rules it matched, a goodbye, or something else.

Knows shapes; decides nothing.  A post is an object whose `data` is an object, with an `id` there or
rules that it matched beside it; ids are texts, but X has sent numbers as well, which mean the same.
"""

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

from tcclient.runtime.searching import rfind
from tcclient.sources.twitter.ids import SnowflakeIds
from tcclient.storage.postids import NotAnObject
from tcclient.stream.framing import Overlong, decoded, refuse_constant


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


class Post(msgspec.Struct, frozen=True, eq=False):
    """
    A post, and the rules that it matched.  Its id, empty where it has none, is looked for when
    somebody asks: it stands anywhere in the line.
    """

    rules: Rules
    _id: str | None = None
    _line: bytes = b""

    @property
    def is_known_by_its_end(self) -> bool:
        """Whether another line with the same end is a post that matched the same rules."""
        return self._id is None

    @property
    def id(self) -> str:
        """The post's id."""
        return id_in(self._line) if self._id is None else self._id

    def __eq__(self, other: object) -> bool:
        """Return whether the other is a post of that id, with these rules."""
        return isinstance(other, Post) and (self.id, self.rules) == (other.id, other.rules)

    def __hash__(self) -> int:
        """Return the hash of the rules, which both have."""
        return hash(self.rules)


class Farewell(msgspec.Struct, frozen=True):
    """
    A message in which X says that it ends the connection.  `disconnect_type` says why, None where X
    does not (its description of the API no longer lists that member).
    """

    disconnect_type: str | None
    message: object

    @property
    def detail(self) -> str:
        """What X says of it in words; empty where it does not."""
        said = (error.get("detail") or error.get("title") for error in _goodbyes(self.message))
        return next((text for text in said if isinstance(text, str)), "")


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

_HEAD = b'{"data":{"'
_DATA = b'"data"'
_RULES = b',"matching_rules":[{'
_CLOSES = b"}"[0]
_EMBEDDING = rb'(?:"embedding_[a-z_]+":[0-9.eE+-]+,)+|(?:,"embedding_[a-z_]+":[0-9.eE+-]+)+'
"""What X says of how near a post is to a rule with an embedding: another number in each post."""


def read(line: bytes) -> Post | Farewell | Other | NotJSON:
    """
    Return what a complete message is.  Never raises, whatever the bytes.

    A post as X writes it is recognized by how it begins and ends, without a proof that it is JSON
    or names no member twice: nothing in between is looked at, and damage there is not seen.
    """
    end = end_of(line)
    if end is not None:
        try:
            return Post(_known_rules_of(end), None, line)
        except (ValueError, RecursionError):
            pass
    return read_whole(line)


def end_of(line: bytes) -> bytes | None:
    """
    Return the array of the rules of a post as X writes it, the same bytes for the same rules; None
    where that cannot be told, which says nothing of the message.
    """
    return ends_of((line,))[0]


def ends_of(messages: Iterable[bytes | Overlong]) -> list[bytes | None]:
    """
    Return what end_of() says of each message.

    No text holds a quotation mark that is not escaped, so that what looks like a member is one.  An
    array of rules behind which only one bracket is left belongs to the message itself, unless
    another one with `data` has begun before it.
    """
    ends: list[bytes | None] = []
    known, after_head = _ends, len(_HEAD)
    for line in messages:  # for each post that comes: no call here that could be spared
        if not isinstance(line, bytes):
            ends.append(None)
            continue
        at = line.rfind(_RULES)
        if at > 0 and line.startswith(_HEAD) and rfind(line, _DATA, after_head, at) < 0:
            tail = line[at:]
            ends.append(known.get(tail) or _end_of_tail(tail))
        else:
            ends.append(None)
    return ends


def _end_of_tail(tail: bytes) -> bytes | None:
    """Return the array of rules in how a line ends, and remember it if it may come again."""
    if tail[-1] != _CLOSES or len(tail) > _SHORT:
        return None
    end = tail[len(_RULES) - 2 : -1]
    if b'"embedding_' in end:
        return re.sub(_EMBEDDING, b"", end)
    if len(_ends) == _MOST_ENDS:
        _ends.clear()
    _ends[tail] = end
    return end


_ends: dict[bytes, bytes] = {}
"""How lines end -> the array of rules in it."""
_MOST_ENDS = 1 << 12
"""Most that are remembered; when there are as many, all are forgotten."""


def id_in(line: bytes) -> str:
    """Return the id of the post in a line, empty where there is none.  Never raises."""
    message = read_whole(line)
    return message.id if isinstance(message, Post) else ""


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
    if post_id or (envelope.data is not None and rules):
        return Post(rules, post_id)
    return _without_post(decoded(line))


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
    rules = tuple(_rules(message.get("matching_rules"))) if isinstance(data, dict) else ()
    if post_id or rules:
        return Post(rules, post_id)
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
    goodbyes = _goodbyes(message)
    if not goodbyes:
        return Other(message)
    types = (error.get("disconnect_type") for error in goodbyes)
    return Farewell(next((type_ for type_ in types if isinstance(type_, str)), None), message)


def _goodbyes(message: object) -> list[dict[str, Any]]:
    """Return what in a message says that X ends the connection."""
    errors = message.get("errors") if isinstance(message, dict) else None
    # One SDK's users saw goodbyes that stand by themselves, not among errors.
    said = [message, *errors] if isinstance(errors, list) else [message]
    return [error for error in said if isinstance(error, dict) and _is_goodbye(error)]


_GOODBYES = ("disconnect", "streaming-connection", "connectionexception")


def _is_goodbye(error: dict[str, Any]) -> bool:
    """Return whether an error says that X ends the connection."""
    if isinstance(error.get("disconnect_type"), str):
        return True
    kind = f"{error.get('title')} {error.get('type')}".lower()
    return any(word in kind for word in _GOODBYES)


class EnvelopeIds(SnowflakeIds):
    """Finds the ids of v2's posts."""

    def find(self, line: bytes) -> str | None:
        """
        Return the id in a line, None if it is no post; each byte is looked at.  Raises NotAnObject
        for a line that is no JSON object.
        """
        message = read_whole(line)
        if isinstance(message, Post):
            return message.id or None
        is_object = not isinstance(message, Other) or isinstance(message.message, dict)
        if isinstance(message, NotJSON) or not is_object:
            raise NotAnObject
        return None


POST_IDS = EnvelopeIds()
