"""--verify: clean on whatever the client writes, and not clean after any change to it."""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tcclient.ledger import bookings
from tcclient.ledger.entries import DeliveredAgain
from tests.marks import Need, needs
from tests.storage.disk import held_by_another_process
from tests.tcaccount.ledgertext import FolderCase, job, post_at


class VerifyCase(FolderCase):
    def verify(self, *arguments: str) -> list[str]:
        """The differences; none where the command says that everything agrees."""
        status, out, err = self.account("--verify", *arguments)
        self.assertEqual(err, "")
        *lines, last = out.splitlines()
        notes = [line for line in lines if line.startswith("Note: ")]
        self.notes = [note.removeprefix("Note: ") for note in notes]
        differences = [line for line in lines if line not in notes]
        self.assertEqual(status, 1 if differences else 0)
        self.assertIn("difference" if differences else "Everything agrees: ", last)
        return differences

    def change(self, place: int, **members: Any) -> None:
        """In a line of the ledger, counted from the end where negative."""
        lines = self.lines()
        lines[place].update(members)
        self.write(*lines)

    def places(self, kind: str) -> list[int]:
        """Where the lines of a kind are."""
        return [n for n, line in enumerate(self.lines()) if line["kind"] == kind]


class CleanTests(VerifyCase):
    def test_what_the_client_writes(self) -> None:
        """Its files and posts are counted."""
        self.capture(3, 4, 5)
        status, out, _ = self.account("--verify")
        self.assertEqual((status, out), (0, "Everything agrees: 3 files, 12 posts.\n"))

    def test_after_a_crash(self) -> None:
        """What was left is finished, booked, and its cut end kept."""
        self.capture(3)
        tmp = self.folder / "test20261123_1300.json.tmp"
        tmp.write_bytes(post_at(1) + b"\n" + post_at(2)[:9])
        [text] = self.verify()
        self.assertIn("test20261123_1300.json.tmp was left by a crash", text)
        self.folders.begin()
        self.assertEqual(self.verify(), [])
        self.capture(3)
        self.assertEqual(self.verify(), [])

    def test_what_was_damaged_on_its_way(self) -> None:
        """Is stored as it came: the file is what was written, and a note says what is in it."""
        archive = self.folders.open(job())
        archive.store([post_at(1), b'{"id_str":,', post_at(2)])
        archive.close()
        self.assertEqual(self.verify(), [])
        [note] = self.notes
        self.assertIn("has 1 line that is no JSON object; the first is its post 2.", note)

    def test_what_was_kept(self) -> None:
        """The settings asked for posts that come again to be stored again: that is a note."""
        archive = self.folders.open(job())
        archive.store([post_at(1), post_at(2), post_at(2)])
        archive.note(DeliveredAgain(posts=1, kept=True))
        archive.close()
        self.assertEqual(self.verify(), [])
        [note] = self.notes
        self.assertIn("has 1 post twice", note)

    @needs(Need.PROCESSES)
    def test_while_a_client_captures(self) -> None:
        """What it writes is said, and is no difference; neither is a line that is being written."""
        self.capture(3)
        (self.folder / "test20261123_1300.json.tmp").write_bytes(post_at(1)[:9])
        with held_by_another_process(self.ledger):
            with self.ledger.open("ab") as file:
                file.write(b'{"at":')
            self.assertEqual(self.verify(), [])
        self.assertEqual(self.notes, ["test20261123_1300.json.tmp is being written (9 bytes)."])

    @needs(Need.PROCESSES)
    def test_while_a_file_is_being_finished(self) -> None:
        """It has both names until it has been booked; that is a moment of a client that runs."""
        self.capture(3)
        tmp = self.folder / "test20261123_1300.json.tmp"
        tmp.write_bytes(post_at(1) + b"\n")
        (self.folder / "test20261123_1300.json").hardlink_to(tmp)
        self.assertEqual(len(self.verify()), 2)
        with held_by_another_process(self.ledger):
            self.assertEqual(self.verify(), [])

    def test_adopted_files(self) -> None:
        """Are taken as they were found, with blank lines and cut ones; it is said."""
        self.folder.mkdir(parents=True)
        old = self.folder / "test20151202_2030.json"
        old.write_bytes(b'{"id_str":"1"}\r\n\r\n{"id_str":"1"}\r\n{"id_')
        digest = hashlib.sha256(old.read_bytes()).hexdigest()
        size = old.stat().st_size
        self.tell((0, bookings.Adopted(name=old.name, posts=3, bytes=size, sha256=digest)))
        self.assertEqual(self.verify(), [])
        self.assertEqual(
            self.notes,
            [
                f"{old.name} ends with a line of 5 bytes that no newline ends.",
                f"{old.name} has 1 line that is no JSON object; the first is its post 3.",
                f"{old.name} has 1 post twice, such as 1.",
            ],
        )

    def test_what_an_older_client_left(self) -> None:
        """Is taken into the account by the first start."""
        self.folder.mkdir(parents=True)
        (self.folder / "test20150101_0000.json").write_bytes(b'{"id_str":"1"}\r\n\n')
        (self.folder / "test20150101_0010.json.tmp").write_bytes(b'{"id_str":"2"}\r\n\n{"id')
        self.capture(3)
        self.assertEqual(self.verify(), [])

    def test_files_that_are_still_to_be_adopted(self) -> None:
        """The ledger has their names only, until a client has read them."""
        self.folder.mkdir(parents=True)
        old = self.folder / "test20150101_0000.json"
        old.write_bytes(b"{}\n")
        self.tell((0, bookings.Adopting(names=(old.name,))))
        self.assertEqual(self.verify(), [])
        self.assertEqual(
            self.notes, [f"{old.name} is older than the ledger, and a client has not read it yet."]
        )
        old.unlink()
        self.assertEqual(
            self.verify(), [f"{old.name}, which is older than the ledger, is not there."]
        )

    def test_a_file_that_was_removed_while_it_was_written(self) -> None:
        """The ledger says that its posts are gone, though they were counted."""
        archive = self.folders.open(job())
        archive.store(self.posts(3))
        [tmp] = self.folder.glob("*.tmp")
        tmp.unlink()
        archive.finish()
        archive.close()
        self.flushLoggedErrors()
        self.assertEqual(len(self.places("not_stored")), 1)
        self.assertEqual(self.verify(), [])

    def test_other_files(self) -> None:
        """A researcher's notes are nobody's business."""
        self.capture(3)
        (self.folder / "README.txt").write_text("mine")
        self.assertEqual(self.verify(), [])

    def test_a_copy_under_any_name(self) -> None:
        """What ends like the capture's files is taken for one of them."""
        self.capture(3)
        (file,) = self.folder.glob("*.json")
        (self.folder / "copy.json").write_bytes(file.read_bytes())
        said = f"copy.json is a copy of {file.name}, and no line of the ledger has it."
        self.assertIn(said, self.verify())

    def test_what_is_no_file(self) -> None:
        """A name that leads to something else is as good as none, and nobody waits for it."""
        self.capture(3)
        (file,) = self.folder.glob("*.json")
        file.unlink()
        os.mkfifo(file)
        self.assertEqual(self.verify(), [f"{file.name}, which had 3 posts, is not there."])

    def test_without_hashes(self) -> None:
        """Early ledgers have none: it is said that only posts and bytes were compared."""
        self.capture(3)
        lines = self.lines()
        for line in lines:
            line.pop("sha256", None)
        self.write(*lines)
        self.assertEqual(self.verify(), [])
        self.assertIn("no SHA-256 of 1 file", self.notes[0])

    def test_a_job_with_two_folders(self) -> None:
        """Its numbers come from the other one, with an index and without."""
        self.capture(3)
        other = self.folders.open(job(name="new"))
        self.fill(other, 5, 5)
        other.close()
        self.capture(2)
        self.assertEqual(self.verify(), [])
        (self.base / "tcc.ledger.jsonl").unlink()
        self.assertEqual(self.verify(), [])

    def test_a_folder_with_two_jobs(self) -> None:
        """Each has its own numbers, whoever else wrote in between."""
        self.capture(3, 3)
        self.capture(2, 2, of=job(8, total=50))
        self.capture(1, 1)
        self.assertEqual(self.verify(), [])

    def test_other_endings_of_names(self) -> None:
        """As the settings have them."""
        self.capture(3)
        (self.folder / "test20261123_1300.json.part").write_bytes(b"{}\n")
        [text] = self.verify()
        self.assertIn("No line of the ledger accounts for", text)
        [text] = self.verify("--temporary", ".part")
        self.assertIn("left by a crash", text)

    def test_a_folder_that_was_copied(self) -> None:
        """Under another name, without the index beside it."""
        self.capture(3, 4)
        copy = Path(self.mktemp())
        shutil.copytree(self.folder, copy)
        status, out, _ = self.account("--verify", folder=copy)
        self.assertEqual((status, out), (0, "Everything agrees: 2 files, 7 posts.\n"))

    @given(
        st.lists(st.lists(st.integers(1, 4), max_size=3), min_size=1, max_size=3),
        st.lists(st.booleans(), min_size=3, max_size=3),
    )
    def test_any_run(self, runs: list[list[int]], others: list[bool]) -> None:
        """Of one job or of two, with any files, whether or not anything came."""
        shutil.rmtree(self.base, ignore_errors=True)
        for sizes, other in zip(runs, others, strict=False):
            self.capture(*sizes, of=job(8 if other else 7))
        self.assertEqual(self.verify(), [])


class ChangedFileTests(VerifyCase):
    def setUp(self) -> None:
        super().setUp()
        self.capture(3, 4, 5)
        self.assertEqual(self.verify(), [])
        self.first, self.second, self.third = self.data()

    def test_one_byte(self) -> None:
        """The hash tells."""
        content = self.second.read_bytes()
        self.second.write_bytes(content.replace(b"x", b"y", 1))
        [text] = self.verify()
        self.assertIn(f"{self.second.name} is not what was written: its SHA-256 is ", text)

    def test_one_line_less(self) -> None:
        """Posts, bytes and hash tell, in one sentence."""
        content = self.second.read_bytes()
        size = len(content)
        self.second.write_bytes(content[content.index(b"\n") + 1 :])
        [text] = self.verify()
        self.assertIn("it has 3 posts and had 4, it has ", text)
        self.assertIn(f"bytes and had {size}, its SHA-256 is ", text)

    def test_a_copy(self) -> None:
        """Under a name that the client might have given."""
        copy = self.second.with_name("test20261123_1210_00.json")
        shutil.copy(self.second, copy)
        self.assertEqual(
            self.verify(),
            [f"{copy.name} is a copy of {self.second.name}, and no line of the ledger has it."],
        )

    def test_one_that_is_gone(self) -> None:
        """With what it had."""
        self.second.unlink()
        self.assertEqual(self.verify(), [f"{self.second.name}, which had 4 posts, is not there."])

    def test_one_that_was_renamed(self) -> None:
        """The content tells what it was."""
        self.second.rename(self.second.with_name("test-new.json"))
        self.assertEqual(self.verify(), [f"{self.second.name} is called test-new.json now."])

    def test_renamed_and_copied(self) -> None:
        """The one is found, the other is a copy of it."""
        shutil.copy(self.second, self.folder / "test-b.json")
        self.second.rename(self.folder / "test-a.json")
        self.assertEqual(
            self.verify(),
            [
                f"{self.second.name} is called test-a.json now.",
                f"test-b.json is a copy of {self.second.name}, and no line of the ledger has it.",
            ],
        )

    def test_a_file_of_unknown_origin(self) -> None:
        """That is named like the capture's."""
        (self.folder / "test20261123_1500.json").write_bytes(post_at(1) + b"\n")
        self.assertEqual(
            self.verify(), ["No line of the ledger accounts for test20261123_1500.json."]
        )

    def test_a_post_twice(self) -> None:
        """In two files, or in one: how many, and an example."""
        line = self.first.read_bytes().splitlines(keepends=True)[0]
        identity = json.loads(line)["data"]["id"]
        first, third = self.first.name, self.third.name
        for path, expected in (
            (self.third, f"{first} and {third} both have 1 post, such as {identity}."),
            (self.first, f"{first} has 1 post twice, such as {identity}."),
        ):
            before = path.read_bytes()
            path.write_bytes(before + line)
            self.assertIn(expected, self.verify())
            path.write_bytes(before)

    def test_torn_lines(self) -> None:
        """Which file, how many, and where."""
        content = self.second.read_bytes()
        self.second.write_bytes(content[:-9])
        found = self.verify()
        self.assertIn(
            f"{self.second.name} has 1 line that is no JSON object; the first is its post 4.", found
        )
        self.assertTrue(any("that no newline ends" in text for text in found))

    def test_posts_that_have_run_together(self) -> None:
        """As a client stored them that took them for one: they are counted as one."""
        archive = self.folders.open(job())
        archive.store([post_at(8), post_at(9) + post_at(10), post_at(11)])
        archive.close()
        [text] = self.verify()
        self.assertIn("has 1 line that holds several posts; the first is its post 2.", text)

    def test_torn_files(self) -> None:
        """They are accounted for like others."""
        torn = self.folder / "test20261123_1210.json.torn"
        torn.write_bytes(b"{")
        self.assertEqual(self.verify(), [f"No line of the ledger accounts for {torn.name}."])
        line = {"at": "2026-11-23T12:00:00.000Z", "kind": "torn", "name": torn.name, "bytes": 2}
        self.write(*self.lines(), line)
        self.assertEqual(self.verify(), [f"{torn.name} has 1 byte and had 2."])
        torn.unlink()
        self.assertEqual(self.verify(), [f"{torn.name}, the cut end of a post, is not there."])

    @given(st.data())
    def test_any_change(self, data: st.DataObject) -> None:
        """Of a byte, or of the length, anywhere."""
        path = data.draw(st.sampled_from(self.data()))
        before = path.read_bytes()
        begin = data.draw(st.integers(0, len(before) - 1))
        end = data.draw(st.integers(begin, min(len(before), begin + 40)))
        changed = before[:begin] + data.draw(st.binary(max_size=40)) + before[end:]
        try:
            path.write_bytes(changed)
            self.assertEqual(bool(self.verify()), changed != before)
        finally:
            path.write_bytes(before)


class ChangedLedgerTests(VerifyCase):
    def setUp(self) -> None:
        super().setUp()
        self.capture(3, 4, 5)

    def test_a_line_less(self) -> None:
        """Of a file, with its posts and what the server has taken: the numbers after it tell."""
        for which, expected in (
            (0, "has posts 7 for job 7, where the lines before it come to 4."),
            (1, "has settled 7 for job 7, where the lines before it come to 0."),
        ):
            before = self.lines()
            place = self.places("file")[which]
            self.write(*before[:place], *before[place + 1 :])
            self.assertTrue(any(expected in text for text in self.verify()), which)
            self.write(*before)

    def test_a_line_too_many(self) -> None:
        """A file that is accounted for twice."""
        lines = self.lines()
        place = self.places("file")[-1]
        self.write(*lines[: place + 1], *lines[place:])
        found = self.verify()
        self.assertIn(f"The ledger accounts for {lines[place]['name']} 2 times.", found)
        self.assertTrue(any("has posts 12 for job 7" in text for text in found))

    def test_numbers(self) -> None:
        """Each one that does not follow from those before it."""
        lines = self.lines()
        account = lines[-1]["account"]
        for name in ("base", "posts", "settled"):
            self.change(-1, account={**account, name: account[name] + 1})
            [text] = self.verify()
            self.assertIn(f"Line {len(lines)} of {self.ledger.name} has {name} ", text)
        self.change(-1, account=account)
        self.assertEqual(self.verify(), [])

    def test_lines_that_were_dropped(self) -> None:
        """Numbers may have risen by them, never fallen."""
        before = self.lines()
        place = self.places("file")[1]
        dropped = {"at": before[0]["at"], "kind": "lines_dropped", "job": 7, "lines": 1}
        uncounted = {name: of for name, of in before[place].items() if name != "count"}
        self.write(*before[:place], dropped, uncounted, *before[place + 1 :])
        self.assertEqual(self.verify(), [])
        account = {**before[place]["account"], "posts": 2}
        self.write(*before[:place], dropped, {**before[place], "account": account})
        self.assertTrue(any("has posts 2 for job 7" in text for text in self.verify()))

    def test_lines_that_cannot_be_read(self) -> None:
        """Each is named, up to twenty."""
        with self.ledger.open("ab") as file:
            file.write(b"{}\n" + b"no\n" * 24)
        found = self.verify()
        number = len(self.ledger.read_bytes().splitlines()) - 24
        self.assertEqual(
            found[0], f"Line {number} of {self.ledger.name} does not say when, or of which job."
        )
        self.assertEqual(found[1], f"Line {number + 1} of {self.ledger.name} is not JSON.")
        self.assertEqual(found[20:], ["5 more lines of test.ledger.jsonl cannot be read."])

    def test_lines_of_the_index_that_cannot_be_read(self) -> None:
        """Each is worth a note: they say where jobs have been, which numbers may come from."""
        index = self.base / "tcc.ledger.jsonl"
        number = len(index.read_bytes().splitlines()) + 1
        with index.open("ab") as file:
            file.write(b"no\n")
        status, out, _ = self.account("--verify")
        self.assertEqual(status, 0)
        self.assertIn(f"Note: Line {number} of tcc.ledger.jsonl is not JSON.\n", out)

    def test_a_last_line_that_is_cut(self) -> None:
        """A crash did that, and the next start mends it."""
        with self.ledger.open("ab") as file:
            file.write(b'{"at"')
        [text] = self.verify()
        self.assertIn("cut after 5 bytes: start the client", text)

    def test_names_that_lead_elsewhere(self) -> None:
        """A ledger cannot make the command read other folders."""
        (self.base / "secret").write_bytes(b"{}\n")
        place = self.places("file")[0]
        self.change(place, name="../secret")
        found = self.verify()
        self.assertTrue(any(text.startswith("../secret is called ") for text in found), found)
        self.data()[0].unlink()
        self.assertIn("../secret, which had 3 posts, is not there.", self.verify())
