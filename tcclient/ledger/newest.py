"""
Which of the newest lines of a ledger tell how things stand with a job: the others are passed over,
so that a start takes a second or two however long the ledger is, and whatever fills it.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Raw, Struct, structs

from tcclient.ledger import bookings
from tcclient.ledger.fold import (
    BOOT,
    COUNTERS,
    COVERAGE,
    DISK,
    EVERYTHING,
    TEXT,
    known_after,
    told_counters,
)
from tcclient.ledger.lines import ForeignLine, LedgerLine, UnreadableLine, line
from tcclient.ledger.reading import texts_newest_first
from tcclient.ledger.vocabulary import COMMON

MANY = 1000
"""
Lines of one kind of which nothing that lies further back follows but, for some, one thing: what was
the first of them, or what they add up to.  Of lines that cannot be read no more are counted.
"""

MOST_ATTEMPTS = 20_000
"""
Attempts that are counted of the gap that is open: at one a minute those of two weeks.  The clock is
not set more often while one stream is heard.
"""

_MOST = {"not_connected": MOST_ATTEMPTS, "clock_step": MOST_ATTEMPTS}

_OPENING = "capture_open"
_SUMMED = frozenset({"file", "not_stored", "came_back"})
"""Kinds of lines that may have no counters, and change them."""

_TELLING: dict[str, frozenset[str]] = {
    COUNTERS: _SUMMED | {_OPENING, "capture_close", "update", "base"},
    COVERAGE: frozenset({_OPENING, "capture_start", "capture_stop", "gap", "disconnected"})
    | {"not_connected", "clock_step", "sleep", "file"},
    DISK: frozenset({_OPENING, "capture_start", "disk_trouble", "disk_recovered"}),
    TEXT: frozenset({"keywords", "capture_stop", _OPENING}),
    BOOT: frozenset({_OPENING}),
}
"""The kinds of lines from which each follows that has to be known of a job."""


class _Head(Struct, gc=False):
    """What of a line tells whether it is needed; all lines have these members, if at all."""

    kind: str = ""
    job: int | None = None
    posts: int = 0
    count: int = 0
    counted: bool = False
    recovered: bool = False
    overlap: float | None = None
    because: str | None = None
    cause: str | None = None
    account: Raw = Raw()
    open_gap: Raw = Raw()

    @property
    def has_counters(self) -> bool:
        """Whether the line has the counters of its job."""
        return bool(self.account) and bytes(self.account) != _NULL

    @property
    def has_gap(self) -> bool:
        """Whether the line says in which gap the capture goes on."""
        return bool(self.open_gap) and bytes(self.open_gap) != _NULL


_NULL, _SOMETHING = b"null", Raw(b"{}")
_HEADS = msgspec.json.Decoder(_Head)

_HALF, _REPLACED = rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}", rb"\\ufffd"
"""Half a surrogate, which JSON may have and the decoder of heads does not take."""

_PLAIN = ("posts", "count", "counted", "recovered", "overlap", "because", "cause")
_BEGINS = b'{"at"'
_BEGINNING = re.compile(rb'{"at": ?"[^"]*", ?"kind": ?"(\w+)"')
"""How as_line() begins a line, with its kind."""


def newest_of_job(
    path: Path, job: int, unknown: frozenset[str] = EVERYTHING
) -> Iterator[LedgerLine | UnreadableLine]:
    """
    Yield lines of a ledger from the last one backwards, but none from which nothing follows of what
    is `unknown` of a job: of other jobs only openings of the folder, and none that is made needless
    by newer ones.  Many lines that add up to something may be one.
    """
    sieve = _Sieve(job, unknown)
    for text in texts_newest_first(path):
        yield from sieve.take(text)
    yield from sieve.rest()


def _heads(lines: Sequence[bytes], text: bytes) -> Sequence[_Head | None]:
    """Return the heads of the lines of a text; None for each line that has none."""
    found = _decoded(text)
    if found is None:
        found = _decoded(re.sub(_HALF, _REPLACED, text))
    if found is not None and len(found) == len(lines):  # empty lines are passed over
        return found
    return [_head(raw) for raw in lines]


def _decoded(text: bytes) -> list[_Head] | None:
    with suppress(msgspec.MsgspecError, ValueError):
        return _HEADS.decode_lines(text)
    return None


def _head(raw: bytes) -> _Head | None:
    with suppress(msgspec.MsgspecError, ValueError):
        return _HEADS.decode(raw)
    return None


def _head_of(one: LedgerLine) -> _Head:
    """Return the head of a line that has been read in another way."""
    entry = one.entry
    plain = {name: getattr(entry, name) for name in _PLAIN if hasattr(entry, name)}
    head = _Head(entry.kind, one.job, **plain)
    if told_counters(entry) is not None:
        head.account = _SOMETHING
    if getattr(entry, "open_gap", None) is not None:
        head.open_gap = _SOMETHING
    return head


class _Sieve:
    """Keeps back what follows from the lines of a `job`, taken from the last one backwards."""

    def __init__(self, job: int, unknown: frozenset[str]) -> None:
        self._job = job
        self._unknown = set(unknown)
        self._needless: frozenset[str] = frozenset()
        self._has_file = False
        self._taken: dict[str, int] = {}
        self._floods: set[str] = set()  # kinds of which only the sum of the rest is needed
        self._damaged = 0
        self._kept: dict[str, bytes] = {}  # the first line of a flood, by its kind: newest first
        self._summed: bytes | None = None
        self._posts = self._settled = 0
        self._number = 0
        self._look_for()

    def _look_for(self) -> None:
        needed = frozenset().union(*(_TELLING[one] for one in self._unknown))
        self._kinds = needed - self._needless

    def take(self, text: bytes) -> Iterator[LedgerLine | UnreadableLine]:
        """Take the lines before those that have been taken; yield what is needed."""
        if self._damaged >= MANY and _BEGINS not in text:
            return
        lines = text.removesuffix(b"\n").split(b"\n")
        heads = _heads(lines, text)
        for number in range(len(lines) - 1, -1, -1):
            head = heads[number]
            if head is None:
                yield from self._take_headless(lines[number])
            elif head.kind in self._floods and head.job == self._job and not head.has_counters:
                self._sum(lines[number], head)
            elif head.kind in self._kinds and self._is_needed(lines[number], head):
                yield from self._take(lines[number], head)

    def rest(self) -> Iterator[LedgerLine | UnreadableLine]:
        """Yield what was kept back."""
        if self._summed is not None:
            one = self._read(self._summed)
            if isinstance(one, LedgerLine):
                # Of the members of the many lines only these numbers say something.
                sums = bookings.File(name="", posts=self._posts, bytes=0, count=self._settled)
                yield structs.replace(one, entry=sums)
            self._summed, self._posts, self._settled = None, 0, 0
        kept, self._kept = self._kept, {}
        yield from map(self._read, kept.values())

    def _is_needed(self, raw: bytes, head: _Head) -> bool:
        """
        Return whether a line of a kind that is needed has to be yielded: whether something may
        follow from it, and it does not go into what many come to.
        """
        if not self._may_tell(head):
            return False
        enough = _MOST.get(head.kind, MANY)
        return self._taken.get(head.kind, 0) < enough or not self._is_one_of_many(raw, head)

    def _may_tell(self, head: _Head) -> bool:
        """Return whether something may follow from a line of a kind that is needed."""
        kind, is_own = head.kind, head.job == self._job
        if kind == _OPENING:
            says_text = is_own and head.has_gap
            return says_text or self._unknown != {TEXT}
        if not is_own:
            return False
        match kind:
            case "file":
                is_other = head.recovered or not self._has_file
                return COUNTERS in self._unknown or is_other
            case "not_stored":
                return head.counted
            case "disconnected":
                return head.overlap is None
            case "capture_stop":
                return COVERAGE in self._unknown or head.because != "left"
        return True

    def _take(self, raw: bytes, head: _Head) -> Iterator[LedgerLine | UnreadableLine]:
        kind = head.kind
        self._taken[kind] = self._taken.get(kind, 0) + 1
        if kind in _SUMMED and self._taken[kind] >= MANY and COUNTERS in self._unknown:
            self._floods.add(kind)
        if kind != "not_connected":
            yield from self.rest()
        one = self._read(raw)
        yield one
        if isinstance(one, LedgerLine):
            self._learn(one, is_file=kind == "file" and not head.recovered)

    def _is_one_of_many(self, raw: bytes, head: _Head) -> bool:
        """Return whether a line goes into what the many of its kind come to."""
        kind = head.kind
        if head.job == self._job and COUNTERS in self._unknown and head.has_counters:
            return False
        if kind in _SUMMED:
            if COUNTERS in self._unknown:
                self._sum(raw, head)
        elif kind == _OPENING or (kind == "disconnected" and head.cause not in ("stopped", "left")):
            self._kept.pop(kind, None)
            self._kept[kind] = raw
        elif kind != "disconnected":
            self._needless |= {kind}
            self._look_for()
        return True

    def _sum(self, raw: bytes, head: _Head) -> None:
        """Add a line without counters to those that change them."""
        if head.kind == "came_back":
            self._posts -= head.posts
        elif head.kind == "file" or head.counted:
            self._posts += head.posts
        self._settled += head.count
        self._summed = raw

    def _take_headless(self, raw: bytes) -> Iterator[LedgerLine | UnreadableLine]:
        """Take a line that cannot be decoded as others are; it may have half a surrogate."""
        begins = _BEGINNING.match(raw)
        if (begins and begins[1].decode() not in self._kinds) or self._damaged >= MANY:
            return
        one = self._read(raw)
        if isinstance(one, LedgerLine):
            head = _head_of(one)
            if head.kind in self._kinds and self._is_needed(raw, head):
                yield from self._take(raw, head)
        elif not isinstance(one, ForeignLine):
            self._damaged += 1
            yield one

    def _read(self, raw: bytes) -> LedgerLine | UnreadableLine:
        self._number -= 1
        return line(self._number, raw, COMMON)

    def _learn(self, one: LedgerLine, *, is_file: bool) -> None:
        """Want no lines any more that this one makes needless."""
        is_own, entry = one.job == self._job, one.entry
        self._unknown -= known_after(entry, self._unknown, is_own=is_own)
        if COUNTERS not in self._unknown:
            self._floods.clear()
        self._has_file = self._has_file or (is_own and is_file)
        self._look_for()
