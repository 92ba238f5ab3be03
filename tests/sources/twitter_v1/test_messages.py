"""What each message of v1.1 is taken for."""

import json
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from txtwitter import messagetools

from tcclient.sources.twitter_v1.messages import Kind, kind_of
from tcclient.stream.framing import decoded, excerpt

POST = b'{"id_str":"1","text":"x","user":{}}'
STAMP = b'"timestamp_ms":"1793534400000"}'
CREATED = b'{"created_at":"Sun Nov 01 12:00:00 +0000 2026","id":1'
"""How Twitter begins a tweet."""

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
            (POST + POST, Kind.NOT_JSON),
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
            b',"id_str":"1","text":"x","user":{"id":1,,"lang":"en"},' + STAMP,
            b',,"id_str":"1","text":"x","user":{"id":1},' + STAMP,
            b',"id_str":"1","text":"\0","user":{"id":1},' + STAMP,
        ):
            self.assertIs(kind_of(CREATED + line), Kind.POST, line)
            self.assertIs(kind_of(b'{"at":1' + line), Kind.NOT_JSON, line)

    def test_two_in_a_line(self) -> None:
        """Is not taken for one, wherever it ends; one that quotes another is one."""
        one = CREATED + b',"id_str":"1","text":"+","user":{"id":1,"created_at":"x +0000"}'
        for end in (b',"lang":"en"}', b"," + STAMP):
            for rest in (end, b',"retweeted_status":' + one + b"}" + end):
                self.assertIs(kind_of(one + rest), Kind.POST)
                for between in (b"", b" ", b",", b"x"):
                    self.assertIs(kind_of(one + rest + between + one + rest), Kind.NOT_JSON)

    def test_two_in_a_line_however_the_second_is_written(self) -> None:
        """In another order, with another date, with spaces, or without a tweet's last member."""
        first = CREATED + b',"id_str":"1","text":"x","user":{"id":1},' + STAMP
        self.assertIs(kind_of(first), Kind.POST)
        members = json.loads(first)
        for second in (
            {name: members[name] for name in reversed(members)},
            {name: members[name] for name in ("id_str", "text", "user", "timestamp_ms")},
            members | {"created_at": "2026-11-01T12:00:00Z"},
            {"limit": {"track": 7}, "timestamp_ms": members["timestamp_ms"]},
            members | {"timestamp_ms": "1"},
        ):
            for separators in ((",", ":"), (", ", ": ")):
                whole = json.dumps(second, separators=separators).encode()
                for line in (whole, b"{ " + whole[1:], whole[:-1] + b" }"):
                    self.assertIs(kind_of(first + line), Kind.NOT_JSON, line)
                    self.assertIs(kind_of(first + b" " + line), Kind.NOT_JSON, line)
                    self.assertIsNot(kind_of(line), Kind.NOT_JSON, line)

    def test_a_piece_and_a_whole_one(self) -> None:
        """They are not taken for one, unless the cut makes the second a member of the first."""
        whole = CREATED + b',"id_str":"1","text":"x","user":{"id":1,"name":"n"},' + STAMP
        for size in range(1, len(whole)):
            if whole[:size].endswith(b":"):
                continue
            self.assertIsNot(kind_of(whole[:size] + whole), Kind.POST, whole[:size])

    def test_a_name_that_is_half_a_character(self) -> None:
        """It hides nothing, and is no obstacle."""
        self.assertIs(kind_of(b'{"\\ud83d":1,"limit":{}}'), Kind.LIMIT)
