"""
The kinds of messages that v1.1 streams bring.

Knows how each kind is recognized; opens nothing, decides nothing.
"""

import enum
import json
from collections.abc import Mapping

import msgspec
from txtwitter import messagetools

from tcclient.runtime.searching import rfind
from tcclient.stream.framing import refuse_constant

_USER = b',"user":{"id":'
_TEXT = b',"text":"'
_ID = b',"id_str":"'
_OPENS = b'{"created_at":"'
_PLUS_AT = len(b'{"created_at":"Sun Nov 01 12:00:00 ')
"""Bytes of a tweet before the plus sign of its date, of which few have more than five."""
_BRACE, _COLON = b"{:"
_LAST = b'"timestamp_ms":"'
_TAIL = len(b'"timestamp_ms":"1793534400000"}')
"""Bytes of a tweet's last member and bracket: until 2286 a date has 13 digits."""
_ENDS = b'"}'
_BRACKET = _USER.index(b"{")
_CONNECTION_LIMIT = b"Exceeded connection limit"


class Kind(enum.Enum):
    """What a message is, by its name in the ledger, which is that of the member that marks it."""

    POST = "post"
    DELETE = "delete"
    SCRUB_GEO = "scrub_geo"
    LIMIT = "limit"
    STATUS_WITHHELD = "status_withheld"
    USER_WITHHELD = "user_withheld"
    DISCONNECT = "disconnect"
    WARNING = "warning"
    EVENT = "event"
    UNKNOWN = "unknown"
    CONNECTION_LIMIT = "connection_limit"
    NOT_JSON = "not_json"


_POST = Kind.POST  # a member of an enumeration is slow to look up
_MARKED = tuple(k for k in Kind if k.value in {
    "delete", "scrub_geo", "limit", "status_withheld", "user_withheld", "disconnect", "warning",
    "event",
})  # fmt: skip


def kind_of(line: bytes) -> Kind:
    """
    Return what a complete message is.  Never raises, whatever the bytes.

    A tweet as Twitter writes it is recognized by a few of its bytes, without a proof that it is
    JSON: one that was damaged, but is ASCII and ends as a tweet does, counts as a post.  The date
    of its delivery is the last member; where another such member stands before, two may have run
    together, and the line is parsed.
    """
    # No text holds a quotation mark that is not escaped, so that a comma, a name in quotation marks
    # and a colon are a member wherever they stand; and one of the line itself, as long as no other
    # object has begun.  Twitter puts `user` first of all objects, and behind the two others that
    # messagetools.is_tweet() asks for.
    end = line.find(b"{", 1) - _BRACKET
    if (
        line.startswith(_USER, end)
        and line.find(_TEXT, 0, end) > 0
        and line.find(_ID, 0, end) > 0
        and line.startswith(_OPENS)
        and line[-2:] == _ENDS
        and line.isascii()
        and line.startswith(_LAST, len(line) - _TAIL)
        and rfind(line, _LAST, end, len(line) - _TAIL) < 0
        and not _holds_another(line, end)
    ):
        return _POST
    try:
        members = _members(line)
    except (ValueError, RecursionError):
        if line.startswith(_CONNECTION_LIMIT):
            return Kind.CONNECTION_LIMIT
        return Kind.NOT_JSON
    if members is None:
        return Kind.UNKNOWN
    if messagetools.is_tweet(members):
        return Kind.POST
    return next((kind for kind in _MARKED if kind.value in members), Kind.UNKNOWN)


def _holds_another(line: bytes, user: int) -> bool:
    """
    Return whether another tweet begins in one as Twitter writes it that is no member of it; its
    user stands at `user`.  A look for the brackets between them would cost three times as much as
    looking at the plus signs.
    """
    at = line.find(b"+", user)
    while at > 0:
        begin = at - _PLUS_AT
        if line[begin] == _BRACE and line[begin - 1] != _COLON and line.startswith(_OPENS, begin):
            return True
        at = line.find(b"+", at + 1)
    return False


def _members(line: bytes) -> Mapping[str, object] | None:
    """Return the members of a JSON object, None for other JSON.  Raises ValueError for no JSON."""
    if not line.isascii():
        line.decode("utf-8")
    try:
        return msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        # msgspec refuses lone surrogates, which are in real posts, and JSON that is no object.
        # As text: of bytes, json.loads would also take UTF-16, and a byte order mark.
        value = json.loads(line.decode("utf-8"), parse_constant=refuse_constant, parse_int=str)
        return value if isinstance(value, dict) else None
