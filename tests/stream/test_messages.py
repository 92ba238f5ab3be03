"""Behaviour of the splitter, and what each message is taken for."""

import json
import tracemalloc
from collections.abc import Iterable
from itertools import pairwise

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from txtwitter import messagetools

from tcclient.sources.twitter_v1.messages import Kind, kind_of
from tcclient.stream.chunks import Pieces
from tcclient.stream.framing import EXCERPT, MAX_MESSAGE, Overlong, Splitter, decoded, excerpt

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


# What a tweet has, as members of whatever stands inside it, as text, and more than once.
names = st.sampled_from(("id_str", "text", "user", "id", "x", "é", 'a"', "a\\"))
strings = (
    st.sampled_from(("1", "", ',"user":{"id":1', '"', "\\", "{", "}", "[", "]", "}]\\")) | st.text()
)
things = st.recursive(
    strings.map(json.dumps) | st.sampled_from(('{"id":1}', "1", "null", "[]", "{}")),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda parts: f"[{','.join(parts)}]")
        | st.lists(st.tuples(names, inner), max_size=4).map(lambda members: as_object(members))
    ),
    max_leaves=8,
)
looking_alike = st.builds(
    lambda members, last: as_object([*members, ("lang", json.dumps(last))]).encode(),
    st.lists(st.tuples(names, things) | st.just(("user", '{"id":1}')), max_size=7),
    strings,
)


def as_object(members: Iterable[tuple[str, str]]) -> str:
    """An object of JSON with these members, which are JSON already."""
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in members) + "}"


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


class KindTests(SynchronousTestCase):
    """What a line is."""

    def test_table(self) -> None:
        """Every kind of the protocol, with members that real ones carry beside the marking one."""
        for line, kind in (
            (POST, Kind.POST),
            (b'{"delete":{"status":{"id":1}},"timestamp_ms":"1"}', Kind.DELETE),
            (b'{"scrub_geo":{"user_id":1,"up_to_status_id":2}}', Kind.SCRUB_GEO),
            (b'{"limit":{"track":1234,"timestamp_ms":"1"}}', Kind.LIMIT),
            (b'{"status_withheld":{"id":1}}', Kind.STATUS_WITHHELD),
            (b'{"user_withheld":{"id":1}}', Kind.USER_WITHHELD),
            (b'{"disconnect":{"code":4}}', Kind.DISCONNECT),
            (b'{"warning":{"code":"FALLING_BEHIND"}}', Kind.WARNING),
            (b'{"event":"user_update","source":{},"target":{}}', Kind.EVENT),
            (b'{"friends":[1,2]}', Kind.UNKNOWN),
            (b"{}", Kind.UNKNOWN),
            (b"[]", Kind.UNKNOWN),
            (b'"text"', Kind.UNKNOWN),
            (b"1", Kind.UNKNOWN),
            (b"null", Kind.UNKNOWN),
            (b"Exceeded connection limit for user", Kind.CONNECTION_LIMIT),
            (b"Exceeded", Kind.NOT_JSON),
            (b"<html>", Kind.NOT_JSON),
            (b" ", Kind.NOT_JSON),
            (POST[:-1], Kind.NOT_JSON),
            (POST + b"x", Kind.NOT_JSON),
            (b'{"limit":NaN}', Kind.NOT_JSON),
            (b'{"limit":-Infinity}', Kind.NOT_JSON),
        ):
            self.assertIs(kind_of(line), kind, line)

    def test_a_post_is_what_txtwitter_calls_a_tweet(self) -> None:
        """All three members are needed, and they outweigh the mark of any other kind."""
        for missing in ("id_str", "text", "user"):
            members = {"id_str": "1", "text": "x", "user": {}}
            del members[missing]
            self.assertIs(kind_of(json.dumps(members).encode()), Kind.UNKNOWN)
        self.assertIs(kind_of(POST[:-1] + b',"limit":{},"event":"x"}'), Kind.POST)

    def test_marks_count_at_the_top_only(self) -> None:
        """A member of a member says nothing."""
        self.assertIs(kind_of(b'{"x":' + POST + b',"y":{"delete":1}}'), Kind.UNKNOWN)

    def test_escaped_names(self) -> None:
        """A name is what its escapes stand for."""
        self.assertIs(kind_of(b'{"\\u0069d_str":"1","te\\u0078t":"","user":null}'), Kind.POST)

    def test_posts_that_a_strict_parser_refuses(self) -> None:
        """Half an emoji is in real posts; a number of any length is JSON."""
        for odd in (b'"\\ud83d"', b"9" * 5000, b"[" * 100 + b"]" * 100, b"1e999"):
            line = POST[:-1] + b',"odd":' + odd + b"}"
            self.assertIs(kind_of(line), Kind.POST, odd[:20])
        both = POST[:-1] + b',"odd":["\\ud83d",' + b"9" * 5000 + b"]}"
        self.assertIs(kind_of(both), Kind.POST)

    def test_only_utf_8_is_read(self) -> None:
        """What a reader of the files could not read is not a post."""
        text = POST.decode()
        for line in (
            text.encode("utf-16-le"),
            text.encode("utf-16"),
            text.encode("utf-32-be"),
            text.encode("utf-8-sig"),
            POST[:-1] + b',"x":"\xff"}',
            POST[:-1] + b',"x":"\xed\xa0\xbd"}',
        ):
            self.assertIs(kind_of(line), Kind.NOT_JSON, line)

    def test_nested_without_end(self) -> None:
        """Nothing raises, however deep it is."""
        for depth in (900, 990, 1_000, 10_000, 200_000):
            line = b'{"delete":' + b"[" * depth + b"]" * depth + b"}"
            self.assertIn(kind_of(line), (Kind.DELETE, Kind.NOT_JSON))
            json.dumps(decoded(line))

    @given(st.binary() | st.binary(max_size=8).map(lambda end: POST[:-1] + end))
    def test_any_bytes(self, line: bytes) -> None:
        """No bytes raise, here or when the account quotes them."""
        kind = kind_of(line)
        json.dumps([decoded(line), excerpt(line)])
        if kind is Kind.POST:
            self.assertTrue(messagetools.is_tweet(json.loads(line)))

    @given(
        st.dictionaries(
            st.sampled_from(["id_str", "text", "user", *(kind.value for kind in Kind)])
            | st.text(max_size=3),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
                lambda children: st.lists(children) | st.dictionaries(st.text(), children),
                max_leaves=4,
            ),
            max_size=9,
        ),
        st.booleans(),
    )
    def test_agrees_with_txtwitter(self, members: dict[str, object], ascii_only: bool) -> None:
        """Of every JSON object the two say the same."""
        text = json.dumps(members, ensure_ascii=ascii_only)
        line = text.replace("Infinity", "1e999").encode("utf-8", "replace")
        self.assertEqual(kind_of(line) is Kind.POST, messagetools.is_tweet(json.loads(line)), line)

    @given(looking_alike)
    def test_whatever_looks_like_a_tweet(self, line: bytes) -> None:
        """What is inside of a member or of a string is not taken for the line's own."""
        self.assertEqual(kind_of(line) is Kind.POST, messagetools.is_tweet(json.loads(line)), line)

    def test_look_alikes(self) -> None:
        """Where `user` is somebody else's, however much it looks the line's own."""
        user = b'"user":{"id":1,"id_str":"1"}'
        for line, kind in (
            (b'{"id_str":"1","text":"x",%b,"lang":"en"}', Kind.POST),
            (
                b'{"text":"}]\\"\\\\","entities":{"urls":[[]]},"id_str":"1",%b,"lang":"en"}',
                Kind.POST,
            ),
            (b'{"id_str":"1","text":"x","a":{"b":1,%b},"lang":"en"}', Kind.UNKNOWN),
            (b'{"id_str":"1","text":"x","a":[{"b":1,%b}],"lang":"en"}', Kind.UNKNOWN),
            (b'{"id_str":"1","text":"}","a":{"b":"{",%b},"lang":"en"}', Kind.UNKNOWN),
            (b'{"a":{"id_str":"1","text":"x"},%b,"lang":"en"}', Kind.UNKNOWN),
            (b'{"a":{"id_str":"1","text":"x",%b},"lang":"en"}', Kind.UNKNOWN),
            (b'{"id_str":"1","x":"text",%b,"limit":{},"lang":"en"}', Kind.LIMIT),
            (b'{"id_str":"1","text":"x",%b,"lang":"en"', Kind.NOT_JSON),
            (b'{"id_str":"1","text":"x",%b,"lang":"en"} ', Kind.POST),
            (b'"id_str":"1","text":"x",%b,"lang":"en"}', Kind.NOT_JSON),
            (b'"at":1,"id_str":"1","text":"x",%b,"lang":"en"}', Kind.NOT_JSON),
            (b'{"at":1,"id_str":"1","text":"x",%b,"lang":"en"', Kind.NOT_JSON),
            (b'{"at":1,"id_str":"1","x":",\\"text\\":\\"",%b,"lang":"en"}', Kind.UNKNOWN),
            (b'{"at":1,"id_str":"1","x":["text",":"],%b,"lang":"en"}', Kind.UNKNOWN),
            (b'{"at":1,"text":"1",%b,"id_str":"en"}', Kind.POST),
            (b'{"id_str":"1","text":"\xff",%b,"lang":"en"}', Kind.NOT_JSON),
            (b'{"id_str":"1","text":"x",%b,"lang":"\xff"}', Kind.NOT_JSON),
            (b'{"at":1,"id_str":"1","text":"x",%b,"lang":"\xff"}', Kind.NOT_JSON),
            (b'{"id_str":"1","text":"\\ud83d",%b,"lang":"en"}', Kind.POST),
        ):
            self.assertIs(kind_of(line % user), kind, line)

    def test_where_damage_is_not_seen(self) -> None:
        """A line that has what a tweet has, and ends as one, is not read but kept as it is."""
        for line in (
            b'{"at":1,"id_str":"1","text":"x","user":{"id":1,,"lang":"en"}',
            b'{"at":1,,"id_str":"1","text":"x","user":{"id":1},"lang":"en"}',
            b'{"at":1,"id_str":"1","text":"\0","user":{"id":1},"lang":"en"}',
        ):
            self.assertIs(kind_of(line), Kind.POST, line)

    def test_a_name_that_is_half_a_character(self) -> None:
        """It hides nothing, and is no obstacle."""
        self.assertIs(kind_of(b'{"\\ud83d":1,"limit":{}}'), Kind.LIMIT)


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
