"""Who a folder's installation is, and what goes on when folder or server are moved."""

import json
import os
from pathlib import Path
from typing import Any

from msgspec import structs
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tcclient.control.client import JobList
from tcclient.control.jobs import Job
from tcclient.ledger.counters import Counters
from tcclient.runtime.wallclock import wall_time
from tcclient.storage.diskuse import DiskUse
from tcclient.storage.folders import Folders
from tcclient.storage.index import INDEX
from tcclient.storage.installation import Identity
from tcclient.storage.installationrecord import FILE
from tcclient.storage.knownservers import key
from tcclient.storage.slots import Naming
from tests.storage.disk import Acts, in_the_way
from tests.storefolders import anew

OLD, NEW = "http://127.0.0.1:8000/api/", "https://localhost/api/"


def job(id: int = 7, name: str = "cats", made: str | None = "monday", total: int = 1000) -> Job:
    """A job of the server."""
    return Job(id, name, 3, "cats", total, 1, False, None, created=made)


class InstallationTestCase(SynchronousTestCase):
    """A folder, and processes that start in it."""

    def setUp(self) -> None:
        self.base = Path(self.mktemp())
        self.folders = self.started()

    def started(self, server: str = OLD, machine: str | None = "here", client: int = 1) -> Folders:
        """The folders of a process that starts."""
        self.folders = Folders(
            self.base, Naming("", utc=True), server, Clock(), wall_time, client_id=client,
            machine=machine,
        )  # fmt: skip
        return self.folders

    def met(self, *jobs: Job, id: str | None = None) -> Identity:
        """Who the client is once the server has listed these jobs."""
        identity = self.folders.meet(JobList(jobs or (job(),), {}, id))
        assert identity is not None
        return identity

    def file(self) -> dict[str, Any]:
        """What the file says."""
        found: dict[str, Any] = json.loads((self.base / FILE).read_bytes())
        return found

    def lines(self, kind: str) -> list[dict[str, Any]]:
        """Those of the ledger of what belongs to no capture."""
        found = map(json.loads, (self.base / INDEX).read_text().splitlines())
        return [line for line in found if line["kind"] == kind]

    def capture(self, wanted: Job, posts: int) -> Counters:
        """A session of its own; returns the numbers after it."""
        archive = self.folders.open(wanted)
        if posts:
            archive.store([b"{}"] * posts)
        self.successResultOf(archive.close())
        return archive.tally.counters


class IdTests(InstallationTestCase):
    """The id of an installation."""

    def test_it_stays(self) -> None:
        """Random, kept from the first meeting on, and noted."""
        first = self.met()
        self.assertRegex(first.installation, r"\A[0-9a-f]{12}\Z")
        self.assertEqual(self.file()["id"], first.installation)
        self.started()
        self.assertEqual(self.met(), first)
        self.assertEqual(
            [(line["id"], line["because"]) for line in self.lines("installation_begun")],
            [(first.installation, "new")],
        )

    def test_what_is_no_file(self) -> None:
        """A FIFO in the place of the file is refused; nobody waits at it."""
        self.base.mkdir(exist_ok=True)
        os.mkfifo(self.base / FILE)
        with self.assertRaises(OSError):
            self.met()

    def test_each_folder_has_its_own(self) -> None:
        """Two of them share nothing."""
        first = self.met()
        self.base = Path(self.mktemp())
        self.started()
        self.assertNotEqual(self.met().installation, first.installation)

    def test_a_folder_that_was_copied(self) -> None:
        """On another machine a new one begins, which says so; what was left is not its own."""
        first = self.met()
        self.started(machine="there")
        with capturedLogs() as events:
            second = self.met()
        self.assertIn("was copied from another machine", formatEvent(events[0]) or "")
        self.assertNotEqual(second.installation, first.installation)
        self.assertEqual((second.server, second.old), (first.server, frozenset()))
        self.assertEqual(self.lines("installation_begun")[-1]["because"], "copied")
        self.started(machine="there")
        with capturedLogs() as events:
            self.assertEqual(self.met(), second)
        self.assertEqual(events, [])

    def test_a_machine_that_does_not_say_which_it_is(self) -> None:
        """It is taken for the same one."""
        first = self.met()
        for machine in (None, "here"):
            self.started(machine=machine)
            self.assertEqual(self.met(), first)

    def test_a_machine_that_says_later_which_it_is(self) -> None:
        """Then the installation is bound to it."""
        self.started(machine=None)
        first = self.met()
        self.started(machine="here")
        self.assertEqual(self.met(), first)
        self.started(machine="there")
        self.assertNotEqual(self.met().installation, first.installation)

    def test_a_disk_that_refuses_a_copy(self) -> None:
        """That is said once it is so, and not with each list."""
        self.met()
        self.started(machine="there")
        (self.base / f"{FILE}.new").mkdir()
        with capturedLogs() as events:
            for _ in range(3):
                self.assertRaises(OSError, self.folders.meet, JobList((job(),)))
        self.assertEqual(events, [])

    def test_a_file_that_cannot_be_read(self) -> None:
        """A new one begins, and says so: it does not guess."""
        first = self.met()
        for content in (b"", b"{", b"[]", b'{"version":1,"id":"x"}', b"\xff"):
            (self.base / FILE).write_bytes(content)
            self.started()
            with capturedLogs() as events:
                second = self.met()
            self.assertIn("could not be read: a new installation", formatEvent(events[0]) or "")
            self.assertNotEqual(second.installation, first.installation)
            self.assertEqual(second.server, first.server)

    def test_a_file_that_is_removed(self) -> None:
        """That is said too: the ledger knows that there was one."""
        first = self.met()
        (self.base / FILE).unlink()
        self.started()
        with capturedLogs() as events:
            second = self.met()
        self.assertIn("was removed: a new installation", formatEvent(events[0]) or "")
        self.assertNotEqual(second.installation, first.installation)
        noted = [line["because"] for line in self.lines("installation_begun")]
        self.assertEqual(noted, ["new", "removed"])

    def test_a_folder_that_was_away(self) -> None:
        """Its installation goes on when it is back, and has what began in its place."""
        first = self.met()
        away = self.base.rename(self.base.with_name("away"))
        self.started()
        interim = self.met(job(8, "dogs"))
        self.assertNotEqual(interim.installation, first.installation)
        hidden = self.base.rename(self.base.with_name("hidden"))
        away.rename(self.base)
        with capturedLogs() as events:
            for _ in range(3):
                self.assertEqual(self.met(job(8, "dogs"), job(9, "cows")), interim)
        [said] = [formatEvent(event) or "" for event in events]
        self.assertIn(f"is there again: installation {first.installation} goes on", said)
        self.assertEqual(self.lines("installation_begun")[-1]["because"], "came_back")
        self.assertEqual([*self.file()["servers"][0]["jobs"]], ["7", "8", "9"])
        self.started()
        again = self.met()
        self.assertEqual(again, structs.replace(first, also=frozenset({interim.installation})))
        self.assertEqual(self.folders.installation.peek(), again)
        self.base.rename(away)
        hidden.rename(self.base)
        with capturedLogs() as events:
            self.met()
        self.assertEqual((self.file()["id"], events), (first.installation, []))

    def test_a_folder_of_another_machine(self) -> None:
        """It is no folder that was away: who is here takes it."""
        self.met()
        self.base.rename(self.base.with_name("elsewhere"))
        self.started(machine="there")
        second = self.met()
        self.base.rename(self.base.with_name("here"))
        self.base.with_name("elsewhere").rename(self.base)
        self.met()
        self.assertEqual(self.file()["id"], second.installation)

    def test_a_disk_that_refuses(self) -> None:
        """Nothing is known before it is kept; the next list is another try."""
        self.base.mkdir()
        with in_the_way(self.base):
            self.assertRaises(OSError, self.folders.meet, JobList((job(),)))
        self.met()

    def test_a_disk_that_does_not_answer(self) -> None:
        """Before the server is met nobody touches it; what is learned later waits for nobody."""
        silent, acts = {self.base}, Acts()
        use = DiskUse(silent=lambda folders: silent.intersection(folders), writing=acts)
        self.folders = anew(self.folders, use=use)
        error = self.assertRaises(OSError, self.folders.meet, JobList((job(),)))
        self.assertIn("does not answer", str(error))
        self.assertFalse((self.base / FILE).exists())
        silent.clear()
        self.met()
        acts.do_all()
        for known in (2, 3):
            self.met(*map(job, range(known)))
        self.assertEqual(len(acts.waiting), 1)
        acts.do()
        self.met(*map(job, range(3)))
        acts.do()
        self.assertEqual([*self.file()["servers"][0]["jobs"]], ["0", "1", "2", "7"])

    def test_a_disk_that_refuses_what_is_learned(self) -> None:
        """It is said with each list, and kept when the disk takes it."""
        self.met()
        with in_the_way(self.base):
            for _ in range(2):
                self.assertRaises(OSError, self.folders.meet, JobList((job(8),)))
        self.met(job(8))
        self.assertEqual([*self.file()["servers"][0]["jobs"]], ["7", "8"])

    def test_what_is_looked_at_is_left(self) -> None:
        """--check and tcc-rules make nothing."""
        before = self.folders.installation.peek()
        self.assertFalse(self.base.exists())
        met = self.met()
        content = (self.base / FILE).read_bytes()
        self.started()
        self.assertEqual(self.folders.installation.peek(), met)
        self.assertEqual((self.base / FILE).read_bytes(), content)
        self.assertEqual((before.server, before.old), (met.server, met.old))
        (self.base / FILE).write_bytes(b"{")
        self.assertEqual(self.folders.installation.peek().installation, "")


class MovedTests(InstallationTestCase):
    """The server has another address."""

    def test_one_that_says_who_it_is(self) -> None:
        """Its id is enough."""
        first = self.met(id="S1")
        self.started(NEW)
        with capturedLogs() as events:
            second = self.met(job(8), id="S1")
        self.assertIn("its ids agree", formatEvent(events[0]) or "")
        self.assertEqual((second.installation, second.server), (first.installation, first.server))
        old = {key("127.0.0.1:8000/api", 1), key("localhost/api", 1)}
        self.assertEqual(second.old, old)

    def test_one_that_does_not(self) -> None:
        """Its jobs are enough, and log and ledger say so, once."""
        first = self.met()
        self.started(NEW)
        with capturedLogs() as events:
            second = self.met(job(), job(8, "dogs"))
        self.assertIn("its jobs agree. Rules, budget", formatEvent(events[0]) or "")
        self.assertEqual(second.server, first.server)
        (line,) = self.lines("server_met")
        self.assertEqual(
            (line["server"], line["key"], line["known"], line["by"]),
            (NEW, first.server, ["127.0.0.1:8000/api"], "jobs"),
        )
        self.started(NEW)
        with capturedLogs() as events:
            self.assertEqual(self.met(job(8, "dogs")), second)
        self.assertEqual(events, [])

    def test_another_server(self) -> None:
        """Is said to be one; what is left for the first is known to be that."""
        first = self.met()
        self.started(NEW)
        with capturedLogs() as events:
            second = self.met(job(made="tuesday"))
        self.assertIn(
            "is another one than that of 127.0.0.1:8000/api", formatEvent(events[0]) or ""
        )
        self.assertNotEqual(second.server, first.server)
        self.assertEqual(second.elsewhere, {first.server})
        self.assertNotIn("by", self.lines("server_met")[0])

    def test_a_site_that_is_made_anew(self) -> None:
        """At the same address other jobs have the ids of old ones: nothing of those goes on."""
        self.met()
        self.capture(job(), 5)
        self.started()
        with capturedLogs() as events:
            self.met(job(name="dogs", made="tuesday", total=0))
        self.assertIn("Job 7 is another one", formatEvent(events[0]) or "")
        self.assertFalse(self.folders.is_last(7, "cats"))
        self.started()
        self.met(job(name="dogs", made="tuesday", total=0))
        counters = self.capture(job(name="dogs", made="tuesday", total=0), 2)
        self.assertEqual((counters.base, counters.posts), (0, 2))

    def test_a_job_that_is_renamed(self) -> None:
        """Is the same one, as its date of creation says, or nobody where none is known."""
        for made in ("monday", None):
            self.met(job(made=made))
            before = self.capture(job(made=made), 5)
            self.started()
            self.met(job(name="dogs", made=made))
            counters = self.capture(job(name="dogs", made=made), 2)
            self.assertEqual(counters.posts, before.posts + 2)
            self.base = Path(self.mktemp())
            self.started()

    def test_nothing_is_listed(self) -> None:
        """Then nobody can tell yet, and it is known with the first job."""
        first = self.met()
        self.started(NEW)
        self.assertIsNone(self.folders.meet(JobList(())))
        self.assertEqual(self.met().server, first.server)

    def test_jobs_that_come_later(self) -> None:
        """They are remembered: the server may move when only they are left."""
        first = self.met()
        self.met(job(8, "dogs"))
        self.started(NEW)
        self.assertEqual(self.met(job(8, "dogs")).server, first.server)

    def test_totals_go_on(self) -> None:
        """In the same folder, and in another one."""
        self.met()
        self.capture(job(), 3)
        self.started(NEW)
        self.met()
        self.assertEqual(self.capture(job(), 1), Counters(1000, 4, 0))
        self.assertEqual(self.capture(job(name="new"), 1), Counters(1000, 5, 0))

    def test_a_folder_from_before_there_were_installations(self) -> None:
        """Addresses and names of jobs are in the ledger; the budget is that of the newest one."""
        self.capture(job(), 1)
        self.folders = anew(self.folders, server=NEW)
        self.capture(job(name="dogs"), 0)  # of another server, as far as anybody can tell
        self.folders = anew(self.folders, server="http://proxy/")
        self.capture(job(name="dogs"), 0)
        self.started("http://new/")
        self.folders.begin()
        found = self.met(job(name="dogs"))
        self.assertEqual(found.server, key("proxy", 1))
        self.assertEqual(found.old, {key(a, 1) for a in ("localhost/api", "proxy", "new")})
        self.assertEqual(found.elsewhere, {key("127.0.0.1:8000/api", 1)})
