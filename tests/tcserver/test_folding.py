"""The account of a capture on the server is that of its ledgers, however these came."""

import shutil
from collections.abc import Callable, Sequence
from hashlib import sha256
from itertools import count
from pathlib import Path

import msgspec
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.logger import capturedLogs

from tcaccount.folder import find
from tcaccount.index import Index, read_index
from tcclient.runtime.backwards import MOST_BYTES
from tcserver.accounts.account import account_of
from tcserver.accounts.coverage import covered
from tcserver.accounts.folding import FOLD_VERSION, Folding, FoldState
from tcserver.accounts.models import AccountPart, LedgerFolding, LedgerRecord
from tcserver.accounts.services import fold as service
from tcserver.accounts.services.fold import (
    STEP,
    FoldStep,
    Superseded,
    begin_anew,
    begin_outdated_anew,
    fold_some,
)
from tcserver.accounts.services.ledger import append
from tcserver.captures.models import Assignment, CaptureRecord
from tests import DEPTH
from tests.ledger.histories import JOB, Machine
from tests.ledger.test_histories import histories
from tests.tcserver.case import DatabaseCase
from tests.tcserver.sentledgers import (
    NOON,
    READING,
    by,
    content,
    fold_all,
    id_of,
    in_folder,
    ledger,
    many,
    of_server,
    send,
    told_at,
    words,
)
from tests.tcserver.world import START

Event = Callable[[Machine], None]
cuts = st.lists(st.integers(0, 1 << 20), max_size=8)


class SentLedgerCase(DatabaseCase):
    """A machine whose job is a capture of the server, `capture`, beside the capture `other`."""

    def setUp(self) -> None:
        super().setUp()
        # The database numbers those that come after it.
        numbered = (self.world.capture(f"other{n}") for n in count())
        self.other = next(one for one in numbered if one.pk > JOB.id)
        CaptureRecord.objects.filter(pk=JOB.id).delete()
        self.capture = CaptureRecord.objects.create(
            pk=JOB.id, name="test", project=self.world.project, created_at=START, modified_at=START
        )
        self.had_by(self.world.client)

    def had_by(self, client: object) -> None:
        """The client has had the capture."""
        Assignment.objects.create(capture=self.capture, client=client, since=START)

    def machine(self, events: Sequence[Event]) -> Machine:
        """A machine on which these events have happened."""
        place = Path(self.mktemp())
        machine = Machine(place)
        self.addCleanup(shutil.rmtree, place, ignore_errors=True)
        with capturedLogs():
            for event in events:
                event(machine)
        return machine

    def send_all(self, machine: Machine, cuts: Sequence[int] = ()) -> None:
        """Its client sends the capture's ledger, and that of no capture."""
        send(self.world.client, "capture", self.capture, content(machine.ledger), cuts)
        send(self.world.client, "none", None, content(find(machine.ledger.parent).index), cuts)

    def in_folder(self, machine: Machine) -> tuple[list[str], dict[str, object]]:
        """What tcc-account says of its folder."""
        folder = machine.ledger.parent
        return words(in_folder(folder, read_index(find(folder).index, READING.vocabulary)))


class AgreesTests(SentLedgerCase):
    @given(histories, cuts)
    @settings(max_examples=25 * DEPTH)
    def test_in_pieces(self, events: Sequence[Event], cuts: Sequence[int]) -> None:
        """Any history, sent in any pieces, is what tcc-account makes of the folder."""
        LedgerRecord.objects.all().delete()
        machine = self.machine(events)
        try:
            if machine.ledger.exists():
                self.send_all(machine, cuts)
                self.assertEqual(words(of_server(self.capture)), self.in_folder(machine))
                self.assertEqual(LedgerFolding.objects.exclude(failure="").count(), 0)
                begin_anew(LedgerRecord.objects.values_list("pk", flat=True))
                fold_all()
                self.assertEqual(words(of_server(self.capture)), self.in_folder(machine))
        finally:
            with capturedLogs():
                machine.leave()

    def test_a_ledger_that_follows(self) -> None:
        """One that begins anew goes on from the one before, whichever of them comes first."""
        machine = self.machine([Machine.start, Machine.hear, Machine.post, Machine.wait])
        first = content(machine.ledger)
        for event in (Machine.remove_ledger, Machine.lose, Machine.wait, Machine.hear):
            event(machine)
        second = content(machine.ledger)
        machine.leave()
        place = Path(self.mktemp()) / "test"
        place.mkdir(parents=True)
        (place / "test.ledger.2023-11.jsonl").write_bytes(first)
        (place / "test.ledger.jsonl").write_bytes(second)
        expected = words(in_folder(place, Index(True)))
        for names in (("first", "second"), ("second", "first")):
            LedgerRecord.objects.all().delete()
            for name in names:
                ledger = {"first": first, "second": second}[name]
                send(self.world.client, id_of(ledger), self.capture, ledger, [300, 700])
            self.assertEqual(words(of_server(self.capture)), expected)

    def test_of_several_clients(self) -> None:
        """Posts are missing while they are wanted and neither client hears them."""
        one = ledger((0, "start"), (10, "heard"), (100, "lost"))
        two = ledger((150, "start"), (160, "heard"), (400, "stop"))
        self.had_by(self.world.stranger)
        send(self.world.client, "one", self.capture, one)
        send(self.world.stranger, "two", self.capture, two)
        one += ledger((300, "heard"), (400, "stop"), begin=99.75)
        send(self.world.client, "one", self.capture, one)
        subject = of_server(self.capture)
        [share] = subject.shares()
        self.assertEqual((share.wanted, share.missing), (400, 10 + 60.25))
        gaps = [(gap.begin - NOON, gap.end - NOON) for gap in subject.record.gaps()]
        self.assertEqual(gaps, [(0, 10), (99.75, 160), (150, 160)])

    def test_of_a_time(self) -> None:
        """Coverage between two times is that of the whole account there."""
        one = ledger((0, "start"), (10, "heard"), (100, "lost"), (200, "heard"), (400, "stop"))
        one += ledger((500, "start"), (510, "heard"), (600, "lost"), begin=500)
        send(self.world.client, "one", self.capture, one)
        for begin, end, wanted, missing in (
            (0, 1000, 500, 10 + 100.25 + 10 + 0.25),
            (0, 5, 5, 5),
            (50, 150, 100, 50.25),
            (150, 300, 150, 50),
            (450, 505, 5, 5),
            (420, 480, 0, 0),
        ):
            share = covered([self.capture], NOON + begin, NOON + end)[self.capture.pk]
            self.assertEqual((share.wanted, share.missing), (wanted, missing), (begin, end))
        self.assertEqual(covered([self.other], NOON, NOON + 1), {})

    def test_a_client_that_never_had_it(self) -> None:
        """Says nothing of a capture."""
        lines = ledger((0, "start"), (10, "heard"))
        send(self.world.stranger, "lie", None, lines)
        self.assertIsNone(account_of(self.capture))


class FoldCostTests(SentLedgerCase):
    def test_a_line_more(self) -> None:
        """It is all that is read, and what is read and written besides does not grow."""
        costs = []
        told = b""
        for lines in (10, 3000):
            told += many(lines)
            send(self.world.client, "long", self.capture, told)
            one = ledger((9e6, "heard"))
            append(self.world.client.pk, "long", None, len(told), one, by(self.world.client))
            told += one
            with CaptureQueriesContext(connection) as seen:
                self.assertEqual(fold_some(), len(one))
            state = LedgerFolding.objects.get().state
            assert state is not None
            costs.append((len(seen.captured_queries), len(bytes(state)) // 100))
        self.assertEqual(costs[0], costs[1])
        self.assertLess(costs[0][0], 20)

    def test_in_bounded_steps(self) -> None:
        """A long ledger is taken step by step, and each step is bounded."""
        told = many(6000)
        append(self.world.client.pk, "long", None, 0, told, by(self.world.client))
        steps = []
        while taken := fold_some():
            steps.append(taken)
        self.assertEqual(sum(steps), len(told))
        self.assertGreater(len(steps), 2)
        self.assertLessEqual(max(steps), STEP)


class TwiceTests(SentLedgerCase):
    def test_each_line_once(self) -> None:
        """Of two who go on from the same state one is refused."""
        append(self.world.client.pk, "x", None, 0, many(50), by(self.world.client))
        ledger = LedgerRecord.objects.get()
        ours, theirs = FoldStep.of(ledger), FoldStep.of(ledger)
        ours.take()
        with self.assertRaises(Superseded):
            theirs.take()
        self.assertEqual(AccountPart.objects.filter(kind="gap").count(), 50)

    def test_a_new_release(self) -> None:
        """What an earlier one made of ledgers is made anew; what a later one made is let be."""
        machine = self.machine([Machine.start, Machine.hear, Machine.post, Machine.leave])
        self.send_all(machine)
        LedgerFolding.objects.update(version=0, state=b"of another form")
        begin_outdated_anew()
        fold_all()
        self.assertEqual(words(of_server(self.capture)), self.in_folder(machine))
        LedgerFolding.objects.update(version=FOLD_VERSION + 1)
        LedgerRecord.objects.update(seen=0)
        begin_outdated_anew()
        self.assertEqual(fold_some(), 0)

    def test_the_version(self) -> None:
        """
        It stands for what these lines come to.  If this fails because the state or its meaning has
        changed, raise FOLD_VERSION, and add what it stands for.
        """
        folding = Folding(FoldState.empty())
        told = ledger((0, "start"), (10, "heard"), (100, "lost"), (200, "left")) + b"broken\n"
        parts = folding.take(told)
        found = sha256(msgspec.json.encode(parts) + folding.state.encode()).hexdigest()
        self.assertEqual(found[:16], {2: "95f1461a298e8f9a"}[FOLD_VERSION])


class DamageTests(SentLedgerCase):
    def test_lines_that_cannot_be_read(self) -> None:
        """They are counted, named, and do not keep the others from being read."""
        good = ledger((0, "start"), (10, "heard"))
        bad = [
            b"no JSON",
            b'{"at":"2026-06-01T10:00:00.000Z","kind":"clock_step","seconds":1e999}',
            b'{"at":"2026-06-01T10:00:00.000Z","kind":"clock_step","seconds":NaN}',
            b'{"at":"2026-06-01T10:00:00.000Z","kind":"clock_step","seconds":1,"job":'
            + b"9" * 40
            + b"}",
            b'{"at":"2026-06-01T10:00:00.000Z","kind":"not_stored","posts":1,"reason":"\\ud800"}',
            b"\xff\xfe",
            b"",
        ]
        data = good + b"".join(one + b"\n" for one in bad) + ledger((50, "stop"))
        send(self.world.client, "bad", self.capture, data, [70, 300])
        account = account_of(self.capture)
        assert account is not None
        self.assertEqual(len(account.unreadable), len(bad))
        self.assertEqual(account.subject.record.unread, len(bad))
        self.assertEqual(account.subject.shares()[0].wanted, 50)
        self.assertEqual(LedgerFolding.objects.get().failure, "")

    def test_a_state_that_cannot_be_read(self) -> None:
        """Its ledger is left alone, and why is said once; the others go on."""
        send(self.world.client, "bad", self.capture, many(2))
        LedgerFolding.objects.update(state=b"nothing of ours")
        append(self.world.client.pk, "bad", None, len(many(2)), many(1), by(self.world.client))
        with self.assertLogs(service.log) as said:
            send(self.world.client, "good", self.capture, ledger((0, "start")))
        self.assertEqual(len(said.output), 1)
        self.assertIn("DecodeError", LedgerFolding.objects.get(ledger__name="bad").failure)
        self.assertEqual(fold_some(), 0)
        self.assertEqual(LedgerFolding.objects.get(ledger__name="good").failure, "")

    def test_a_line_longer_than_any(self) -> None:
        """It is passed over in pieces, and counts as one."""
        folding = Folding(FoldState.empty())
        for data in (b"x" * MOST_BYTES, b"y" * 1000, b"z\n" + ledger((0, "start"))):
            folding.take(data)
        record = folding.state.record
        self.assertEqual((record.unread, record.number), (1, 2))
        self.assertEqual(folding.state.position, MOST_BYTES + 1002 + len(ledger((0, "start"))))

    def test_a_month_that_was_changed(self) -> None:
        """Each file of a ledger says what the one before was."""
        first = ledger((0, "begin"), (0, "start"), (10, "heard"))
        digest = sha256(first).hexdigest()
        for altered, expected in ((first, []), (first.replace(b"cats", b"dogs"), [CHANGED])):
            LedgerRecord.objects.all().delete()
            begin = {"ledger": "a", "offset": len(first), "before": "x.jsonl", "sha256": digest}
            data = altered + told_at(20, {"kind": "ledger_begin", **begin}) + ledger((30, "stop"))
            send(self.world.client, "a", self.capture, data, [len(first) + 10])
            account = account_of(self.capture)
            assert account is not None
            self.assertEqual(account.broken, expected)


CHANGED = "x.jsonl is not what was written: its SHA-256 is another one."
