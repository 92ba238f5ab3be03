"""tcc-health as a command: what the disk tells, with and without a client."""

import io
import json
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import tcclient
from tcaccount.healthcommand import main
from tcaccount.standing import facts_below, refusal
from tcclient.control.jobs import Status
from tcclient.health.facts import CaptureFacts, ClientFacts, LimitFacts
from tcclient.health.health import Health, as_line
from tcclient.health.judgement import LATE, PATIENCE, judge
from tcclient.health.liveliness import LEAST_OF_A_DAY
from tcclient.ledger import bookings, entries
from tcclient.runtime.needs import needs_of
from tcclient.runtime.threads import in_place
from tcclient.storage.archive import Archive
from tcclient.storage.healthmark import NAME, HealthMark
from tcclient.storage.index import INDEX
from tests.control.test_healthreport import SCHEMA
from tests.marks import Need, needs
from tests.tcaccount.ledgertext import NOON, FolderCase, job


def run(*arguments: str) -> tuple[int, str]:
    """Return the exit status, and what the command has written."""
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out):
        try:
            main(arguments)
        except SystemExit as e:
            return int(e.code or 0), out.getvalue()
    raise AssertionError("it did not exit")


def called(module: str, base: str) -> "subprocess.CompletedProcess[str]":
    """A command that was called with a base_dir in a process of its own, and has ended."""
    code = f"import sys; from {module} import main; main(sys.argv[1:])"
    return subprocess.run(
        [sys.executable, "-c", code, os.path.realpath(base)],
        cwd=Path(tcclient.__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=120,
    )


class StandingTests(FolderCase):
    def setUp(self) -> None:
        super().setUp()
        self.folders.begin()

    def health(self) -> Health:
        return judge(facts_below(self.base, self.clock.seconds()))

    def codes(self) -> list[str]:
        return [one.code for one in self.health().findings]

    def started(self) -> Archive:
        """A capture whose stream is heard."""
        archive = self.folders.open(job())
        archive.capture_log.begin("started", Status.STARTING, "obama")
        archive.capture_log.heard()
        return archive

    def died(self) -> None:
        """A client with such a capture was killed."""
        archive = self.started()
        archive.capture_log.end("stopped", Status.STOPPING)
        archive.close()
        lines = [
            one for one in self.lines() if one["kind"] not in ("capture_stop", "capture_close")
        ]
        self.write(*lines)

    def test_nothing_is_wanted(self) -> None:
        """No capture was ever made, or the last one has been stopped."""
        mark = HealthMark(self.base, in_place)
        mark.begin()
        self.assertEqual(self.codes(), [])
        self.capture(3)
        mark.end()
        self.assertEqual(self.codes(), ["client_dead"])
        self.folders.end()
        self.assertEqual(self.codes(), [])
        line = as_line(self.health(), facts_below(self.base, self.clock.seconds()))
        self.assertIn("TCC OK - Nothing is to be captured.", line)

    def test_a_month_that_has_just_ended(self) -> None:
        """The client died while it began the next file of a ledger: both ledgers are read."""
        self.died()
        for ledger in (self.ledger, self.base / INDEX):
            ledger.rename(ledger.with_name(ledger.name.replace("jsonl", "2026-11.jsonl")))
        self.assertEqual(self.codes(), ["client_dead"])

    def test_a_client_at_work(self) -> None:
        """All is well while the stream is heard."""
        archive = self.started()
        facts = facts_below(self.base, self.clock.seconds())
        self.assertEqual(judge(facts).findings, ())
        self.assertIn(
            "TCC OK - Posts of 1 capture come and are stored.", as_line(self.health(), facts)
        )
        archive.capture_log.end("stopped", Status.STOPPING)
        archive.close()

    def test_a_client_that_was_stopped(self) -> None:
        """It left a capture that is wanted."""
        archive = self.started()
        archive.capture_log.end("left", Status.STARTED)
        archive.close()
        self.clock.advance(60)
        self.folders.end()
        finding = self.health().findings[0]
        self.assertEqual((finding.code, finding.since), ("client_stopped", NOON + 60))

    def test_a_client_that_died(self) -> None:
        """Its ledger says neither that it ended nor that the capture did."""
        self.died()
        self.assertEqual(self.codes(), ["client_dead"])

    def tells(self, *told: tuple[float, entries.Entry]) -> None:
        """A client has the folder open, and its ledger says this after a start."""
        archive = self.folders.open(job())
        self.addCleanup(archive.close)
        start = entries.CaptureStart(because="started", status=3)
        for _, entry in ((0, start), *told):
            with self.ledger.open("ab") as file:
                file.write(entries.as_line(entry, 7, NOON))  # type: ignore[arg-type]

    def test_refused_credentials(self) -> None:
        """The gap names the status of the last attempt."""
        refused = entries.NotConnected(cause="refused", detail="X refuses", status=401)
        self.tells((1, refused))
        self.clock.advance(100)
        finding = self.health().findings[0]
        self.assertEqual((finding.code, finding.level), ("start", "down"))
        self.assertIn("(401)", finding.what)
        self.assertIn("twitter_auth", finding.cure)

    def test_a_disk_that_takes_nothing(self) -> None:
        """The reason and the moment come from its line."""
        self.tells((1, HEARD), (2, bookings.DiskTrouble(reason="no space left")))
        self.assert_no_space()

    def test_a_disk_that_took_nothing_before_the_stream_was_made(self) -> None:
        """It is told by the same line, though a gap has ended since."""
        self.tells((1, bookings.DiskTrouble(reason="no space left")), (2, HEARD))
        self.assert_no_space()

    def assert_no_space(self) -> None:
        """The disk is said to be full."""
        finding = self.health().findings[0]
        self.assertEqual((finding.code, finding.level, finding.since), ("disk", "down", NOON))
        self.assertIn("no space left", finding.what)

    def test_a_disk_on_which_the_ledger_cannot_say_so(self) -> None:
        """It has no room, or can only be read: that is asked of the system."""
        disk = os.statvfs(self.base)
        self.assertEqual(refusal(disk), "")
        for place, value, words in ((4, 0, "No space left"), (8, os.ST_RDONLY, "Read-only")):
            members = list(disk)
            members[place] = value
            self.assertIn(words, refusal(os.statvfs_result(members)))

    def test_how_much_a_day_takes(self) -> None:
        """By the files of the last one, also where there are those of some hours only."""
        archive = self.started()
        self.addCleanup(archive.close)
        for _ in range(4):
            archive.store([b"x" * 999_999])
            archive.finish()
            self.clock.advance(LEAST_OF_A_DAY / 4 - 1)
            daily = facts_below(self.base, self.clock.seconds()).disk_daily
            self.assertIsNone(daily)
        self.clock.advance(6 * 3600)
        daily = facts_below(self.base, self.clock.seconds()).disk_daily
        self.assertAlmostEqual(daily or 0, 4e6 * 86400 / 25_196, delta=5_000)

    def test_a_client_that_cannot_say_how_it_is(self) -> None:
        """It has the folder open and its mark is old, be it that it hangs or that the disk does."""
        self.tells((1, HEARD))
        self.marked(ClientFacts(now=NOON, runs=True))
        self.clock.advance(LATE)
        self.assertEqual(self.codes(), [])
        self.clock.advance(1)
        health = self.health()
        self.assertEqual((self.codes(), health.level, health.since), (["stuck"], "down", NOON))

    def marked(self, facts: ClientFacts | None) -> HealthMark:
        """A client runs, and wrote this at noon; None for nothing yet."""
        mark = HealthMark(self.base, in_place)
        mark.begin()
        self.addCleanup(mark.end)
        if facts is not None:
            mark.keep(facts)
        os.utime(self.base / NAME, (NOON, NOON))
        return mark

    def test_what_only_the_client_knows(self) -> None:
        """Its clock and its budget are told in its words, and captures of others beside."""
        facts = ClientFacts(
            now=NOON,
            runs=True,
            captures=[CaptureFacts(job=8, name="storm")],
            clock_offset=120.0,
            limits=[LimitFacts("month", 81, 100, NOON)],
        )
        self.marked(facts)
        self.tells((1, HEARD))
        found = facts_below(self.base, NOON + 4)
        self.assertEqual([one.name for one in found.captures], ["storm", "test"])
        self.assertEqual(judge(found), judge(facts))
        self.assertEqual(self.codes(), ["clock", "budget_nearly"])

    def test_a_client_that_starts(self) -> None:
        """It has a minute to open the folders of its captures."""
        self.died()
        self.marked(None)
        self.assertEqual([one.level for one in self.health().findings], ["degraded"])
        self.clock.advance(PATIENCE + 1)
        self.assertEqual([one.code for one in self.health().findings], ["not_run"])
        self.assertEqual(self.health().level, "down")

    def test_a_client_that_died_and_whose_ledger_was_removed(self) -> None:
        """What it captured is known from its mark, which it had no time to remove."""
        self.died()
        mark = self.marked(
            ClientFacts(now=NOON, runs=True, captures=[CaptureFacts(job=7, name="test")])
        )
        killed = self.base / "killed"
        (self.base / NAME).rename(killed)
        mark.end()
        (self.base / NAME).write_bytes(killed.read_bytes())
        shutil.rmtree(self.folder)
        [finding] = self.health().findings
        self.assertEqual(finding.code, "client_dead")
        self.assertIn("1 capture waits for it: 'test'", finding.what)

    def test_terms_that_are_left_out(self) -> None:
        """Those of the newest keyword text."""
        old = entries.Keywords(before=None, after="a", refused=(entries.RefusedTerm("x", "no"),))
        new = entries.Keywords(before="a", after="b", refused=(entries.RefusedTerm("y", "no"),))
        more = entries.TermsRefused(refused=(entries.RefusedTerm("z", "no"),))
        self.tells((0, old), (0, new), (0, more), (1, HEARD))
        self.assertIn("2 terms", self.health().findings[0].what)

    def test_a_server_that_is_away(self) -> None:
        """Until it answers; since the first failure."""
        self.tells((1, HEARD))
        self.folders.note(entries.ServerFails(doing="listing the jobs", reason="away"))
        self.clock.advance(5)
        self.folders.note(entries.ServerFails(doing="listing the jobs", reason="still away"))
        finding = self.health().findings[0]
        self.assertEqual((finding.code, finding.since), ("server", NOON))
        self.assertIn("still away", finding.what)
        self.folders.note(entries.ServerAnswers(doing="listing the jobs", after=5))
        self.assertEqual(self.codes(), [])

    @needs(Need.PROCESSES)
    def test_what_is_no_file(self) -> None:
        """A FIFO or a device in the place of a file is none: nothing waits for it, or reads on."""
        self.died()
        for place in (NAME, f"test/{self.ledger.name}", "test/.test.ledger.state", INDEX):
            path = self.base / place
            path.unlink(missing_ok=True)
            for put in (os.mkfifo, lambda name: name.symlink_to("/dev/zero")):
                put(path)
                for module in ("tcaccount.healthcommand", "tcaccount.command"):
                    said = called(module, str(self.base))
                    self.assertNotIn("Traceback", said.stderr)
                    self.assertLessEqual(said.returncode, 3)
                path.unlink()
            if place == NAME:
                self.assertEqual(self.codes(), ["client_dead"])

    def test_a_stream_for_other_keywords(self) -> None:
        """It may bring less than the one before: that one's rate says nothing of it."""
        archive = self.started()
        self.addCleanup(archive.close)
        for _ in range(100):
            archive.store(self.posts(50))
            self.clock.advance(1)
        archive.capture_log.follow("axolotl", "obama", None, ())
        archive.finish()
        self.clock.advance(400)
        self.assertEqual(self.codes(), [])

    def test_when_the_stream_is_asked_for_again(self) -> None:
        """By the newest line about it; not known where it was not asked for since the start."""
        refused = entries.NotConnected(cause="refused", detail="X refuses", status=503, wait=16)
        self.tells((1, refused))
        self.assertEqual(self.facts().next_attempt, NOON + 16)
        start = entries.CaptureStart(because="resumed", status=3)
        with self.ledger.open("ab") as file:
            file.write(entries.as_line(start, 7, NOON))  # type: ignore[arg-type]
        self.assertIsNone(self.facts().next_attempt)

    def facts(self) -> CaptureFacts:
        """What is known of the one capture."""
        [facts] = facts_below(self.base, self.clock.seconds()).captures
        return facts

    def test_a_stream_that_was_lively(self) -> None:
        """Nothing has come for minutes, and many posts in a second before."""
        archive = self.started()
        self.addCleanup(archive.close)
        for _ in range(100):
            archive.store(self.posts(50))
            self.clock.advance(1)
        archive.finish()
        self.clock.advance(400)
        self.assertEqual(self.codes(), ["quiet"])


HEARD = entries.Gap(
    begin="2026-11-23T12:00:00.000Z",
    end="2026-11-23T12:00:00.000Z",
    seconds=0,
    cause="start",
    detail="",
    attempts=0,
    keywords="obama",
)


class CommandTests(FolderCase):
    def test_what_is_no_base_dir(self) -> None:
        """One line, and the status for what is not known."""
        status, out = run(str(self.base))
        self.assertEqual(status, 3)
        self.assertTrue(out.startswith("TCC UNKNOWN - ") and out.count("\n") == 1, out)
        self.assertEqual(run("--what")[0], 3)

    def test_programs_read_json(self) -> None:
        """With the findings, and moments as in ledgers."""
        self.folders.begin()
        archive = self.folders.open(job())
        archive.capture_log.begin("started", Status.STARTING, "obama")
        archive.capture_log.end("left", Status.STARTED)
        archive.close()
        self.folders.end()
        status, out = run(str(self.base), "--json")
        told: dict[str, Any] = json.loads(out)
        self.assertEqual((status, told["level"]), (2, "down"))
        self.assertEqual(told["findings"][0]["code"], "client_stopped")
        SCHEMA.validate(told)
        [capture] = told["captures"]
        self.assertEqual((capture["job"], capture["condition"]), (7, "client_stopped"))
        found = told["findings"][0]
        self.assertEqual(capture["reason"], f"{found['what']} {found['cure']}")
        self.assertNotIn("memory", told["host"])
        status, out = run(str(self.base))
        self.assertEqual((status, out[:15]), (2, "TCC CRITICAL - "))

    def test_what_a_client_at_work_needs(self) -> None:
        """Its memory and CPU, and how its captures are, besides the disk's room."""
        self.folders.begin()
        archive = self.folders.open(job())
        self.addCleanup(archive.close)
        archive.capture_log.begin("started", Status.STARTING, "obama")
        archive.capture_log.heard()
        archive.store(self.posts(3))
        archive.finish()
        (self.folder / ".test.alive").touch()
        told: dict[str, Any] = json.loads(run(str(self.base), "--json")[1])
        SCHEMA.validate(told)
        [capture] = told["captures"]
        self.assertEqual((capture["condition"], capture["total"]), ("ok", 1003))
        self.assertLess(capture["lag"], 60)
        host = told["host"]
        self.assertGreater(host["disk_size"], host["disk_free"])
        own = needs_of()
        self.assertEqual("memory" in host, own is not None)
        if own is not None:
            self.assertGreater(own.memory, 1 << 20)
            self.assertTrue(0 < host["cpu"] < 64)
