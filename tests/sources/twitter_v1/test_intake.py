"""What becomes of each kind of message: the disk, the account, the connection."""

import json
from pathlib import Path
from typing import Any

from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from benchmarks.posts import v1_posts
from tcclient.control.jobs import Job
from tcclient.ledger.endings import Ending
from tcclient.runtime.backoff import Trouble
from tcclient.sources.again import Again
from tcclient.sources.twitter_v1.api import DUPLICATE
from tcclient.sources.twitter_v1.intake import Intake
from tcclient.sources.twitter_v1.limits import Undelivered
from tcclient.storage.archive import Archive
from tcclient.storage.folders import Folders
from tcclient.storage.slots import Naming
from tcclient.stream.framing import Overlong
from tests.ledger.told import told
from tests.peers import clock_at

POST = b'{"id_str":"1","text":"caf\xc3\xa9","user":{}}'
JOB = Job(7, "Elections", 3, None, 0, 1, False, None)


def a_post(number: int) -> bytes:
    """The post of that number, as bytes."""
    return json.dumps({"id_str": str(number), "text": "x", "user": {"id": 1}}).encode()


class IntakeTestCase(SynchronousTestCase):
    """An intake into a real folder, whose endings are kept."""

    def setUp(self) -> None:
        self.clock = clock_at()
        self.base = Path(self.mktemp())
        folders = Folders(
            self.base, Naming("", utc=True), "http://server/", self.clock, self.clock.seconds
        )
        self.archive: Archive = folders.open(JOB)
        self.folder = self.base / "Elections"
        self.endings: list[Ending] = []
        again = Again(self.archive.note, self.clock)
        self.intake = Intake(self.endings.append, Undelivered(), again)
        self.addCleanup(self._end)

    def _end(self) -> None:
        self.archive.close()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def take(self, *messages: bytes | Overlong) -> None:
        """They arrive together."""
        self.intake.take(self.archive, list(messages))

    def lines(self) -> list[bytes]:
        """What is in the data file."""
        return [
            line
            for path in sorted(self.folder.glob("*.json.tmp"))
            for line in path.read_bytes().splitlines()
        ]

    def account(self, folder: Path | None = None) -> list[dict[str, Any]]:
        """The ledger's lines after its opening; Python's words for numbers that JSON lacks fail."""
        path = (folder or self.folder) / "Elections.ledger.jsonl"
        json.loads(f"[{','.join(path.read_text().splitlines())}]", parse_constant=self.fail)
        return told(path)[1:]


class PostTests(IntakeTestCase):
    """Posts are stored and counted."""

    def test_bytes_untouched(self) -> None:
        """A line each, in order, whatever lies between them; on the disk when it returns."""
        posts = [POST, b'{"user":{} , "text":"\\ud800","id_str":"2"}', a_post(3)]
        self.take(posts[0], b'{"limit":{"track":1}}', posts[1], b"no json", posts[2])
        self.assertEqual(self.lines(), posts)
        self.assertEqual(self.archive.tally.posts, 3)

    def test_nothing_but_posts_in_the_data(self) -> None:
        """Without a post there is no file."""
        self.take(b'{"limit":{"track":1}}', b"[]", b"1", Overlong(5, b"x"))
        self.assertEqual((self.lines(), self.archive.tally.posts), ([], 0))

    def test_everything_in_front_of_a_disconnect(self) -> None:
        """And behind it, where it came in the same piece."""
        self.take(a_post(1), b'{"disconnect":{"code":5}}', a_post(2))
        self.assertEqual(self.archive.tally.posts, 2)
        self.assertEqual(len(self.endings), 1)


class TogetherTests(IntakeTestCase):
    """Messages that have run together in one line."""

    def test_two_posts(self) -> None:
        """Are two, in order with the others, however they are written; the text may look alike."""
        looks_alike = POST[:-1] + b',"x":"}{"}'
        as_sent = next(v1_posts(1)).strip()
        for first, second in ((POST, a_post(2)), (looks_alike, POST), (as_sent, as_sent)):
            before = self.lines()
            self.take(a_post(1), first + second, a_post(3))
            self.assertEqual(self.lines()[len(before) :], [a_post(1), first, second, a_post(3)])
        self.assertEqual(self.archive.tally.posts, 12)

    def test_a_post_and_something_else(self) -> None:
        """Each is what it would be by itself."""
        self.take(a_post(1) + b'{"limit":{"track":7}}' + a_post(2) + b'{"disconnect":{"code":5}}')
        self.assertEqual(self.lines(), [a_post(1), a_post(2)])
        self.assertEqual([line["kind"] for line in self.account()], ["limit", "disconnect"])
        self.assertEqual(len(self.endings), 1)

    def test_something_between_them(self) -> None:
        """Is no message, and is quoted."""
        for between in (b" ", b",", b"x", b"}", b"\r"):
            line = a_post(1) + between + a_post(2)
            self.take(line)
            noted = self.account()[-1]
            self.assertEqual((noted["kind"], noted["bytes"]), ("refused", len(line)))
        self.assertEqual(self.lines(), [])


class ControlMessageTests(IntakeTestCase):
    """Everything else goes into the account."""

    def test_every_kind(self) -> None:
        """Under its own name, whole."""
        for kind, content in {
            "delete": {"status": {"id": 12, "id_str": "12", "user_id": 3, "user_id_str": "3"}},
            "scrub_geo": {"user_id": 14, "up_to_status_id": 23},
            "limit": {"track": 1234, "timestamp_ms": "1700000000000"},
            "status_withheld": {"id": 1, "user_id": 2, "withheld_in_countries": ["DE", "AR"]},
            "user_withheld": {"id": 1, "withheld_in_countries": ["DE"]},
            "warning": {"code": "FALLING_BEHIND", "message": "full", "percent_full": 60},
        }.items():
            message = {kind: content}
            self.take(json.dumps(message).encode())
            line = self.account()[-1]
            self.assertEqual((line["kind"], line["job"], line["message"]), (kind, 7, message))
        self.take(b'{"event":"user_update","source":{},"target":{}}')
        self.assertEqual(self.account()[-1]["kind"], "event")
        self.assertEqual(self.endings, [])

    def test_unknown(self) -> None:
        """New kinds, and JSON that is no object."""
        for message in ({"new": 1}, {}, [], [1], 1, None, "text", {"id_str": "1", "text": "x"}):
            self.take(json.dumps(message).encode())
            line = self.account()[-1]
            self.assertEqual((line["kind"], line["message"]), ("unknown", message))

    def test_odd_contents(self) -> None:
        """A message of a known kind in a strange shape is noted, and harms nothing."""
        for message in (
            *(b'{"limit":null}', b'{"disconnect":7}', b'{"warning":[]}', b'{"delete":{}}'),
            *(b'{"disconnect":{"code":{}}}', b'{"disconnect":{"code":[1]}}'),
            *(b'{"limit":{"track":"\\ud800"}}', b'{"limit":' + b"9" * 5000 + b"}"),
        ):
            before = len(self.account())
            self.take(message)
            self.assertEqual(len(self.account()), before + 1, message)

    def test_any_depth(self) -> None:
        """However deep its brackets, one message cannot break the connection."""
        for depth in (10, *range(880, 1010), 5_000, 100_000):
            before = len(self.account())
            self.take(b'{"limit":' + b"[" * depth + b"]" * depth + b"}")
            self.assertEqual(len(self.account()), before + 1, depth)


class RefusedLineTests(IntakeTestCase):
    """What cannot be a message costs a line, and nothing else."""

    def test_not_json(self) -> None:
        """Its length, and how it begins."""
        for line in (
            *(b"garbage", b"{", b'{"a":1} x', b"\xff\xfe", b"NaN", b"\x00", b'{"text":"\xe9"}'),
            b"x" * 5000,
        ):
            self.take(line)
            noted = self.account()[-1]
            self.assertEqual((noted["kind"], noted["reason"]), ("refused", "not JSON"))
            self.assertEqual(noted["bytes"], len(line))
            self.assertLessEqual(len(noted["begins"]), 800)

    def test_too_long(self) -> None:
        """Its length, and as much of its beginning as there is; the post behind it is stored."""
        self.take(Overlong(2_000_000, b'{"id_str"'), a_post(1))
        noted = self.account()[0]
        self.assertEqual(
            (noted["reason"], noted["bytes"], noted["begins"]), ("too long", 2_000_000, '{"id_str"')
        )
        self.assertEqual(self.lines(), [a_post(1)])

    def test_said_once_a_connection(self) -> None:
        """The log is not filled by a stream of rubbish; the next connection is news again."""
        with capturedLogs() as events:
            self.take(*[b"rubbish"] * 10)
            self.assertEqual(len(events), 1)
            self.take(Overlong(2_000_000, b"x"))
            self.assertEqual(len(events), 2)
            self.intake.opened()
            self.take(b"rubbish")
            self.assertEqual(len(events), 3)
        self.assertEqual(len(self.account()), 12)


class EndingTests(IntakeTestCase):
    """Messages that end the connection."""

    def test_disconnects(self) -> None:
        """Each code with its meaning, and the trouble it announces."""
        for code, word, trouble in (
            (1, "shut down", None),
            (2, "too many streams", DUPLICATE),
            (4, "too slowly", None),
            (6, "revoked", Trouble.REFUSED),
            (7, "another client", DUPLICATE),
            (12, "shed", Trouble.HTTP),
            (99, "99", None),
            (None, "None", None),
            ("7", "None", None),
            (True, "None", None),
        ):
            self.take(json.dumps({"disconnect": {"code": code, "reason": "x"}}).encode())
            ending = self.endings[-1]
            self.assertEqual((ending.cause, ending.trouble), ("disconnect", trouble), code)
            self.assertIn(word, ending.detail)
            self.assertEqual(self.account()[-1]["kind"], "disconnect")

    def test_connection_limit(self) -> None:
        """A line of plain text that Twitter has sent."""
        self.take(b"Exceeded connection limit for user")
        self.assertEqual(self.account()[-1]["kind"], "connection_limit")
        self.assertEqual(self.endings[0].trouble, DUPLICATE)
