"""
A source that is none of Twitter's and no HTTP: lines from a queue in memory.

It has a section of the settings, kinds of messages and a table of its own, and a cursor that its
ledger keeps.  All of it stands in this file: poller, storage, ledger and account take it as it is.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from shutil import rmtree
from typing import Annotated, Any

import attrs
from msgspec import Meta, Struct
from twisted.application.service import Service
from twisted.internet import reactor as _reactor
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.trial.unittest import TestCase

from tcaccount.command import main as tcc_account
from tcclient.captures.poller import Poller
from tcclient.config.settings import Settings, SettingsError, load
from tcclient.ledger.endings import LEFT, STOPPED, Ending
from tcclient.ledger.entries import Connected, Count, Entry, RefusedTerm
from tcclient.ledger.lines import LedgerLine
from tcclient.ledger.vocabulary import Vocabulary
from tcclient.ledger.wording import iso
from tcclient.runtime.keytypes import narrowed
from tcclient.runtime.places import Where
from tcclient.runtime.secrets import Secret
from tcclient.runtime.verdicts import Verdict, ok
from tcclient.service import make_other_sides, make_poller
from tcclient.sources.advice import KeywordAdvice, TermAdvice
from tcclient.sources.source import (
    Check,
    ConfiguredSource,
    Feed,
    Row,
    Source,
    SourceChecks,
    SourceKind,
    SourceReport,
    Subscriber,
    Surroundings,
    Table,
    Understood,
)
from tcclient.storage.postids import NotAnObject, PostIds
from tcsandbox.server import TOKEN, CaptureServer
from tests.scene import Disk, Researcher, until

reactor: Any = _reactor

QUEUES: dict[str, list[bytes]] = {}
"""Name of a queue -> its messages: `post <number> <text>`, `note <text>`, or `end`."""


class QueueSection(Struct, frozen=True, kw_only=True):
    """The section `queue`: which one, and how many messages are taken at once."""

    name: Annotated[str, Meta(description="the name of a queue")]
    at_once: Annotated[int, Meta(ge=1, description="a whole number from 1 up")] = 10


class QueueNote(Entry, frozen=True):
    """The queue says something besides posts."""

    text: str


class QueueCursor(Entry, frozen=True):
    """So many messages of the queue have been taken."""

    position: Count


class QueueIds(PostIds):
    """The number of a post, which stands behind its first word."""

    def find(self, line: bytes) -> str | None:
        """Return the number.  Raises NotAnObject for what is no post."""
        word, _, rest = line.partition(b" ")
        if word != b"post":
            raise NotAnObject
        return rest.split(b" ")[0].decode()

    def made_at(self, post_id: str) -> float | None:
        """Return None: the number does not tell."""


class QueueFeed(Service, Feed):
    """Takes messages from its queue while it is asked to, and keeps the cursor in the ledger."""

    def __init__(self, section: QueueSection, subscriber: Subscriber, clock: IReactorTime) -> None:
        self._section = section
        self._subscriber = subscriber
        self._clock = clock
        self._cursor: int | None = None
        self._next: IDelayedCall | None = None
        self._is_paused = False
        self.parting = False

    @property
    def streaming(self) -> bool:
        """Whether messages are taken."""
        return self._next is not None

    @property
    def quiet(self) -> bool:
        """Whether none are."""
        return self._next is None

    @property
    def silent(self) -> float | None:
        """No time at all while messages are taken."""
        return None if self._next is None else 0.0

    def ask(self, text: str | None) -> Understood:
        """Take messages from where the last feed of this capture left off."""
        archive = self._subscriber.archive
        if archive is not None and self._next is None:
            self._cursor = self._last_position()
            archive.note(Connected(endpoint=self._section.name, status=0, failed_attempts=0))
            archive.capture_log.heard()
            archive.capture_log.in_force(text)
            self._next = self._clock.callLater(0, self._take)
            self._subscriber.opened()
        refused = (RefusedTerm("cats", "a queue has no keywords"),) if text else ()
        return Understood({"from": self._cursor}, refused, is_in_force=True)

    async def cease(self) -> None:
        """Take no more, and note how far it has come."""
        self._stop(LEFT if self.parting else STOPPED)

    def forget(self) -> None:
        """Nothing is left at a queue."""

    def pauseProducing(self) -> None:
        """Take nothing for a while."""
        self._is_paused = True

    def resumeProducing(self) -> None:
        """Take messages again."""
        self._is_paused = False

    def _take(self) -> None:
        archive = self._subscriber.archive
        assert archive is not None and self._cursor is not None
        queue = QUEUES[self._section.name]
        self._next = self._clock.callLater(0.01, self._take)
        if self._is_paused:
            return
        some = queue[self._cursor : self._cursor + self._section.at_once]
        self._cursor += len(some)
        posts = [one for one in some if one.startswith(b"post ")]
        if posts:
            archive.store(posts)
        for one in some:
            if one.startswith(b"note "):
                archive.note(QueueNote(text=one[5:].decode()))
        if b"end" in some:
            self._stop(Ending("drained", "the queue has ended"))

    def _stop(self, ending: Ending) -> None:
        archive, call, self._next = self._subscriber.archive, self._next, None
        if call is not None and archive is not None and self._cursor is not None:
            if call.active():
                call.cancel()
            archive.note(QueueCursor(position=self._cursor))
            archive.capture_log.unheard(ending)

    def _last_position(self) -> int:
        archive = self._subscriber.archive
        known = Vocabulary.of((QueueCursor,))
        for line in () if archive is None else archive.newest_lines(known):
            match line:
                case LedgerLine(entry=QueueCursor(position=position)):
                    return position
        return 0


class QueueSource(Service, Source):
    """Feeds of one queue: each capture gets all of it."""

    most_captures: int | None = None

    def __init__(self, section: QueueSection, clock: IReactorTime) -> None:
        self._section = section
        self._clock = clock
        self._feeds: list[QueueFeed] = []

    def feed_for(self, job_id: int, subscriber: Subscriber) -> QueueFeed:
        """Return a feed of the queue."""
        self._feeds.append(QueueFeed(self._section, subscriber, self._clock))
        return self._feeds[-1]

    def part(self) -> None:
        """Have the feeds say that the client ends."""
        for feed in self._feeds:
            feed.parting = True


@attrs.frozen
class QueueChecks(SourceChecks):
    """Whether there is a queue of that name."""

    _name: str

    @property
    def address(self) -> None:
        """None: nobody listens anywhere."""

    def doubts(self) -> Iterator[str]:
        """Yield a clause about a queue that there is not."""
        if self._name not in QUEUES:
            yield f"there is no queue {self._name!r}"

    def credentials(self, others: Mapping[str, Secret]) -> Verdict:
        """Return that none are needed."""
        return ok("a queue needs none")

    def of_this_machine(self) -> Iterable[tuple[str, Check]]:
        """Return the check that counts the messages."""
        return (("queue", self.messages),)

    def of_the_network(self) -> Iterable[tuple[str, Check]]:
        """Return none."""
        return ()

    async def messages(self) -> Verdict:
        """Return how many messages there are."""
        return ok(f"{len(QUEUES.get(self._name, ()))} messages")


@attrs.frozen
class Queue(ConfiguredSource):
    """A queue, as the settings name it."""

    section: QueueSection
    post_ids: PostIds = attrs.field(factory=QueueIds)

    def make(self, surroundings: Surroundings) -> QueueSource:
        """Return a source that reads the queue by the reactor's clock."""
        return QueueSource(self.section, surroundings.reactor)

    def checks(self, surroundings: Surroundings) -> QueueChecks:
        """Return the checks."""
        return QueueChecks(self.section.name)


class CursorTold(Struct):
    """How far the queue has been taken."""

    position: int = 0


class QueueReport(SourceReport):
    """Counts nothing but what the cursor says."""

    messages: Mapping[str, tuple[str, str]] = {
        "queue_note": ("note of the queue", "notes of the queue")
    }

    def __init__(self) -> None:
        self.told = CursorTold()

    def take(self, line: LedgerLine) -> None:
        """Take the next line of the ledger."""
        if isinstance(line.entry, QueueCursor):
            self.told.position = line.entry.position

    def of_gaps(self) -> Iterator[str]:
        """Yield that a queue has none of its own."""
        yield "  a queue waits meanwhile"

    def not_in_files(self) -> Iterator[str]:
        """Yield how far the queue has been taken."""
        yield f"the queue was taken up to message {self.told.position}"


def cursors(lines: Iterable[LedgerLine]) -> Iterator[Row]:
    """Yield each position of the cursor."""
    yield "at", "position"
    for line in lines:
        if isinstance(line.entry, QueueCursor):
            yield iso(line.at), line.entry.position


class QueueKind(SourceKind):
    """What a registry would have of queues."""

    name = "queue"
    sections: Mapping[str, type[Struct]] = {"queue": QueueSection}
    secret_sections = ()
    entries: tuple[type[Entry], ...] = (QueueNote, QueueCursor)
    post_ids: PostIds = QueueIds()
    tables: Mapping[str, Table] = {"cursors": cursors}

    def is_chosen(self, document: Mapping[str, Any]) -> bool:
        """Return whether there is a section `queue`."""
        return "queue" in document

    def lacking(self, sections: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
        """Yield nothing: the section has no credentials."""
        yield from ()

    def faults(self, sections: Mapping[str, Any]) -> Iterator[tuple[Where, str]]:
        """Yield a fault for a queue without a name."""
        if not sections["queue"].name:
            yield ("queue", "name"), "must be the name of a queue, found an empty string"

    def configured(self, sections: Mapping[str, Any]) -> Queue:
        """Return the queue of the section."""
        return Queue(narrowed(sections["queue"], QueueSection))

    def report(self) -> QueueReport:
        """Return an empty report."""
        return QueueReport()

    def advice(self, text: str | None) -> KeywordAdvice:
        """Return that it takes each word."""
        words = (text or "").split()
        return KeywordAdvice("Queue", tuple(TermAdvice(word, asked=word) for word in words))


KINDS = (QueueKind(),)


class AnotherSourceTests(TestCase):
    """Nothing outside of this file knows of queues."""

    def setUp(self) -> None:
        QUEUES["tea"] = [b"post %d green tea" % n for n in range(25)]
        self.addCleanup(QUEUES.clear)
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        # Ledgers that tests leave are compared with the schema, which has no lines of this source.
        self.addCleanup(rmtree, self.folder)
        self.server = CaptureServer(reactor)
        self.port = self.server.listen(reactor)
        self.addCleanup(self.port.stopListening)
        self.addCleanup(self.server.hang_up)
        self.researcher = Researcher(self.server)
        self.server.store.create("tea", None, 2)
        self.disk = Disk(self.folder / "data")

    def settings(self, **queue: Any) -> Settings:
        """A settings file with a section `queue`."""
        document = {
            "server": {
                "base_url": f"http://127.0.0.1:{self.port.getHost().port}/api/",
                "client_id": self.server.store.worker_id,
                "auth_token": TOKEN,
                "ping_interval": 0.1,
                "update_interval": 0.1,
            },
            "queue": {"name": "tea", **queue},
            "output": {"base_dir": "data", "minute_interval": 60},
        }
        path = self.folder / "settings.json"
        path.write_text(json.dumps(document))
        return load(path, {}, KINDS)

    async def capture(self, until_there_are: int) -> None:
        """Run a client until there are so many posts on the disk, and end it."""
        client: Poller = make_poller(self.settings(), reactor)
        client.startService()
        await until(lambda: len(self.disk.posts("tea")) >= until_there_are)
        await client.stopService()

    def account(self, *arguments: str) -> str:
        """What `tcc-account` prints of the capture."""
        printed = StringIO()
        with redirect_stdout(printed):
            found = self.assertRaises(
                SystemExit, tcc_account, [str(self.disk.base / "tea"), *arguments], KINDS
            )
        self.assertEqual(found.code, 0, printed.getvalue())
        return printed.getvalue()

    async def test_captured_stored_and_accounted_for(self) -> None:
        """All posts are in a file once, over a restart; the rest is in ledger and account."""
        await self.capture(25)
        self.assertEqual(self.researcher.row().status, 3)
        QUEUES["tea"] += [b"note more to come", *(b"post %d tea" % n for n in range(25, 40))]
        await self.capture(40)
        self.assertEqual(self.disk.posts("tea"), [m for m in QUEUES["tea"] if b"post" in m])
        self.assertEqual(self.researcher.row().total_count, 40)
        files = self.disk.ledger("tea", "file")
        self.assertEqual(
            [(f["first_id"], f["last_id"]) for f in files], [("0", "24"), ("25", "39")]
        )
        [asked, again] = self.disk.ledger("tea", "keywords")
        self.assertEqual((asked["asked"], again["asked"]), ({"from": 0}, {"from": 25}))
        summary = self.account()
        self.assertRegex(summary, r"Messages +1 note of the queue")
        self.assertRegex(summary, r"Not in the files +the queue was taken up to message 41")
        self.assertIn("  a queue waits meanwhile\n", summary)
        self.assertEqual(self.account("--verify"), "Everything agrees: 2 files, 40 posts.\n")
        self.assertEqual(self.account("--csv", "cursors").split()[0], "at,position")
        self.assertEqual(self.account("--csv", "cursors").count("\n"), 3)

    async def test_it_ends_by_itself(self) -> None:
        """The gap has the source's own cause."""
        QUEUES["tea"].append(b"end")
        await self.capture(25)
        [end] = self.disk.ledger("tea", "disconnected")
        self.assertEqual((end["cause"], end["detail"]), ("drained", "the queue has ended"))
        self.assertIn("drained", self.account())

    def test_settings(self) -> None:
        """Its section is read as any other, and those of Twitter are unknown beside it."""
        found = self.settings(at_once=3).source
        self.assertEqual(found, Queue(QueueSection(name="tea", at_once=3), post_ids=found.post_ids))
        for queue, words in (
            ({"name": ""}, r"\$\.queue\.name must be the name of a queue, found an empty string"),
            ({"at_once": 0}, r"\$\.queue\.at_once must be a whole number from 1 up, found 0"),
            (
                {"nane": "x"},
                r"\$\.queue\.nane is not a known key, the nearest one is \$\.queue\.name",
            ),
        ):
            error = self.assertRaises(SettingsError, self.settings, **queue)
            self.assertRegex(str(error), words)

    async def test_checks(self) -> None:
        """`--check` prints what the source finds out."""
        settings = self.settings(name="coffee")
        _, source = make_other_sides(settings, reactor)
        self.assertEqual(list(source.doubts()), ["there is no queue 'coffee'"])
        [(subject, check)] = source.of_this_machine()
        self.assertEqual((subject, (await check()).text), ("queue", "0 messages"))
