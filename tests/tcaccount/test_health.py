"""tcc-health as a command: what the disk tells, with and without a client."""

import io
import json
import os
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from tcaccount.healthcommand import as_line, main
from tcaccount.standing import STUCK, facts_below
from tcclient.control.jobs import Status
from tcclient.health.health import Health
from tcclient.health.judgement import judge
from tcclient.ledger import bookings, entries
from tcclient.storage.archive import Archive
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

    def test_nothing_is_wanted(self) -> None:
        """No capture was ever made, or the last one has been stopped."""
        self.assertEqual(self.codes(), [])
        self.capture(3)
        self.folders.end()
        self.assertEqual(self.codes(), [])
        line = as_line(self.health(), facts_below(self.base, self.clock.seconds()))
        self.assertIn("TCC OK - Nothing is to be captured.", line)

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
        archive = self.started()
        archive.capture_log.end("stopped", Status.STOPPING)
        archive.close()
        lines = [
            one for one in self.lines() if one["kind"] not in ("capture_stop", "capture_close")
        ]
        self.write(*lines)
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
        finding = self.health().findings[0]
        self.assertEqual((finding.code, finding.level, finding.since), ("disk", "down", NOON))
        self.assertIn("no space left", finding.what)

    def test_a_client_that_hangs(self) -> None:
        """It has the folder open, and its mark is old."""
        self.tells((1, HEARD))
        mark = self.folder / ".test.alive"
        mark.touch()
        os.utime(mark, (NOON, NOON))
        self.clock.advance(STUCK - 1)
        self.assertEqual(self.codes(), [])
        self.clock.advance(1)
        self.assertEqual(self.codes(), ["stuck"])

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
        status, out = run(str(self.base))
        self.assertEqual((status, out[:15]), (2, "TCC CRITICAL - "))
