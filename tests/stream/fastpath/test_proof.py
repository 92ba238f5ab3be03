"""Finding out whether the shortcut past Twisted's HTTP client holds."""

from twisted.trial.unittest import SynchronousTestCase

from tcclient.stream.fastpath import proof, reads
from tcclient.stream.fastpath.chunks import Pieces, Unchunker


class HoldsTests(SynchronousTestCase):
    """What is found out in memory, before anything is captured."""

    def test_with_the_installed_twisted(self) -> None:
        """Where this fails, Twisted has changed what stream/fastpath/shortcut.py leans on."""
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
