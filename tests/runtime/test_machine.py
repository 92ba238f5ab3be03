"""Which machine this is."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tcclient.runtime.machine import machine


class MachineTests(SynchronousTestCase):
    """A hash of the machine's id."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()

    def written(self, name: str, content: bytes) -> Path:
        """A file with this content."""
        path = self.folder / name
        path.write_bytes(content)
        return path

    def test_the_same_machine_has_the_same_and_another_another(self) -> None:
        """Its id is not in it."""
        id = b"0123456789abcdef0123456789abcdef"
        first = machine([self.written("a", id + b"\n")])
        assert first is not None
        self.assertRegex(first, r"\A[0-9a-f]{32}\Z")
        self.assertEqual(machine([self.written("b", id)]), first)
        self.assertNotEqual(machine([self.written("c", id[::-1])]), first)
        self.assertNotIn(id.decode()[:8], first)

    def test_no_machine_has_none(self) -> None:
        """No file, an empty one, and one that is not filled yet; the next place may have it."""
        nothing = [self.folder / "absent", self.written("d", b"\n")]
        self.assertIsNone(machine(nothing))
        self.assertIsNone(machine([self.written("e", b"uninitialized\n")]))
        self.assertIsNotNone(machine([*nothing, self.written("f", b"1")]))
