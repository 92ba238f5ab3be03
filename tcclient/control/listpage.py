"""
Reads a page of a list row by row, so that nobody has to have all rows in memory, or decoded at
once.  Pure: knows JSON and what a page is made of; does not know what a row means.
"""

import re
from collections.abc import Iterator

from tcclient.http.jsontext import NoJSON, as_utf8, value_at

_SERVER_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
"""What a server may call itself."""
_BLANK = re.compile(rb"[ \t\n\r]*")
_MEMBERS = 100
"""Most members of a page; servers have four or five."""


class ListPage:
    """
    The page in the `body` of an answer.  Once rows() has ended `length` is how long the whole list
    is, `server_id` what the server calls itself, None where it has no name, and `looks` are the
    jobs at whose posts somebody looks.
    """

    def __init__(self, body: bytes) -> None:
        self.length = 0
        self.server_id: str | None = None
        self.looks: tuple[int, ...] = ()
        self._body = body
        self._text = b""
        self._at = 0

    def rows(self) -> Iterator[object]:
        """Yield the rows, decoded.  Raises ValueError, with a clause, where it is not a page."""
        self._text = as_utf8(self._body)
        members: dict[str, object] = {}
        if self._next() != b"{":
            self._value()
            self._end()
            raise ValueError("the list is not an object")
        for name in self._names():
            if name == "results" and self._next() == b"[":
                members[name] = []
                for _ in self._items(b"[", b"]"):
                    yield self._value()
            else:
                members[name] = self._value()
        self._end()
        length, called = members.get("count"), members.get("server_id")
        if type(length) is not int or not isinstance(members.get("results"), list):
            raise ValueError("the list has no count or no results")
        self.length = length
        if isinstance(called, str) and _SERVER_ID.fullmatch(called):
            self.server_id = called
        looks = members.get("looks")
        if isinstance(looks, list):
            self.looks = tuple(job for job in looks if type(job) is int)

    def _names(self) -> Iterator[str]:
        """Yield the names of the members, each time before the value."""
        for number, _ in enumerate(self._items(b"{", b"}")):
            name = self._value() if self._next() == b'"' else None
            if not isinstance(name, str) or number == _MEMBERS:
                raise NoJSON()
            self._take(b":")
            yield name

    def _items(self, opening: bytes, closing: bytes) -> Iterator[None]:
        """Yield before each item between the two, which the caller has to take."""
        self._take(opening)
        if self._next() != closing:
            yield
            while self._next() == b",":
                self._take(b",")
                yield
        self._take(closing)

    def _value(self) -> object:
        self._next()
        found, self._at = value_at(self._text, self._at)
        return found

    def _next(self) -> bytes:
        """Return the next character that is not blank, empty at the end, without taking it."""
        blank = _BLANK.match(self._text, self._at)
        self._at = self._at if blank is None else blank.end()
        return self._text[self._at : self._at + 1]

    def _take(self, sign: bytes) -> None:
        if self._next() != sign:
            raise NoJSON()
        self._at += 1

    def _end(self) -> None:
        if self._next():
            raise NoJSON()
