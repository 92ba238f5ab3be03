"""The files of a ledger follow each other: what is not as it was written is named."""

from tcclient.ledger.segments import files, finished
from tests.tcaccount.ledgertext import FolderCase

MONTH = 31 * 86400


class ChainTests(FolderCase):
    def setUp(self) -> None:
        super().setUp()
        for _ in range(3):
            self.capture(2, 3)
            self.clock.advance(MONTH)

    def verify(self) -> list[str]:
        """What --verify says, but for its last line."""
        return self.account("--verify")[1].splitlines()[:-1]

    def test_as_it_was_written(self) -> None:
        """Three months, one account: all files of posts are in it."""
        self.assertEqual(len(files(self.ledger)), 3)
        status, out, _ = self.account("--verify")
        self.assertEqual((status, out), (0, "Everything agrees: 6 files, 15 posts.\n"))

    def test_a_byte_of_a_month(self) -> None:
        """Where the line says the same as before, too."""
        [month, _] = finished(self.ledger)
        month.write_bytes(month.read_bytes().replace(b'": ', b'":  ', 1))
        self.assertEqual(
            self.verify(),
            [f"{month.name} is not what was written: its SHA-256 is another one."],
        )

    def test_a_month_that_is_missing(self) -> None:
        """It is named; what it had cannot be told any more."""
        [first, second] = finished(self.ledger)
        first.unlink()
        self.assertIn(
            f"{first.name}, which came before {second.name}, is not there.", self.verify()
        )

    def test_a_file_of_another_ledger(self) -> None:
        """No file says that it came before."""
        [first, _] = finished(self.ledger)
        stray = first.with_name("test.ledger.2020-01.jsonl")
        stray.write_bytes(first.read_bytes())
        self.assertIn(f"{first.name} does not say that {stray.name} came before it.", self.verify())

    def test_a_ledger_that_follows_another_one(self) -> None:
        """It was put back as it was before: the chain holds, and its bytes count anew."""
        self.capture(1)
        before = self.ledger.read_bytes()
        self.capture(4)
        self.ledger.write_bytes(before)
        self.capture(1)
        self.assertEqual(self.verify(), [])
        self.assertEqual(len(files(self.ledger)), 5)
