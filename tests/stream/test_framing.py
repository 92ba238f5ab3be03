"""Behaviour of the splitter, and what the account quotes of a message."""

import json
import tracemalloc
from collections.abc import Iterable
from itertools import pairwise

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tcclient.stream.fastpath.chunks import Pieces
from tcclient.stream.framing import (
    EXCERPT,
    MAX_MESSAGE,
    MOST_TOGETHER,
    Overlong,
    Splitter,
    apart,
    decoded,
    excerpt,
)

Messages = list[bytes | Overlong]

POST = b'{"id_str":"1","text":"x","user":{}}'

# Lengths on both sides of each limit; kept few, because each is a mebibyte.
LENGTHS = (MAX_MESSAGE - 1, MAX_MESSAGE, MAX_MESSAGE + 1, MAX_MESSAGE + 2)

short_lines = st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"\r"))
long_lines = st.builds(
    lambda first, length: bytes([first]) * length,
    st.integers(97, 122),
    st.sampled_from(LENGTHS),
)
line_ends = st.sampled_from([b"\n", b"\r\n"])
texts = st.text(st.characters(exclude_categories=["Cs"])) | st.just('}{"id":"')
objects = st.dictionaries(
    texts,
    st.recursive(
        st.none() | st.integers() | texts,
        lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
        max_leaves=4,
    ),
    max_size=4,
)


def fed(pieces: Iterable[bytes]) -> tuple[Messages, int]:
    """What a splitter makes of `pieces`, and the bytes it still waits for the end of."""
    splitter = Splitter()
    messages = [message for piece in pieces for message in splitter.feed(piece)]
    return messages, splitter.incomplete


def fed_at_once(pieces: Iterable[bytes]) -> tuple[Messages, int]:
    """The same of pieces that came in one read, with the sizes of chunks between them."""
    read, spans = b"", []
    for piece in filter(None, pieces):
        read += b"\r\n7\r\n"
        spans.append((len(read), len(read) + len(piece)))
        read += piece
    splitter = Splitter()
    return splitter.feed_all(Pieces(read, spans)), splitter.incomplete


def shown(messages: Messages) -> list[object]:
    """What a failing test can print of long messages: size and beginning."""
    return [
        message if isinstance(message, Overlong) else (len(message), message[:20])
        for message in messages
    ]


def cut(stream: bytes, places: Iterable[int]) -> list[bytes]:
    """`stream` in pieces, some of them empty."""
    edges = [0, *sorted(min(place, len(stream)) for place in places), len(stream)]
    return [stream[begin:end] for begin, end in pairwise(edges)]


class SplitterTests(SynchronousTestCase):
    """Bytes become complete messages, however the network cut them."""

    def test_table(self) -> None:
        """What one read holds, and what comes out of it."""
        for data, messages, incomplete in (
            (b"", [], 0),
            (b"a", [], 1),
            (b"a\n", [b"a"], 0),
            (b"a\r\n", [b"a"], 0),
            (b"a\r\nb\nc", [b"a", b"b"], 1),
            (b"\r\n", [], 0),
            (b"\n\n\r\n\n", [], 0),
            (b"\r\na\r\n\r\nb\r\n\r\n", [b"a", b"b"], 0),
            (b"a\rb\r\n", [b"a\rb"], 0),
            (b"a\r\r\n", [b"a\r"], 0),
            (b" \r\n", [b" "], 0),
            (b"a\x00\xff\xe2\x80\xa8b\n", [b"a\x00\xff\xe2\x80\xa8b"], 0),
        ):
            self.assertEqual(fed([data]), (messages, incomplete), data)

    def test_messages_over_many_reads(self) -> None:
        """A message that comes byte by byte comes out once, with its last byte."""
        splitter = Splitter()
        for byte in POST + b"\r":
            self.assertEqual(splitter.feed(bytes([byte])), [])
        self.assertEqual(splitter.incomplete, len(POST) + 1)
        self.assertEqual(splitter.feed(b"\n"), [POST])
        self.assertEqual(splitter.incomplete, 0)

    def test_longest_message(self) -> None:
        """MAX_MESSAGE bytes are a message, one more is not; the line end does not count."""
        for end in (b"\n", b"\r\n"):
            line = b"x" * MAX_MESSAGE
            self.assertEqual(shown(fed([line + end])[0]), shown([line]))
            self.assertEqual(
                fed([line + b"y" + end]), ([Overlong(MAX_MESSAGE + 1, b"x" * EXCERPT)], 0)
            )

    def test_size_of_an_overlong_message(self) -> None:
        """Its size is without the line end, also where that came in reads of its own."""
        line = b"x" * (MAX_MESSAGE + 5)
        expected = [Overlong(MAX_MESSAGE + 5, b"x" * EXCERPT)]
        for pieces in (
            [line + b"\r\n"],
            [b"a\n" + line + b"\r\n"],
            [line, b"\r\n"],
            [line, b"\r", b"\n"],
            [line, b"\r", b"", b"\n"],
            [line + b"\r", b"\n"],
            [line[:7], line[7:] + b"\r\n"],
            [line, b"\n"],
        ):
            self.assertEqual(fed(pieces)[0][-1:], expected)

    def test_a_carriage_return_within_an_overlong_message(self) -> None:
        """Only the last one belongs to the line end."""
        line = b"x" * (MAX_MESSAGE + 5)
        self.assertEqual(fed([line, b"\r", b"y", b"\n"])[0][0].size, len(line) + 2)

    def test_after_an_overlong_message(self) -> None:
        """It costs itself and nothing else."""
        line = b"x" * (2 * MAX_MESSAGE)
        messages, incomplete = fed([line, line, b"\r\n" + POST + b"\r\n", POST])
        self.assertEqual(messages, [Overlong(4 * MAX_MESSAGE, b"x" * EXCERPT), POST])
        self.assertEqual(incomplete, len(POST))

    @given(
        st.lists(st.tuples(short_lines, line_ends)),
        short_lines,
        st.lists(st.integers(0, 150), max_size=20),
    )
    def test_any_segmentation(
        self, lines: list[tuple[bytes, bytes]], rest: bytes, places: list[int]
    ) -> None:
        """However a stream is cut, the same messages come out, and the same rest is waited for."""
        stream = b"".join(line + end for line, end in lines) + rest
        whole = fed([stream])
        for pieces in (
            cut(stream, places),
            [stream[i : i + 1] for i in range(len(stream))],
            [line + end for line, end in lines] + [rest],
            [*cut(stream[: len(stream) // 2], places), stream[len(stream) // 2 :]],
        ):
            self.assertEqual(fed(pieces), whole)
            self.assertEqual(fed_at_once(pieces), whole)
        without_end = [(line + end)[:-1].removesuffix(b"\r") for line, end in lines]
        self.assertEqual(whole, ([line for line in without_end if line], len(rest)))

    # Making a failing example smaller takes minutes with messages of this size.
    @settings(max_examples=25, phases=[Phase.generate])
    @given(
        st.lists(st.tuples(long_lines | short_lines, line_ends), min_size=2, max_size=3),
        st.lists(st.integers(0, 3), max_size=3),
        st.lists(st.sampled_from([1, 2, EXCERPT, *LENGTHS]), max_size=3),
    )
    def test_any_segmentation_of_long_messages(
        self, lines: list[tuple[bytes, bytes]], before_ends: list[int], places: list[int]
    ) -> None:
        """The same round the limit of length, with cuts in the line ends."""
        stream = b"".join(line + end for line, end in lines)
        near_ends = [max(0, len(stream) - place) for place in before_ends]
        whole, incomplete = fed([stream])
        pieces, still_incomplete = fed(cut(stream, [*places, *near_ends]))
        self.assertEqual(shown(pieces), shown(whole))
        self.assertEqual((still_incomplete, incomplete), (0, 0))
        for some in (cut(stream, [*places, *near_ends]), [line + end for line, end in lines]):
            self.assertEqual(shown(fed_at_once(some)[0]), shown(whole))
        for message in whole:
            if isinstance(message, Overlong):
                self.assertGreater(message.size, MAX_MESSAGE)
                self.assertEqual(len(message.head), EXCERPT)
            else:
                self.assertLessEqual(len(message), MAX_MESSAGE)

    def test_memory_is_bounded(self) -> None:
        """An endless message costs little more than MAX_MESSAGE, also in very small pieces."""
        for piece, count in ((b"x" * 65_536, 200), (b"xy", 100_000)):
            splitter = Splitter()
            tracemalloc.start()
            try:
                for _ in range(count):
                    splitter.feed(piece)
                held, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            self.assertEqual(splitter.incomplete, len(piece) * count)
            self.assertLess(peak, 2 * min(MAX_MESSAGE, splitter.incomplete) + 200_000)
            self.assertLess(held, 1.2 * min(MAX_MESSAGE, splitter.incomplete) + 10_000)


class ApartTests(SynchronousTestCase):
    """Objects that have run together in a line."""

    def test_table(self) -> None:
        """As they came, each byte in one of them; nothing but objects, and nothing between them."""
        odd = '{"ü":"}{","n":[{}],"x":"\\ud83d"}'.encode()
        for parts in ((POST, POST), (odd, b"{}", odd), (b'{"n":' + b"9" * 5000 + b"}", odd)):
            self.assertEqual(apart(b"".join(parts)), [*parts])
        for line in (
            *(POST + b" " + POST, POST + b"," + POST, POST + b"\r" + POST, POST + b"[]" + POST),
            *(POST + POST[:-1], POST[1:] + POST, POST + POST + b"x", b"x" + POST + POST),
            *(b"{}{]", b"}{", b"{}{NaN}", b'{}{"x":NaN}', b"{}{}\xff", b"", b"1{}{}", b"garbage"),
            b"{}{" + b'"x":{' * 100_000,
        ):
            self.assertEqual(apart(line), [], line[:80])

    @given(st.lists(objects, min_size=2, max_size=4), st.booleans())
    def test_any_objects(self, found: list[dict[str, object]], ascii_only: bool) -> None:
        """Whatever is in them; and anything that stands between two of them is seen."""
        parts = [json.dumps(one, ensure_ascii=ascii_only).encode() for one in found]
        self.assertEqual(apart(b"".join(parts)), parts)
        for between in (b" ", b",", b"0", b'""', b"[]", b"}", b"\0"):
            self.assertEqual(apart(between.join(parts)), [])

    def test_so_many(self) -> None:
        """As many posts as fit into the longest line; more are one that nobody can have meant."""
        posts = [b'{"data":{"id":"%019d"}}' % number for number in range(MAX_MESSAGE // 40)]
        self.assertEqual(apart(b"".join(posts)), posts)
        self.assertEqual(len(apart(b"{}" * MOST_TOGETHER)), MOST_TOGETHER)
        self.assertEqual(apart(b"{}" * (MOST_TOGETHER + 1)), [])


class DecodedTests(SynchronousTestCase):
    """What the account quotes of a message."""

    def test_content(self) -> None:
        """The message itself, with what a strict parser would refuse."""
        self.assertEqual(decoded(b'{"limit":{"track":12}}'), {"limit": {"track": 12}})
        self.assertEqual(decoded(b'{"x":"\\ud83d"}'), {"x": "\ud83d"})
        self.assertEqual(decoded('{"x":"é"}'.encode()), {"x": "é"})

    def test_what_cannot_be_written_down_again(self) -> None:
        """The account is JSON too, so these are quoted as text."""
        for value in (
            b"9" * 5000,
            b"1e999",
            b"-1e999",
            b"[" * 900 + b"]" * 900,
            b'{"x":' * 900 + b"1" + b"}" * 900,
        ):
            line = b'{"limit":' + value + b"}"
            self.assertEqual(decoded(line), excerpt(line), value[:20])

    def test_excerpt(self) -> None:
        """EXCERPT bytes, with whatever is not UTF-8 in sight."""
        self.assertEqual(excerpt(b"a\xffb\r"), "a\\xffb\r")
        self.assertEqual(excerpt(b"x" * 1000), "x" * EXCERPT)
        self.assertEqual(excerpt(b"x" * (EXCERPT - 1) + "é".encode()), "x" * 199 + "\\xc3")
