"""Tests of the messages of the real-time channel."""

import json
from pathlib import Path
from typing import get_args

import jsonschema
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

import tcclient
from tcclient.push.messages import (
    MOST_OF_A_CLIENT,
    PIECE,
    PROTOCOL,
    SUBPROTOCOL,
    ClientMessage,
    LedgerMessage,
    NoMessage,
    ServerMessage,
    from_client,
    from_server,
    schema,
    written,
)

GOLDEN = {path.stem: path.read_bytes() for path in Path(__file__).parent.glob("messages/*.json")}
OF_CLIENTS = {"hello", "state", "host", "ledger", "glimpses"}


class MessageTests(SynchronousTestCase):
    """What is on the wire stays as it is, since both ends are updated at different times."""

    def test_golden_messages(self) -> None:
        """Each is read by its end, and written byte for byte as before."""
        types = set()
        for name, text in GOLDEN.items():
            read = from_client if name in OF_CLIENTS else from_server
            message = read(text)
            assert message is not None
            self.assertEqual(written(message) + b"\n", text, name)
            types.add(type(message))
        self.assertEqual(types, {*get_args(ClientMessage), *get_args(ServerMessage)})

    def test_schema(self) -> None:
        """It is the published one, and golden messages are valid by it."""
        published = Path(tcclient.__file__).with_name("push.schema.json").read_text("utf-8")
        self.assertEqual(json.loads(published), json.loads(json.dumps(schema())))
        for text in GOLDEN.values():
            jsonschema.validate(json.loads(text), schema())
        with self.assertRaises(jsonschema.ValidationError):
            jsonschema.validate({"type": "state", "job": "seven"}, schema())

    def test_strange_types_and_members(self) -> None:
        """They are passed over, so that either end may be the newer one."""
        self.assertIsNone(from_client('{"type":"poem","text":1}'))
        self.assertIsNone(from_server(b'{"type":"hello"}'))
        for name, text in GOLDEN.items():
            read = from_client if name in OF_CLIENTS else from_server
            more = json.dumps({**json.loads(text), "later": [1]})
            self.assertEqual(read(more), read(text))

    def test_what_is_no_message(self) -> None:
        """It is refused by a sentence that quotes nothing of it."""
        for frame in (
            "",
            "[]",
            '{"type":7}',
            '{"type":"state","n":1,"job":-1,"condition":"ok"}',
            '{"type":"state","n":1,"job":1,"condition":"SECRET"}',
            '{"type":"ledger","ledger":"../SECRET","offset":0,"data":""}',
            '{"type":"ledger","ledger":"a","offset":0,"data":"SECRET!"}',
            b"\xff{SECRET}",
            '{"type":"hello","protocol":1,"installation":""}',
            "[" * 100_000,
        ):
            with self.assertRaises(NoMessage) as refused:
                from_client(frame)
            self.assertNotIn("SECRET", str(refused.exception))

    @given(st.one_of(st.binary(), st.text()))
    def test_any_frame(self, frame: bytes | str) -> None:
        """Nothing else is raised."""
        for read in (from_client, from_server):
            try:
                read(frame)
            except NoMessage:
                continue

    def test_sizes(self) -> None:
        """A piece of the largest size fits into a client's message, at any place of any ledger."""
        message = LedgerMessage("x" * 64, 2**63 - 1, bytes(PIECE), 2**63 - 1)
        self.assertLess(len(written(message)), MOST_OF_A_CLIENT)
        self.assertEqual(from_client(written(message)), message)
        self.assertEqual(SUBPROTOCOL, f"tcc.{PROTOCOL}")
