"""The shortcut past Twisted's HTTP client holds, or is not taken."""

import json
from pathlib import Path
from typing import Any, cast

from twisted.internet import reactor
from twisted.trial.unittest import SynchronousTestCase

from tcclient import service
from tcclient.config.settings import load
from tcclient.runtime.steady import Times
from tcclient.stream import proof, reads
from tcclient.stream.chunks import Pieces, Unchunker

SETTINGS = {
    "server": {"base_url": "http://127.0.0.1/", "client_id": 1, "auth_token": "x" * 40},
    "twitter_auth": {"bearer_token": "y" * 40},
}


class HoldsTests(SynchronousTestCase):
    """What is found out in memory, before anything is captured."""

    def test_with_the_installed_twisted(self) -> None:
        """Where this fails, Twisted has changed what wire/shortcut.py leans on."""
        self.assertTrue(proof.holds())

    def test_nothing_comes_that_way(self) -> None:
        """A client that has no shortcut is no proof of it."""
        self.patch(proof, "joined", lambda endpoint, tls, shortcut: endpoint)
        self.assertFalse(proof.holds())

    def test_something_else_is_heard(self) -> None:
        """Less of the body, or another end of it."""

        class Loses(Unchunker):
            def take(self, data: bytes) -> tuple[bytes, Pieces | None, bytes]:
                before, pieces, after = super().take(data)
                return before, pieces and Pieces(pieces.read, pieces.spans[:1]), after

        class ForgetsTheEnd(Unchunker):
            def take(self, data: bytes) -> tuple[bytes, Pieces | None, bytes]:
                return *super().take(data)[:2], b""

        for unchunker in (Loses, ForgetsTheEnd):
            self.patch(reads, "Unchunker", unchunker)
            self.assertFalse(proof.holds(), unchunker)

    def test_something_is_raised(self) -> None:
        """It is logged, and no more."""
        self.patch(proof, "joined", None)
        self.assertFalse(proof.holds())
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)


class ChoiceTests(SynchronousTestCase):
    """Which client a stream is read by."""

    def chosen(self, **twitter: object) -> str:
        """The function that makes it."""
        path = Path(self.mktemp())
        path.write_text(json.dumps({**SETTINGS, "twitter": twitter}))
        settings = load(path, {})
        made: list[str] = []
        for name in ("stream_client", "stock_stream_client"):
            self.patch(service, name, lambda *_, name=name: made.append(name))
        service._stream_client(settings, Times(cast(Any, reactor)))
        (name,) = made
        return name

    def test_by_default(self) -> None:
        """The fast one."""
        self.assertEqual(self.chosen(), "stream_client")

    def test_by_the_settings(self) -> None:
        """Twisted's own."""
        self.assertEqual(self.chosen(stock_http=True), "stock_stream_client")

    def test_where_the_shortcut_does_not_hold(self) -> None:
        """Twisted's own, whatever the settings."""
        self.patch(proof, "holds", lambda: False)
        self.assertEqual(self.chosen(), "stock_stream_client")
