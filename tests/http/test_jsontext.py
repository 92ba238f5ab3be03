"""What JSON is decoded, and what is not, as too much would come of it."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tcclient.http.jsontext import MOST_BYTES, MOST_DECODED, NoJSON, TooCostly, loads, value_at

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
LONG = "y" * 5000
"""Makes a value of one that is not decoded at once."""


class LoadsTests(SynchronousTestCase):
    @given(VALUES, st.booleans(), st.sampled_from([None, 1]), st.sampled_from(["", LONG]))
    def test_any_json(self, value: Any, ascii: bool, indent: int | None, long: str) -> None:
        """It is what the standard library makes of it, be it short or long."""
        text = json.dumps([value, long], ensure_ascii=ascii, indent=indent)
        body = f" {text}\n".encode("utf-8", "surrogatepass")
        self.assertEqual(loads(body), [value, long])
        self.assertEqual(value_at(body, 1), ([value, long], len(body) - 1))

    @given(st.binary(max_size=20) | st.text('[]{}",:\\ 1a', max_size=20).map(str.encode))
    def test_any_bytes(self, body: bytes) -> None:
        """They are JSON, or not, for the standard library too."""
        for sent in (body, body + b" " * 5000):
            try:
                expected: object = json.loads(sent)
            except (ValueError, RecursionError):
                self.assertRaises(NoJSON, loads, sent)
            else:
                self.assertEqual(repr(loads(sent)), repr(expected))

    def test_cut_anywhere(self) -> None:
        """It is not JSON."""
        body = json.dumps({"a": [1, {"b": LONG + '"\\é'}], "c": None}).encode()
        for cut in (*range(40), *range(len(body) - 40, len(body))):
            self.assertRaises(NoJSON, loads, body[:cut])

    def test_nothing_is_cut(self) -> None:
        """Not a number, nor a character, where the part ends that is decoded at once."""
        for size in range(4080, 4100):
            number = b"1" * size
            self.assertEqual(loads(b"[%s, 5]" % number[:4000])[1], 5)
            self.assertEqual(loads(number), int(number))
            self.assertEqual(
                loads(b'["%sx"]' % ("é".encode() * (size // 2))), ["é" * (size // 2) + "x"]
            )
            self.assertEqual(loads(b" " * size + b"1.5"), 1.5)

    def test_too_costly(self) -> None:
        """Much memory for few bytes: many values, or wide characters."""
        for body in (
            b"[" + b"{}," * 50_000 + b"0]",
            b"[" * 100_000,
            b'["' + b"x" * 600_000 + '\U0001f600"]'.encode(),
            b'["' + b"x" * 600_000 + b'\\uD83D\\ude00"]',
            b'["' + b"x" * 1_100_000 + '\u4e00"]'.encode(),
        ):
            self.assertLess(len(body), MOST_BYTES)
            self.assertRaises(TooCostly, loads, body)

    def test_as_costly_as_may_be(self) -> None:
        """A text that takes what may be taken, and a hundred thousand of any character."""
        text = "x" * (MOST_DECODED - 100)
        self.assertEqual(loads(json.dumps(text).encode()), text)
        for character in ("x", "é", "\u4e00", "\U0001f600", "\n"):
            for ascii in (True, False):
                body = json.dumps([character * 100_000], ensure_ascii=ascii).encode()
                self.assertLess(len(body), MOST_BYTES)
                self.assertEqual(loads(body), [character * 100_000])
