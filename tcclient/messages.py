"""
Bytes of a stream -> complete messages and their kinds.

Knows the framing and the shapes of v1.1 messages; opens nothing, decides nothing.
"""

import enum
import json
from collections.abc import Mapping

import attrs
import msgspec
from txtwitter import messagetools

MAX_MESSAGE = 1 << 20
"""Bytes of the longest message that is stored.  Posts above 16 KiB exist, none near 1 MiB."""

EXCERPT = 200
"""Bytes of a refused line that the account quotes."""

_CONNECTION_LIMIT = b"Exceeded connection limit"


class Kind(enum.Enum):
    """What a message is.  The value is its name in the ledger, and the member that marks it."""

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


_MARKED = tuple(k for k in Kind if k.value in {
    "delete", "scrub_geo", "limit", "status_withheld", "user_withheld", "disconnect", "warning",
    "event",
})  # fmt: skip


@attrs.frozen
class Overlong:
    """A message that was longer than MAX_MESSAGE: its length in bytes and how it began."""

    size: int
    head: bytes


class Splitter:
    """
    Cuts a stream into messages at each newline.

    Holds at most MAX_MESSAGE bytes of an incomplete message, however long it grows.
    """

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._size = 0
        self._overlong_head: bytes | None = None

    @property
    def incomplete(self) -> int:
        """How many bytes of an unfinished message have been seen."""
        return self._size

    def feed(self, data: bytes) -> list[bytes | Overlong]:
        """
        The messages that `data` completes, in order, without their line ends.

        Blank lines (keep-alives) yield nothing.  A carriage return before the newline belongs to
        the line end, as Twitter sends it.
        """
        pieces = data.split(b"\n")
        self._hold(pieces[0])
        if len(pieces) == 1:
            return []
        messages: list[bytes | Overlong] = []
        first = self._release()
        if first:
            messages.append(first)
        for piece in pieces[1:-1]:
            line = piece.removesuffix(b"\r")
            if len(line) > MAX_MESSAGE:
                messages.append(Overlong(len(line), line[:EXCERPT]))
            elif line:
                messages.append(line)
        self._hold(pieces[-1])
        return messages

    def _hold(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._overlong_head is not None:
            return
        self._held.append(piece)
        if self._size > MAX_MESSAGE + 1:  # one more for the carriage return
            self._overlong_head = b"".join(self._held)[:EXCERPT]
            self._held.clear()

    def _release(self) -> bytes | Overlong:
        size, head = self._size, self._overlong_head
        line = b"".join(self._held).removesuffix(b"\r")
        self._held, self._size, self._overlong_head = [], 0, None
        if head is not None or len(line) > MAX_MESSAGE:
            return Overlong(size, head or line[:EXCERPT])
        return line


def kind_of(line: bytes) -> Kind:
    """What a complete message is.  Never raises, whatever the bytes."""
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


def decoded(line: bytes) -> object:
    """
    The content of a message that is JSON; of one that Python cannot hold (an integer of 5,000
    digits), its excerpt.
    """
    try:
        return _loads(line)
    except (ValueError, RecursionError):
        return excerpt(line)


def excerpt(line: bytes) -> str:
    """How a refused line began, for the account."""
    return line[:EXCERPT].decode("utf-8", "backslashreplace")


def _members(line: bytes) -> Mapping[str, object] | None:
    """The members of a JSON object; None for other JSON.  Raises ValueError for anything else."""
    if not line.isascii():
        line.decode("utf-8")
    try:
        return msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        # msgspec refuses lone surrogates, which are in real posts, and JSON that is no object.
        value = _loads(line)
        return value if isinstance(value, dict) else None


def _loads(line: bytes) -> object:
    """As json.loads, which keeps lone surrogates, without its NaN and Infinity."""
    return json.loads(line, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
