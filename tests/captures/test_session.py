"""A job being captured: from keywords to a stream, through changes, to the last byte."""

import json
from pathlib import Path
from typing import Any

from msgspec import structs
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tcclient.captures.session import Session
from tcclient.control.jobs import Job
from tcclient.ledger.entries import seconds
from tcclient.ledger.fold import resumed
from tcclient.ledger.gaps import IN_FLIGHT, Missing
from tcclient.ledger.lines import line
from tcclient.ledger.vocabulary import COMMON
from tcclient.runtime.machine import boot
from tcclient.sources.twitter_v1.feed import V1Source
from tcclient.sources.twitter_v1.postids import TWEET_IDS
from tcclient.storage.bookkeeper import RETRY
from tcclient.storage.diskuse import DiskUse
from tcclient.storage.folders import Folders
from tcclient.storage.recovery import ledger_path
from tcclient.storage.slots import Naming
from tcclient.stream.connection import Timing
from tests.ledger.told import told
from tests.marks import Need, needs
from tests.peers import FakeApi, Peer, clock_at, settle, upstream
from tests.storage.disk import held_by_another_process, in_the_way

JOB = Job(7, "Elections", 3, "cats", 0, 1, False, None)
GOODBYE = Timing().goodbye


def a_post(number: int) -> bytes:
    """The post of that number, as Twitter sends it."""
    return json.dumps({"id_str": str(number), "text": "x", "user": {}}).encode() + b"\r\n"


def left_open(lines: list[dict[str, Any]], covered: float = 0.0) -> Missing | None:
    """The gap that the next process finds by these lines; until `covered` all is on the disk."""
    raw = [json.dumps(members).encode() + b"\n" for members in reversed(lines)]
    history = resumed([line(0, one, COMMON) for one in raw], JOB.id).jobs[JOB.id]
    history.coverage.opened(boot(), covered)
    return history.missing


def keyed(text: str | None) -> Job:
    """The job with other keywords."""
    return structs.replace(JOB, keywords=text)


class SessionTestCase(SynchronousTestCase):
    """
    A session with real files and a peer in memory; nothing is left when it is halted.  `keeps` is
    whether posts that come again are stored again.
    """

    keeps = False
    use = DiskUse(ids=TWEET_IDS)

    def setUp(self) -> None:
        self.clock = clock_at()
        self.api = FakeApi()
        self.base = Path(self.mktemp())
        now = self.clock.seconds
        self.folders = Folders(
            self.base, Naming("", utc=True), "http://server/", self.clock, now, use=self.use
        )
        self.begin()
        self.addCleanup(self._end)

    def begin(self) -> None:
        """A process starts."""
        self.opened = 0
        source = V1Source(upstream(self.api, self.clock), keeps_duplicates=self.keeps)
        self.session = Session(JOB, self.folders, source, self._count)
        self.session.startService()

    def _count(self) -> None:
        self.opened += 1

    def _end(self) -> None:
        self.halt()
        self.session.retire()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def halt(self) -> None:
        """Stop, and see that it has stopped."""
        halted = Deferred.fromCoroutine(self.session.halt("stopped"))
        settle(self.clock)
        self.clock.advance(GOODBYE)
        self.successResultOf(halted)

    @property
    def peer(self) -> Peer:
        """The other side of the newest attempt."""
        return self.api.peer

    @property
    def asked(self) -> list[str]:
        """What was asked for so far, a text for each attempt."""
        return [",".join(peer.query.track) for peer in self.api.peers]

    def run_job(self, job: Job = JOB) -> None:
        """The server wants this; what follows at once has happened."""
        self.session.run(job)
        settle(self.clock)

    def stream(self, job: Job = JOB) -> None:
        """The server wants this, and Twitter answers."""
        self.run_job(job)
        self.peer.answers()

    def account(self, name: str = "Elections") -> list[dict[str, Any]]:
        """The ledger's lines."""
        return told(self.base / name / f"{name}.ledger.jsonl")

    def of_kind(self, *kinds: str) -> list[dict[str, Any]]:
        """Those of these kinds."""
        return [line for line in self.account() if line["kind"] in kinds]

    def finished(self, name: str = "Elections") -> list[bytes]:
        """The posts in finished files."""
        return [
            line
            for path in sorted((self.base / name).glob("*.json"))
            for line in path.read_bytes().splitlines()
        ]

    def unfinished(self) -> list[Path]:
        """Files without a final name."""
        return list(self.base.glob("*/*.tmp"))


class RunTests(SessionTestCase):
    """From a job to posts on the disk."""

    def test_posts_reach_the_disk(self) -> None:
        """Connected is said once the stream is open, not before."""
        self.run_job()
        self.assertEqual((self.opened, self.session.streaming), (0, False))
        self.peer.answers()
        self.assertEqual((self.opened, self.session.streaming), (1, True))
        self.peer.says(a_post(1) + a_post(2))
        self.assertEqual(len(self.unfinished()), 1)
        self.halt()
        self.assertEqual(self.finished(), [a_post(1).strip(), a_post(2).strip()])
        self.assertEqual(self.unfinished(), [])

    def test_the_same_reading_again(self) -> None:
        """Each poll brings the job; nothing is asked anew."""
        self.stream()
        for _ in range(5):
            self.run_job(structs.replace(JOB, status=2, total_count=5))
        self.assertEqual(self.asked, ["cats"])
        self.assertEqual(len(self.of_kind("keywords")), 1)

    def test_the_account_of_a_run(self) -> None:
        """What was asked, the connection, its end."""
        self.stream()
        self.halt()
        self.assertEqual(
            [line["kind"] for line in self.account()],
            [
                "capture_open",
                "capture_start",
                "keywords",
                "connected",
                "disconnected",
                "gap",
                "capture_stop",
            ],
        )
        connected = self.account()[3]
        self.assertEqual(
            (connected["endpoint"], connected["status"], connected["asked"]["track"]),
            ("statuses/filter", 200, ["cats"]),
        )
        self.assertEqual(self.account()[4]["cause"], "stopped")

    def test_the_sample(self) -> None:
        """No keywords at all ask for it."""
        self.stream(keyed(None))
        self.assertTrue(self.peer.query.is_sample)
        self.assertEqual(self.of_kind("connected")[0]["endpoint"], "statuses/sample")

    def test_reconnecting(self) -> None:
        """Each opened stream is told."""
        self.stream()
        self.peer.closes()
        self.assertFalse(self.session.streaming)
        self.clock.advance(0.25)
        self.peer.answers()
        self.assertEqual(self.opened, 2)

    def test_failed_attempts(self) -> None:
        """Each is noted, and the stream's line has their number."""
        self.run_job()
        for wait in (0.25, 0.5, 0.75):
            self.peer.fails(ConnectionRefusedError())
            self.clock.advance(wait)
        self.peer.answers()
        self.assertEqual(len(self.of_kind("not_connected")), 3)
        self.assertEqual(self.of_kind("connected")[0]["failed_attempts"], 3)

    def test_a_refusal(self) -> None:
        """Twitter's words are in the log and in the account, and what to do about it."""
        with capturedLogs() as events:
            self.run_job()
            self.peer.refuses(401, b"Timestamp out of bounds\r\n")
        line = self.of_kind("not_connected")[0]
        self.assertEqual((line["status"], line["explanation"]), (401, "Timestamp out of bounds"))
        texts = [event["text"] for event in events if "text" in event]
        self.assertIn("twitter_auth", texts[0])
        self.assertIn("Timestamp out of bounds", texts[0])

    def test_a_disconnect_message(self) -> None:
        """Ends the connection for that reason."""
        self.stream()
        self.peer.says(b'{"disconnect":{"code":7,"stream_name":"x","reason":"y"}}\r\n')
        self.assertTrue(self.peer.hung_up)
        line = self.of_kind("disconnected")[0]
        self.assertEqual(
            (line["cause"], line["trouble"], line["wait"]), ("disconnect", "duplicate", 5)
        )


class NothingToTrackTests(SessionTestCase):
    """Keywords of which none can be used are never taken for the sample stream."""

    def test_no_stream(self) -> None:
        """The log says why; a halt has nothing to end."""
        for text in (",", "x" * 61, "geo: 1 2", " , ,"):
            with capturedLogs() as events:
                self.run_job(keyed(text))
            self.assertTrue(self.session.quiet)
            warned = [event for event in events if event["log_level"].name == "warn"]
            self.assertIn("does not run", warned[-1]["log_format"])
            self.halt()
        self.assertEqual(self.asked, [])

    def test_a_running_stream_ends(self) -> None:
        """It would go on with keywords that nobody wants."""
        self.stream()
        self.run_job(keyed(","))
        self.assertTrue(self.peer.hung_up)
        self.assertTrue(self.session.quiet)
        self.run_job(keyed("dogs"))
        self.assertEqual(self.asked, ["cats", "dogs"])

    def test_some_are_left_out(self) -> None:
        """The rest runs, and each that does not is named with the reason."""
        with capturedLogs() as events:
            self.run_job(keyed("cats," + "x" * 61))
        self.assertEqual(self.asked, ["cats"])
        named = [event for event in events if "left out" in event.get("log_format", "")]
        self.assertEqual(len(named), 1)
        self.assertEqual(self.of_kind("keywords")[0]["refused"][0]["term"], "x" * 61)


class FrequentChangeTests(SessionTestCase):
    """Beyond six in five minutes they are merged to one a minute."""

    def stay_for(self, seconds: int) -> None:
        """Let time pass on a stream that is kept alive."""
        for _ in range(seconds):
            self.clock.advance(1)
            self.peer.says(b"\r\n")

    def change_often(self) -> None:
        self.stream()
        for number in range(6):
            self.clock.advance(1)
            self.stream(keyed(f"term{number}"))

    def test_merging(self) -> None:
        """The seventh waits, and takes those with it that come meanwhile; one line says so."""
        self.change_often()
        self.assertEqual(self.asked[-1], "term5")
        with capturedLogs() as events:
            for number in (6, 7, 8):
                self.run_job(keyed(f"term{number}"))
        said = [event for event in events if "change often" in event.get("log_format", "")]
        self.assertEqual(len(said), 1)
        self.clock.advance(59)
        self.assertEqual(self.asked[-1], "term5")
        self.clock.advance(1)
        self.assertEqual(self.asked[-2:], ["term5", "term8"])

    def test_one_a_minute_from_then_on(self) -> None:
        """Each wait counts from the last change."""
        self.change_often()
        for number in (6, 7):
            self.run_job(keyed(f"term{number}"))
            self.stay_for(59)
            self.assertEqual(self.asked[-1], f"term{number - 1}")
            self.clock.advance(1)
            self.assertEqual(self.asked[-1], f"term{number}")
            self.peer.answers()

    def test_in_time_they_are_free_again(self) -> None:
        """Five minutes after the first."""
        self.change_often()
        self.stay_for(300)
        self.run_job(keyed("free"))
        self.assertEqual(self.asked[-1], "free")

    def test_through_nothing_to_track(self) -> None:
        """A change by way of unusable keywords costs a connection like any other."""
        self.stream()
        for number in range(6):
            self.run_job(keyed(","))
            self.stream(keyed(f"term{number}"))
        self.run_job(keyed(","))
        self.assertTrue(self.session.quiet)
        self.run_job(keyed("term6"))
        self.assertEqual(self.asked[-1], "term5")
        self.clock.advance(60)
        self.assertEqual(self.asked[-1], "term6")

    def test_a_text_that_changes_nothing(self) -> None:
        """Is not delayed, and no line says that it were."""
        self.change_often()
        with capturedLogs() as events:
            self.run_job(keyed("term5 ,"))
        self.assertEqual([event for event in events if "often" in event["log_format"]], [])

    def test_back_before_it_took_effect(self) -> None:
        """Then there is nothing to change."""
        self.change_often()
        self.run_job(keyed("other"))
        self.run_job(keyed("term5"))
        self.clock.advance(60)
        self.assertEqual(self.asked[-1], "term5")
        self.assertFalse(self.peer.hung_up)

    def test_stopping_does_not_wait(self) -> None:
        """A change that was due later is forgotten."""
        self.change_often()
        self.run_job(keyed("other"))
        self.halt()
        self.clock.advance(60)
        self.assertEqual(self.asked[-1], "term5")
        self.assertTrue(self.session.quiet)


class HaltTests(SessionTestCase):
    """Stop means stopped."""

    def test_what_has_arrived_is_kept(self) -> None:
        """It was sent before the stop."""
        self.stream()
        self.clock.callLater(0, self.peer.says, a_post(1))
        self.halt()
        self.assertEqual(self.finished(), [a_post(1).strip()])
        self.assertTrue(self.session.quiet)

    def test_in_every_state(self) -> None:
        """Before anything, while connecting, while waiting, twice."""
        self.halt()
        self.run_job()
        self.halt()
        self.assertTrue(self.peer.cancelled)
        self.run_job()
        self.peer.fails(ConnectionRefusedError())
        self.halt()
        self.halt()
        self.clock.advance(1000)
        self.assertEqual(len(self.asked), 2)

    def test_it_is_said_once(self) -> None:
        """However often a capture is ended that has stopped."""
        self.stream()
        with capturedLogs() as captured:
            self.halt()
            self.halt()
        said = [formatEvent(event) for event in captured]
        self.assertEqual(sum("has stopped" in line for line in said), 1, said)

    def test_wanted_again(self) -> None:
        """The same session runs on; the totals go on."""
        self.stream()
        self.peer.says(a_post(1))
        self.halt()
        self.stream()
        self.peer.says(a_post(2))
        assert self.session.archive is not None
        self.assertEqual(self.session.archive.tally.posts, 2)
        self.halt()
        self.assertEqual(len(self.finished()), 2)

    def test_a_file_that_cannot_be_finished(self) -> None:
        """Is tried again until it can; only then is it stopped."""
        self.stream()
        self.peer.says(a_post(1))
        with in_the_way(self.base / "Elections"), capturedLogs():
            halted = Deferred.fromCoroutine(self.session.halt("stopped"))
            settle(self.clock)
            self.clock.advance(RETRY)
            self.assertNoResult(halted)
        self.clock.advance(RETRY)
        self.successResultOf(halted)
        self.assertEqual(self.finished(), [a_post(1).strip()])


class GapTests(SessionTestCase):
    """What the account says of the time without a stream."""

    def gaps(self, name: str = "Elections") -> list[tuple[str, float, int]]:
        """(cause, seconds, failed attempts) of each."""
        return [
            (line["cause"], line["seconds"], line["attempts"])
            for line in self.account(name)
            if line["kind"] == "gap"
        ]

    def test_until_the_first_byte(self) -> None:
        """From the wish on; the answer alone is no stream that can be heard."""
        self.run_job()
        self.clock.advance(2)
        self.peer.answers()
        self.clock.advance(1)
        self.assertEqual(self.gaps(), [])
        self.peer.says(b"\r\n")
        self.assertEqual(self.gaps(), [("start", 3.0, 0)])

    def test_from_the_last_byte_to_the_first(self) -> None:
        """Whatever was tried in between."""
        self.stream()
        self.peer.says(b"\r\n")
        self.clock.advance(20)
        self.peer.closes()
        self.clock.advance(0.25)
        self.peer.fails(ConnectionRefusedError())
        self.clock.advance(0.5)
        self.peer.answers()
        self.clock.advance(4.25)
        self.peer.says(a_post(1))
        self.assertEqual(self.gaps()[1:], [("closed", 25.0 + IN_FLIGHT, 1)])
        self.assertEqual([line["keywords"] for line in self.of_kind("gap")], ["cats", "cats"])

    def test_a_stop_is_no_gap(self) -> None:
        """And one that was open ends with it."""
        self.stream()
        self.peer.says(b"\r\n")
        self.clock.advance(5)
        self.halt()
        self.assertEqual(len(self.gaps()), 1)
        self.run_job()
        self.clock.advance(7)
        self.halt()
        self.assertEqual(self.gaps()[1:], [("start", 7.0, 0)])

    def test_keywords_without_a_usable_term(self) -> None:
        """All the time is missing."""
        self.run_job(keyed(","))
        self.clock.advance(7)
        self.halt()
        self.assertEqual(self.gaps(), [("start", 7.0, 0)])

    def test_since_when_keywords_are_in_force(self) -> None:
        """Once for each text, from the first byte of its connection on."""
        self.stream()
        self.peer.says(b"\r\n")
        self.peer.closes()
        self.clock.advance(0.25)
        self.peer.answers()
        self.peer.says(b"\r\n")
        self.run_job(keyed("dogs"))
        self.clock.advance(GOODBYE)
        settle(self.clock)
        self.peer.answers()
        self.peer.says(b"\r\n")
        lines = self.of_kind("keywords_in_force")
        self.assertEqual([line["text"] for line in lines], ["cats", "dogs"])
        self.assertEqual(lines[0]["since"], self.of_kind("gap")[0]["end"])

    def test_over_the_end_of_the_client(self) -> None:
        """The next process begins where the last byte came."""
        self.stream()
        self.peer.says(a_post(1))
        self.clock.advance(4)
        self.leave()
        self.clock.advance(60)
        self.begin()
        self.stream()
        self.clock.advance(1)
        self.peer.says(a_post(2))
        self.assertEqual(self.gaps()[1:], [("client_stopped", 70.0 + IN_FLIGHT, 0)])

    def test_new_keywords_while_the_client_was_away(self) -> None:
        """The account has what was wanted before; of the same ones it says so again."""
        self.stream()
        for job in (JOB, keyed("dogs")):
            self.leave()
            self.begin()
            self.stream(job)
        told = [(line.get("before"), line["after"]) for line in self.of_kind("keywords")]
        self.assertEqual(told, [(None, "cats"), (None, "cats"), ("cats", "dogs")])

    def test_over_a_crash(self) -> None:
        """From the last moment until which all that came is safe, posts or not."""
        self.stream()
        self.peer.says(a_post(1))
        for _ in range(10):
            self.clock.advance(5)
            self.peer.says(b"\r\n")
        self.clock.advance(1)
        self.assertEqual(self.account()[0]["boot"], boot())
        mark = self.base / "Elections" / ".Elections.alive"
        self.assertAlmostEqual(mark.stat().st_mtime, self.clock.seconds() - 1, 2)
        lines = self.account()
        self.assertEqual(lines[-1]["kind"], "keywords_in_force")
        missing = left_open(lines, mark.stat().st_mtime)
        assert missing is not None
        self.assertEqual(missing.cause, "crash")
        self.assertAlmostEqual(missing.begin, self.clock.seconds() - 1, 2)

    def test_a_ledger_that_is_removed(self) -> None:
        """The new one says how things stand, so that it can be read by itself, and resumed."""
        self.stream()
        self.peer.says(a_post(1))
        (self.base / "Elections" / "Elections.ledger.jsonl").unlink()
        assert self.session.archive is not None
        self.session.archive.tally.rebase(50)
        kinds = [line["kind"] for line in self.account()]
        begun = ["capture_open", "capture_start", "keywords", "keywords_in_force", "gap"]
        self.assertEqual(kinds, ["base", *begun])
        missing = left_open(self.account())
        assert missing is not None
        self.assertEqual((missing.cause, missing.keywords), ("crash", "cats"))

    def test_the_mark_goes_with_the_client(self) -> None:
        """What ends as it should needs none."""
        self.stream()
        self.peer.says(a_post(1))
        self.clock.advance(5)
        self.leave()
        self.assertEqual(list(self.base.glob("*/.*.alive")), [])

    def test_stopped_while_the_client_was_down(self) -> None:
        """The gap ends when this client hears of it."""
        self.stream()
        self.peer.says(a_post(1))
        self.leave()
        self.clock.advance(60)
        self.begin()
        self.session.reopen(JOB)
        self.assertEqual(self.gaps()[1:], [("client_stopped", 65.0 + IN_FLIGHT, 0)])
        self.assertEqual(self.of_kind("capture_stop")[-1]["because"], "stopped")
        self.session.reopen(JOB)
        self.assertEqual(len(self.of_kind("capture_stop")), 2)

    def test_renamed(self) -> None:
        """The account goes on in the other folder, without a gap."""
        self.stream()
        self.peer.says(a_post(1))
        self.run_job(structs.replace(JOB, name="Votes"))
        self.peer.says(a_post(2))
        self.assertEqual(self.of_kind("capture_stop")[0]["because"], "renamed")
        self.assertEqual(self.gaps("Votes"), [("start", 0.0, 0)])
        in_force = [line for line in self.account("Votes") if line["kind"] == "keywords_in_force"]
        self.assertEqual([line["text"] for line in in_force], ["cats"])
        self.halt()
        self.assertEqual(self.account("Votes")[-1]["kind"], "capture_stop")

    def test_renamed_before_new_keywords_are_in_force(self) -> None:
        """The other account has the old ones in force, until the stream for the new is heard."""
        self.stream()
        self.peer.says(a_post(1))
        self.run_job(keyed("dogs"))
        self.run_job(structs.replace(keyed("dogs"), name="Votes"))
        self.peer.answers()
        self.peer.says(a_post(2))
        lines = self.account("Votes")
        self.assertEqual([line["after"] for line in lines if line["kind"] == "keywords"], ["dogs"])
        in_force = [line["text"] for line in lines if line["kind"] == "keywords_in_force"]
        self.assertEqual(in_force, ["cats", "dogs"])

    def test_renamed_before_the_first_byte(self) -> None:
        """An answer is no stream that is heard, in the other account neither."""
        self.stream()
        self.run_job(structs.replace(JOB, name="Votes"))
        self.clock.advance(3)
        self.assertEqual(self.gaps("Votes"), [])
        self.peer.says(a_post(1))
        self.assertEqual(self.gaps("Votes"), [("start", 3.0, 0)])

    def leave(self) -> None:
        """The process ends as it should."""
        halted = Deferred.fromCoroutine(self.session.halt("left"))
        settle(self.clock)
        self.clock.advance(GOODBYE)
        self.successResultOf(halted)
        self.session.retire()


class PlaceTests(SessionTestCase):
    """The folder of a job."""

    def test_renamed(self) -> None:
        """The stream goes on, the posts go into the new folder, the totals go on."""
        self.stream()
        self.peer.says(a_post(1))
        self.run_job(structs.replace(JOB, name="Votes"))
        self.peer.says(a_post(2))
        self.assertFalse(self.peer.hung_up)
        self.assertEqual(self.finished(), [a_post(1).strip()])
        assert self.session.archive is not None
        self.assertEqual(self.session.archive.tally.posts, 2)
        self.halt()
        self.assertEqual(self.finished("Votes"), [a_post(2).strip()])
        self.assertEqual(self.account()[-1]["kind"], "capture_close")

    def test_renamed_while_the_disk_refuses(self) -> None:
        """What came under the old name is stored under it; then the capture moves."""
        self.stream()
        with in_the_way(self.base / "Elections"), capturedLogs():
            self.peer.says(a_post(1))
            self.run_job(structs.replace(JOB, name="Votes"))
        self.clock.advance(RETRY)
        self.run_job(structs.replace(JOB, name="Votes"))
        self.peer.says(a_post(2))
        self.halt()
        self.assertEqual(self.finished(), [a_post(1).strip()])
        self.assertEqual(self.finished("Votes"), [a_post(2).strip()])

    def test_a_name_that_is_no_folder(self) -> None:
        """Nothing is asked for, and the log says why, once."""
        with capturedLogs() as events:
            for _ in range(3):
                self.run_job(structs.replace(JOB, name="../up"))
        self.assertEqual((self.asked, len(events)), ([], 1))
        self.assertTrue(self.session.quiet)
        self.run_job()
        self.assertEqual(self.asked, ["cats"])

    def test_renamed_to_what_is_no_folder(self) -> None:
        """The capture goes on where it is: nothing is lost over a name."""
        self.stream()
        with capturedLogs() as events:
            self.run_job(structs.replace(JOB, name=".."))
        self.assertEqual(len(events), 1)
        self.peer.says(a_post(1))
        self.halt()
        self.assertEqual(self.finished(), [a_post(1).strip()])

    @needs(Need.PROCESSES)
    def test_another_client_there(self) -> None:
        """Its folder is not written to."""
        with (
            held_by_another_process(ledger_path(self.base, JOB.name)),
            capturedLogs() as events,
        ):
            self.run_job()
        self.assertEqual(self.asked, [])
        self.assertIn("Another client", events[0]["reason"])
        self.run_job()
        self.assertEqual(self.asked, ["cats"])

    def test_reopen(self) -> None:
        """Only what an earlier process has left; a job never captured here gets no folder."""
        self.session.reopen(JOB)
        self.assertIsNone(self.session.archive)
        self.assertFalse((self.base / "Elections").exists())
        self.folders.open(JOB).close()
        self.session.reopen(JOB)
        self.assertIsNotNone(self.session.archive)

    def test_a_disk_that_refuses(self) -> None:
        """Nothing more is read; what has been read is stored and counted when it is back."""
        self.stream()
        assert self.session.archive is not None
        with in_the_way(self.base / "Elections"), capturedLogs() as events:
            self.peer.says(a_post(1))
            self.clock.advance(5 * RETRY)
            self.assertFalse(self.peer.transport.reading)
            self.assertEqual(self.session.archive.tally.posts, 0)
        self.clock.advance(RETRY)
        self.assertTrue(self.peer.transport.reading)
        self.assertEqual(self.session.archive.tally.posts, 1)
        self.assertEqual(len(events), 2)  # of the posts, and of the ledger
        self.halt()
        self.assertEqual(self.finished(), [a_post(1).strip()])
        [trouble], [recovered] = self.of_kind("disk_trouble"), self.of_kind("disk_recovered")
        self.assertEqual(recovered["after"], 6 * RETRY)
        self.assertEqual(seconds(recovered["at"]) - seconds(trouble["at"]), 6 * RETRY)

    def test_a_connection_that_ends_meanwhile(self) -> None:
        """It is made again when the posts can be stored, and the gap is all the time."""
        self.stream()
        self.peer.says(a_post(1))
        with in_the_way(self.base / "Elections"), capturedLogs():
            self.peer.says(a_post(2))
            self.clock.advance(60 * RETRY)
            self.peer.closes()
            self.clock.advance(60 * RETRY)
            self.assertEqual(len(self.asked), 1)
        self.clock.advance(RETRY)
        self.peer.answers()
        self.peer.says(a_post(3))
        self.assertEqual(len(self.asked), 2)
        gap = self.of_kind("gap")[-1]
        self.assertEqual((gap["cause"], gap["seconds"]), ("disk", 121 * RETRY + IN_FLIGHT))
        self.halt()
        self.assertEqual(len(self.finished()), 3)

    def test_stopped_while_the_disk_refuses(self) -> None:
        """It lasts as long as that does; wanted again, the capture goes on."""
        self.stream()
        with in_the_way(self.base / "Elections"), capturedLogs():
            self.peer.says(a_post(1))
            self.clock.advance(30)
            halted = Deferred.fromCoroutine(self.session.halt("stopped"))
            settle(self.clock)
            self.clock.advance(100)
            self.assertNoResult(halted)
            self.assertTrue(self.session.quiet)
        self.clock.advance(RETRY)
        self.successResultOf(halted)
        # What Twitter sent while nothing was read is missing, until the stop and no longer.
        self.assertEqual(
            [(line["cause"], line["seconds"]) for line in self.of_kind("gap")],
            [("start", 0.0), ("disk", 30.0 + IN_FLIGHT)],
        )
        (stop,) = self.of_kind("capture_stop")
        self.assertEqual(seconds(stop["at"]) - seconds(stop["since"]), 100.0 + RETRY)
        self.stream()
        self.peer.says(a_post(2))
        self.halt()
        self.assertEqual(self.finished(), [a_post(1).strip(), a_post(2).strip()])

    def killed_within_a_stop(self) -> None:
        """The disk refuses for 30 s, then comes the stop, then a kill; a new process begins."""
        self.stream()
        self.peer.says(a_post(1))
        ledger = ledger_path(self.base, "Elections")
        with in_the_way(self.base / "Elections"), capturedLogs():
            self.peer.says(a_post(2))
            self.clock.advance(30)
            halted = Deferred.fromCoroutine(self.session.halt("stopped"))
            settle(self.clock)
            self.clock.advance(1)
        self.clock.advance(RETRY)
        self.successResultOf(halted)
        self.session.retire()
        before, disconnected, after = ledger.read_bytes().partition(b'"kind": "disconnected"')
        ledger.write_bytes(before + disconnected + after.partition(b"\n")[0] + b"\n")
        self.clock.advance(1000)
        self.begin()

    def test_killed_within_a_stop(self) -> None:
        """The next process says when that was, and that nothing is missing since."""
        self.killed_within_a_stop()
        self.session.reopen(JOB)
        (stop,) = self.of_kind("capture_stop")
        self.assertGreater(seconds(stop["at"]) - seconds(stop["since"]), 1000.0)
        gap = self.of_kind("gap")[-1]
        self.assertEqual((gap["cause"], gap["seconds"]), ("disk", 30.0 + IN_FLIGHT))

    def test_killed_within_a_stop_and_started_again(self) -> None:
        """The same, before it begins."""
        self.killed_within_a_stop()
        self.stream()
        kinds = [line["kind"] for line in self.of_kind("capture_start", "capture_stop")]
        self.assertEqual(kinds, ["capture_start", "capture_stop", "capture_start"])
        self.assertEqual(self.of_kind("gap")[-1]["seconds"], 30.0 + IN_FLIGHT)

    def test_new_keywords_while_the_disk_refuses(self) -> None:
        """The connection for them is made when posts can be stored."""
        self.stream()
        with in_the_way(self.base / "Elections"), capturedLogs():
            self.peer.says(a_post(1))
            self.run_job(keyed("dogs"))
            self.clock.advance(100)
            self.assertEqual(self.asked, ["cats"])
        self.clock.advance(RETRY)
        self.assertEqual(self.asked, ["cats", "dogs"])
