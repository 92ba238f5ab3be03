"""The files of a ledger follow each other: what is not as it was written is named."""

import json

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

    def test_a_line_of_a_month(self) -> None:
        """It is counted from the beginning of its file, which is named."""
        [_, second] = finished(self.ledger)
        whole = second.read_bytes().splitlines(keepends=True)
        second.write_bytes(b"".join([*whole[:2], b"what\n", *whole[3:]]))
        self.assertIn(f"Line 3 of {second.name} is not JSON.", self.verify())

    def rewrite(self, **members: object) -> None:
        """Have other members in the first line of the newest file, of which nobody has a hash."""
        first, *others = self.ledger.read_text().splitlines(keepends=True)
        self.ledger.write_text(
            json.dumps({**json.loads(first), **members}) + "\n" + "".join(others)
        )

    def test_another_id(self) -> None:
        """A file has that of the one before, unless it says that it follows that."""
        before, other = finished(self.ledger)[-1].name, "b" * 32
        self.rewrite(ledger=other)
        self.assertEqual(
            self.verify(),
            [
                f"{self.ledger.name} has another id than {before}, and does not say that it "
                "follows another."
            ],
        )

    def test_following_a_ledger_that_is_not_the_one_before(self) -> None:
        """Whether it has an id of its own or not."""
        before, name = finished(self.ledger)[-1].name, self.ledger.name
        self.rewrite(follows="c" * 32, because="removed")
        self.assertEqual(
            self.verify(),
            [f"{name} says that it follows another ledger, and has the id of {before}."],
        )
        self.rewrite(ledger="b" * 32)
        self.assertEqual(
            self.verify(),
            [
                f"{name} says that it follows another ledger than that of {before}: a file between "
                "them is not there, or one was changed."
            ],
        )

    def test_a_beginning_amid_a_file(self) -> None:
        """A ledger begins with a file."""
        whole = self.ledger.read_bytes()
        self.ledger.write_bytes(whole + whole.splitlines(keepends=True)[0])
        line = whole.count(b"\n") + 1
        self.assertEqual(
            self.verify(), [f"Line {line} of {self.ledger.name} begins a ledger amid a file."]
        )

    def test_a_copy_of_a_month(self) -> None:
        """What came before it is there, and comes before the month itself."""
        [first, second] = finished(self.ledger)
        copy = second.with_name(second.name.replace(".jsonl", "_00.jsonl"))
        copy.write_bytes(second.read_bytes())
        self.assertIn(
            f"{copy.name} says that {first.name} came before it, which another file does.",
            self.verify(),
        )

    def test_another_ledger_in_its_place(self) -> None:
        """What was replaced is not there any more, and the file before is of the other one."""
        self.rewrite(ledger="b" * 32, follows="c" * 32, because="replaced")
        self.assertEqual(self.verify(), [])

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

    def test_the_newest_file_is_missing(self) -> None:
        """As after a crash while it was begun: the months before are read all the same."""
        self.ledger.unlink()
        found = self.verify()
        self.assertIn(f"{self.ledger.name}, the newest file of the ledger, is not there.", found)
        status, out, _ = self.account()
        self.assertEqual((status, "10 in 4 finished files" in out), (0, True), out)
        self.capture(1)
        self.assertEqual(self.verify(), [])
