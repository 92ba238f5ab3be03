"""What a ledger can say: its types, and the schema that researchers' programs are written for."""

import json
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, get_args, get_type_hints

import jsonschema
import msgspec
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

import tcclient
from tcaccount import schema
from tcclient.ledger import bookings, entries
from tcclient.ledger.counters import Counters
from tcclient.ledger.entries import Entry, moment, seconds
from tcclient.ledger.vocabulary import COMMON
from tcclient.sources.registry import vocabulary
from tcclient.sources.twitter_v1.entries import LimitNotice
from tcclient.sources.twitter_v2.entries import LedgerRule

VOCABULARY = vocabulary()
SCHEMA = Path(tcclient.__file__).with_name("ledger.schema.json")
AT = "2015-12-02T20:04:50.724Z"

_VALUES: dict[Any, Any] = {
    str: "text",
    int: 7,
    float: 2.5,
    bool: True,
    Any: {"any": ["thing"]},
    Counters: Counters(1, 2, 3),
    entries.OpenGap: entries.OpenGap(AT, "stall", "why", "a", 1, 503, "busy", AT),
    entries.Asked: {"track": ["a"], "locations": [[1.0, 2.0, 3.0, 4.0]], "clauses": ["b"]},
    dict[str, str]: {"1": "cats"},
    dict[str, int]: {"12": 3},
    tuple[str, ...]: ("12",),
    tuple[entries.RefusedTerm, ...]: (entries.RefusedTerm("a", "why"),),
    tuple[LedgerRule, ...]: (LedgerRule("12", "a OR b"),),
}


def example(kind: type[Entry]) -> Entry:
    """An entry of the kind in which each member says something."""
    hints = get_type_hints(kind)
    moments = {field.name for field in msgspec.structs.fields(kind) if _is_moment(field.type)}
    values = {
        name: AT if name in moments else _VALUES[_without_none(hints[name])]
        for name in kind.__struct_fields__
    }
    return kind(**values)


def _is_moment(type_: Any) -> bool:
    return entries.Moment in (type_, *get_args(type_))


def _without_none(type_: Any) -> Any:
    options = [option for option in get_args(type_) if option is not type(None)]
    return options[0] if type(None) in get_args(type_) else type_


def as_line(entry: Entry) -> dict[str, Any]:
    """What stands in a ledger."""
    return json.loads(json.dumps({"at": AT, "job": 7, **entry.members()}))


class SchemaTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))

    def test_the_file_is_that_of_the_types(self) -> None:
        """`python -m tcaccount.schema > tcclient/ledger.schema.json` makes it anew."""
        with redirect_stdout(StringIO()) as printed:
            schema.main()
        self.assertEqual(SCHEMA.read_text(), printed.getvalue())

    def test_a_line_is_told_by_its_kind(self) -> None:
        """Each word leads to the one type that has it, and to no other."""
        schema = json.loads(SCHEMA.read_text())
        told = schema["discriminator"]
        self.assertEqual(told["propertyName"], "kind")
        self.assertEqual(told["mapping"].keys(), VOCABULARY.kinds.keys())
        self.assertCountEqual([{"$ref": to} for to in told["mapping"].values()], schema["anyOf"])
        for word, reference in told["mapping"].items():
            kind = schema["$defs"][reference.removeprefix("#/$defs/")]
            self.assertEqual(kind["properties"]["kind"], {"enum": [word]})
            self.assertIn("kind", kind["required"])

    def test_every_kind_is_valid(self) -> None:
        """And comes back from its line as it was."""
        for kind in VOCABULARY.kinds.values():
            entry = example(kind)
            self.validator.validate(as_line(entry))
            self.assertEqual(VOCABULARY.read(as_line(entry)), entry)

    def test_what_is_no_line(self) -> None:
        """Without a time, of an unknown kind, with a member too many or too few, or a wrong one."""
        good = as_line(bookings.Torn(name="a.torn", bytes=3))
        self.assertTrue(self.validator.is_valid(good))
        for change in ({"at": 5}, {"at": "now"}, {"kind": "new"}, {"more": 1}, {"bytes": -1}):
            self.assertFalse(self.validator.is_valid({**good, **change}), change)
        for name in ("at", "kind", "bytes"):
            self.assertFalse(
                self.validator.is_valid({k: v for k, v in good.items() if k != name}), name
            )


class VocabularyTests(SynchronousTestCase):
    def test_what_only_a_source_says(self) -> None:
        """Is known with that source, and not without."""
        entry = LimitNotice(message={}, undelivered=3)
        self.assertIsNone(COMMON.read(as_line(entry)))
        self.assertEqual(COMMON.plus([LimitNotice]).read(as_line(entry)), entry)

    def test_two_kinds_of_one_word(self) -> None:
        """No reader could tell their lines apart."""
        error = self.assertRaises(ValueError, COMMON.plus, [bookings.Torn])
        self.assertEqual(str(error), "two kinds of lines are called 'torn'")


class ReadingTests(SynchronousTestCase):
    def test_of_another_version(self) -> None:
        """Members that are not known are passed over; kinds that are not known are no entries."""
        line = {**as_line(entries.ClientStop(pid=5)), "new": 1}
        self.assertEqual(VOCABULARY.read(line), entries.ClientStop(pid=5))
        for bad in ({}, {"kind": 5}, {"kind": []}, {"kind": "new"}, {"kind": "client_stop"}):
            self.assertIsNone(VOCABULARY.read(bad), bad)

    @given(st.integers(0, 4_000_000_000_000))
    def test_moments(self, milliseconds: int) -> None:
        """They keep milliseconds, and are of one length, so that they sort as text."""
        text = moment(milliseconds / 1000)
        self.assertEqual(len(text), len(AT))
        self.assertEqual(round(seconds(text) * 1000), milliseconds)
