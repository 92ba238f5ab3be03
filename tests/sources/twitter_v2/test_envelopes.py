"""One message of a v2 stream: what it is, whichever way it is read."""

import itertools
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tcclient.sources.twitter_v1.messages import Kind, kind_of
from tcclient.sources.twitter_v2 import envelopes
from tcclient.sources.twitter_v2.envelopes import Farewell, NotJSON, Other, Post, Rules, read

DISCONNECT_TYPES = (
    *("OperationalDisconnect", "UpstreamOperationalDisconnect", "ForceDisconnect"),
    *("UpstreamUncleanDisconnect", "SlowReader", "InternalError"),
    *("ClientApplicationStateDegraded", "InvalidRules"),
)
NOT_FOUND = {
    "title": "Not Found Error",
    "type": "https://api.twitter.com/2/problems/resource-not-found",
    "resource_type": "tweet",
    "value": "17",
    "detail": "Could not find tweet with referenced_tweets.id: [17].",
}


def a_post(post_id: str, rules: Rules = ()) -> Post:
    """The post with that id that matched these rules."""
    return Post(rules, post_id)


def slowly(line: bytes) -> object:
    """What a message is to the way that is taken where the fast one cannot read it."""
    return envelopes._read_slowly(line)


class WaysTestCase(SynchronousTestCase):
    """Both ways have to agree."""

    def read(self, line: bytes | dict[str, Any]) -> object:
        """What a message is, by both of them."""
        content = line if isinstance(line, bytes) else json.dumps(line).encode()
        found = read(content)
        self.assertEqual(slowly(content), found, content[:200])
        return found


class PostTests(WaysTestCase):
    """An object whose `data` is an object with an `id`."""

    def test_rules(self) -> None:
        """Ids and tags of those it matched; the sample has none."""
        post = {"data": {"id": "9", "text": "x"}, "includes": {"users": [{"id": "1"}]}}
        self.assertEqual(self.read(post), a_post("9"))
        rules = [{"id": "17", "tag": "tcc:1:2"}, {"id": "18"}, {"id": "19", "tag": None}]
        self.assertEqual(
            self.read({**post, "matching_rules": rules}),
            a_post("9", (("17", "tcc:1:2"), ("18", None), ("19", None))),
        )

    def test_rules_of_odd_types(self) -> None:
        """What can be read of a rule counts: the tag alone names a job."""
        for rules, found in (
            ([{"tag": "a"}], (("", "a"),)),
            ([{"id": None, "tag": "a"}], (("", "a"),)),
            ([{"id": 17, "tag": "a"}], (("17", "a"),)),
            ([{"id": 1.5, "tag": "a"}], (("", "a"),)),
            ([{"id": True}], (("", None),)),
            ([{"id": "17", "tag": 7}], (("17", None),)),
            ([{"id": "17", "tag": ["a"]}, {"id": "18", "tag": "b"}], (("17", None), ("18", "b"))),
            ([{}], (("", None),)),
            ([7, None, "17", ["17"], {"id": "18"}], (("18", None),)),
            ([], ()),
            (None, ()),
            ({}, ()),
            ("17", ()),
            (7, ()),
        ):
            self.assertEqual(
                self.read({"data": {"id": "9"}, "matching_rules": rules}), a_post("9", found), rules
            )

    def test_ids_that_are_numbers(self) -> None:
        """They mean the same as texts, where a double could not hold them too."""
        big = 1_234_567_890_123_456_789
        for text in ("x", "\ud800"):
            line = {"data": {"id": big, "text": text}, "matching_rules": [{"id": big + 1}]}
            self.assertEqual(self.read(line), a_post(str(big), ((str(big + 1), None),)))

    def test_any_number_of_rules(self) -> None:
        """More than anybody would remember, and the same ones again."""
        for number in (1, 10, 100, 1000):
            rules = [{"id": str(n), "tag": f"tcc:1a2b3c4d:{n}"} for n in range(number)]
            found = a_post("9", tuple((rule["id"], rule["tag"]) for rule in rules))
            for _ in range(2):
                self.assertEqual(self.read({"data": {"id": "9"}, "matching_rules": rules}), found)

    def test_partial(self) -> None:
        """Errors beside data are of what the post refers to; even a farewell comes after it."""
        for error in (NOT_FOUND, {"disconnect_type": "ForceDisconnect"}):
            self.assertEqual(self.read({"data": {"id": "9"}, "errors": [error]}), a_post("9"))

    def test_lone_surrogates(self) -> None:
        """They are in real posts, anywhere; Python writes them as it reads them."""
        for line in (
            b'{"data":{"id":"9","text":"\\ud83d"}}',
            b'{"data":{"id":"9"},"includes":{"users":[{"name":"\\udc00\\ud800"}]}}',
            b'{"\\ud83d":1,"data":{"id":"9"}}',
        ):
            self.assertEqual(self.read(line), a_post("9"))
        line = b'{"data":{"id":"9"},"matching_rules":[{"id":"17","tag":"\\ud83d"}]}'
        self.assertEqual(self.read(line), a_post("9", (("17", "\ud83d"),)))

    def test_numbers_beyond_python(self) -> None:
        """They stand beside what is asked for, and nobody needs them."""
        for number in (b"1" * 5000, b"-" + b"1" * 5000, b"1e999", b"-1e-999", b"1." + b"1" * 5000):
            self.assertEqual(self.read(b'{"n":' + number + b',"data":{"id":"9"}}'), a_post("9"))

    def test_members_twice(self) -> None:
        """The last one counts, as in Python and most others."""
        for line, found in (
            (b'{"data":{"id":"8"},"data":{"id":"9"}}', a_post("9")),
            (b'{"data":{"id":"8","id":"9"}}', a_post("9")),
            (b'{"data":7,"data":{"id":"9"}}', a_post("9")),
            (b'{"data":{"id":"9"},"data":7}', Other),
            (b'{"data":{"id":"9"},"data":{"x":"9"}}', Other),
        ):
            kind = self.read(line)
            self.assertEqual(kind if isinstance(found, Post) else type(kind), found, line)


class EndsTests(WaysTestCase):
    """What is known of a post by how its line begins and ends."""

    def test_posts(self) -> None:
        """As X writes them, whatever stands between."""
        rules = b',"matching_rules":[{"id":"17","tag":"a"}]}'
        for line in (
            b'{"data":{"id":"9","text":"x"}' + rules,
            b'{"data":{"author_id":"1","list":["x"],"id":"9","text":"\xc3\xbc"}' + rules,
            b'{"data":{"id":"9","entities":{"urls":[{}]}},"includes":{"users":[{"id":"1"}]}'
            + rules,
        ):
            self.assertEqual(envelopes.end_of(line), rules[len(b',"matching_rules":') : -1], line)
            self.assertEqual(self.read(line), a_post("9", (("17", "a"),)), line)

    def test_what_stands_before_the_id(self) -> None:
        """Whatever it is: members are in alphabetical order, and the id is found."""
        rules = b',"matching_rules":[{"id":"17","tag":"a"}]}'
        before = (
            b'"attachments":{},',
            b'"context_annotations":[{"domain":{"description":"x","id":"3"},"entity":{"id":"8"}}],',
            b'"entities":{"annotations":[{"id":"8","text":"\\"id\\":\\"7\\""}]},"geo":{"id":"6"},',
        )
        for members in itertools.permutations(before):
            line = b'{"data":{%b"id":"9","text":"x"}' % b"".join(members) + rules
            self.assertIsNotNone(envelopes.end_of(line))
            self.assertEqual(self.read(line), a_post("9", (("17", "a"),)), line)

    def test_posts_without_id(self) -> None:
        """What matched rules is a post, and is kept, whatever else is missing or is not its id."""
        rules = b',"matching_rules":[{"id":"17","tag":"a"}]}'
        for line in (
            b'{"data":{"text":"x"},"id":"9"' + rules,
            b'{"data":{"text":"x"},"includes":{"id":"9"}' + rules,
            b'{"data":{"entities":{"id":"9"}}' + rules,
            b'{"data":{"a\\"id":"9"}' + rules,
            b'{"data":{"id":""}' + rules,
        ):
            self.assertEqual(self.read(line), a_post("", (("17", "a"),)), line)

    def test_rules_by_embedding(self) -> None:
        """The same rules are the same bytes, however near each post is to them."""
        rule = b'{"embedding_similarity":%b,"embedding_threshold":0.7,"id":"17","tag":"a"}'
        ends = {
            envelopes.end_of(b'{"data":{"id":"9"},"matching_rules":[{"id":"5"},%b]}' % (rule % n))
            for n in (b"0.71", b"0.9352", b"1", b"7.5e-1")
        }
        self.assertEqual(ends, {b'[{"id":"5"},{"id":"17","tag":"a"}]'})

    def test_look_alikes(self) -> None:
        """Where the rules are somebody else's, or are not what they seem: the whole is read."""
        rules = b',"matching_rules":[{"id":"17","tag":"a"}]}'
        for line in (
            b'{"data":{"id":"9"},"matching_rules":["}"]}',
            b'{"data":{"id":"9"},"matching_rules":[7]}',
            b'{"data":{"id":"9"}' + rules[:-1] + b',"errors":[]}',
            b'{"x":1,"data":{"id":"9"}' + rules,
            b'{"data":{"id":"8"}' + rules + b'{"data":{"id":"9"}' + rules,
            b'{"data":{"id":"9"},"x":{"y":1' + rules + b"}",
        ):
            found = self.read(line)
            self.assertFalse(isinstance(found, Post) and found.is_known_by_its_end, line)

    def test_two_in_a_line(self) -> None:
        """Are not taken for one, however the second begins; the rest of the two says nothing."""
        rules = b',"matching_rules":[{"id":"17","tag":"a"}]}'
        first, data = b'{"data":{"id":"8"}', b'"data":{"id":"9"}'
        for begin in (
            *(b"{", b"{ ", b"{\t", b'{"errors":[],', b'{"includes":{},', b'{"x":{"y":[]},'),
            *(b'{"matching_rules":[],', b'{"d":1,'),
        ):
            for written in (data, data.replace(b":", b" : "), data.replace(b":", b": ")):
                second = begin + written + rules
                for end in (rules, b"}", rules[:-1] + b',"errors":[{}]}', b',"x":"y"}'):
                    for between in (b"", b" ", b"\r"):
                        line = first + end + between + second
                        self.assertIsNone(envelopes.end_of(line), line)
                        self.assertEqual(self.read(line), NotJSON(), line)
                    self.assertIsInstance(self.read(second), Post)
        for between in (b",", b", ", b"x", b",x", b"[", b"0", b"\0", b"]", b"}", b'"'):
            line = first + rules + between + first + rules
            self.assertEqual(self.read(line), NotJSON(), line)

    def test_where_damage_is_not_seen(self) -> None:
        """Between the ends; a line that has both is a post, and is kept as it is."""
        rules = b',"matching_rules":[{"id":"17","tag":"a"}]}'
        for hole in (b',,"text":"x"}', b',"text":"\xff"}', b"}}"):
            found = read(b'{"data":{"id":"9"' + hole + rules)
            self.assertEqual(isinstance(found, Post) and found.rules, (("17", "a"),))


class OtherTests(WaysTestCase):
    """JSON that is no post."""

    def test_farewells(self) -> None:
        """Every type, known or not, and first of several."""
        for type_ in (*DISCONNECT_TYPES, "NewReason", ""):
            message = {"errors": [{"title": "operational-disconnect", "disconnect_type": type_}]}
            self.assertEqual(self.read(message), Farewell(type_, message))
        errors = [7, {}, {"disconnect_type": 7}, {"disconnect_type": "A"}, {"disconnect_type": "B"}]
        self.assertEqual(self.read({"errors": errors}), Farewell("A", {"errors": errors}))

    def test_farewells_without_type(self) -> None:
        """X's newer description has none: title or type speak of the connection."""
        for error in (
            {"title": "operational-disconnect"},
            {"title": "x", "type": "https://api.x.com/2/problems/operational-disconnect"},
            {"title": "ConnectionException", "type": "https://x/2/problems/streaming-connection"},
            {"title": "operational-disconnect", "disconnect_type": None},
        ):
            message = {"errors": [error]}
            self.assertEqual(self.read(message), Farewell(None, message))

    def test_bare_farewells(self) -> None:
        """One that stands by itself, not among errors, as some of X's streams had it."""
        type_ = "OperationalDisconnect"
        message: dict[str, object] = {"title": "operational-disconnect", "disconnect_type": type_}
        self.assertEqual(self.read(message), Farewell(type_, message))
        for title in ("client-disconnected", "ConnectionException"):
            message = {"title": title, "detail": "The client was disconnected."}
            self.assertEqual(self.read(message), Farewell(None, message))
            self.assertEqual(Farewell(None, message).detail, "The client was disconnected.")
        self.assertEqual(
            self.read({"title": "Not Found Error"}), Other({"title": "Not Found Error"})
        )

    def test_what_a_farewell_says(self) -> None:
        """The detail, or else the title, of the first that speaks of the connection."""
        goodbye = {"title": "operational-disconnect"}
        for errors, said in (
            ([NOT_FOUND, goodbye], "operational-disconnect"),
            ([{**goodbye, "detail": "Soon again."}, goodbye], "Soon again."),
            ([{"disconnect_type": "A", "detail": 7}, goodbye], "operational-disconnect"),
            ([{"disconnect_type": "A"}], ""),
        ):
            self.assertEqual(Farewell("A", {"errors": errors}).detail, said)

    def test_errors_that_are_no_farewell(self) -> None:
        """Hanging up for them would make the gap that nobody announced."""
        for errors in ([NOT_FOUND], [{}], [7], [None], [[]], [], {}, "disconnect", None, 7):
            message = {"errors": errors}
            self.assertEqual(self.read(message), Other(message), errors)

    def test_unknown(self) -> None:
        """Anything else, with its content for the ledger."""
        for message in (
            *({}, {"data": None}, {"data": {}}, {"data": []}, {"data": "9"}, {"data": 9}),
            *({"data": {"id": ""}}, {"data": {"id": True}}, {"data": {"id": None}}, {"id": "9"}),
            *({"data": {"id": 1.5}}, {"data": {"id": {}}}),
            *({"data": [{"id": "9"}]}, {"data": {"ID": "9"}}, {"Data": {"id": "9"}}),
            {"warning": {"code": "FALLING_BEHIND"}},
        ):
            self.assertEqual(self.read(message), Other(message), message)
        for line, content in (
            *((b"[]", []), (b"null", None), (b"7", 7), (b'"x"', "x"), (b"true", True)),
            (b'{"n":1e999}', '{"n":1e999}'),
            (b"1" * 5000, "1" * 200),
        ):
            self.assertEqual(self.read(line), Other(content))

    def test_no_json(self) -> None:
        """Words, pieces, and what only some readers take."""
        for line in (
            *(
                b"",
                b" ",
                b"Exceeded connection limit",
                b"<html>",
                b"{",
                b'{"data":{"id":"9"}',
                b"}",
            ),
            *(b'{"data":{"id":"9"}} {}', b'{"data":{"id":"9"},}', b"{'data':{'id':'9'}}"),
            *(b'{"data":{"id":"9"},"n":NaN}', b'{"data":{"id":"9"},"n":-Infinity}', b"NaN"),
            *(b'{"data":{"id":"9"},"n":01}', b'{"data":{"id":"9"},"n":1.}', b'{"n":"\\q"}'),
            *(b'{"data":{"id":"9","text":"a\tb"}}', b'{"data":{"id":"9","text":"\\u12"}}'),
        ):
            self.assertEqual(self.read(line), NotJSON(), line)

    def test_other_encodings(self) -> None:
        """A file of JSON lines is UTF-8, without a byte order mark or surrogates."""
        text = '{"data":{"id":"9","text":"ü"}}'
        for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "latin-1"):
            self.assertEqual(self.read(text.encode(encoding)), NotJSON(), encoding)
        self.assertEqual(self.read('{"data":{"id":"9"}}'.encode("utf-16-be")), NotJSON())
        self.assertEqual(self.read(text.encode()), a_post("9"))
        for piece in (b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"):
            line = b'{"data":{"id":"9","text":"' + piece + b'"}}'
            self.assertEqual(self.read(line), NotJSON(), piece)

    def test_nesting(self) -> None:
        """However deep, it is something."""
        for depth in (10, 101, 500, 990, 1100, 100_000):
            for begin, end in ((b"[", b"]"), (b'{"data":', b"}"), (b'{"errors":[', b"]}")):
                line = begin * depth + b"1" + end * depth
                self.assertIsInstance(read(line), Farewell | Other | NotJSON)
                read(b'{"data":{"id":"9"},"x":' + line + b"}")


leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(("9", "SlowReader", "operational-disconnect"))
)
names = st.sampled_from(
    ("data", "id", "tag", "matching_rules", "errors", "disconnect_type", "title", "type", "x", "é")
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=15,
)
rules = st.lists(st.dictionaries(st.sampled_from(("id", "tag", "x")), leaves, max_size=3) | values)
ids = st.integers(0, 10**19).map(str)
near = st.fixed_dictionaries(
    {"data": st.fixed_dictionaries({"id": leaves}) | values},
    optional={"matching_rules": rules | values, "errors": values, "includes": values},
)
as_x_writes_them = st.fixed_dictionaries(
    {
        "data": st.fixed_dictionaries({}, optional={"x": values, "id": ids | values, "y": values}),
        **dict.fromkeys(("includes", "id"), values),
        "matching_rules": rules,
    }
)


class AgreementTests(WaysTestCase):
    """Whatever comes."""

    @given(values | near | as_x_writes_them, st.booleans(), st.sampled_from((None, 1)))
    def test_any_json(self, value: object, ascii_only: bool, indent: int | None) -> None:
        """Is the same both ways, and never no JSON."""
        text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
        self.assertNotEqual(self.read(text.encode()), NotJSON())

    @given(near | as_x_writes_them, st.booleans())
    def test_any_compact_json(self, value: object, ascii_only: bool) -> None:
        """The same as X sends it, without spaces: a post is known by its ends, or is none."""
        text = json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":"))
        self.assertNotEqual(self.read(text.encode()), NotJSON())

    @given(near, st.binary(max_size=3), st.integers(0, 200), st.integers(0, 3))
    def test_damaged(self, value: object, piece: bytes, at: int, gone: int) -> None:
        """A line with a hole or a patch is the same both ways, too."""
        line = json.dumps(value).encode()
        at %= len(line)
        self.read(line[:at] + piece + line[at + gone :])

    @given(st.binary(max_size=60))
    def test_any_bytes(self, line: bytes) -> None:
        """Nothing is raised; what is no JSON here is none to v1.1's reader."""
        found = self.read(line)
        if found == NotJSON():
            self.assertIn(kind_of(line), (Kind.NOT_JSON, Kind.CONNECTION_LIMIT))
