"""What an installation does by itself: once, whichever of its processes does it."""

import threading
from datetime import timedelta
from typing import Any

from django.core.management import call_command
from django.db import OperationalError

from tcserver import working
from tcserver.accounts.ledgerbytes import BLOCK, ledger_bytes
from tcserver.accounts.models import HousekeepingLease, LedgerPiece, LedgerRecord, UpdateRecord
from tcserver.accounts.services.counts import AT_ONCE
from tcserver.accounts.services.fold import STEP
from tcserver.accounts.services.lease import LASTS, end_lease, hold_lease
from tcserver.accounts.services.ledger import append
from tcserver.accounts.services.seal import seal_some
from tcserver.environment import Environment
from tcserver.housekeeping import OFTEN, Housekeeping
from tcserver.working import AFTER_A_FAILURE, PAUSE, WorkThread, keep_at
from tests.tcserver.case import CommittedCase, DatabaseCase
from tests.tcserver.sentledgers import by, many
from tests.tcserver.world import START

HERE = Environment(None, {})


class LeaseTests(DatabaseCase):
    def test_one_at_a_time(self) -> None:
        """Whoever holds the lease renews it; others get it when it is over, or is given up."""
        later = START + LASTS
        self.assertTrue(hold_lease("one", START))
        self.assertFalse(hold_lease("two", START))
        self.assertTrue(hold_lease("one", START + LASTS * 0.9))
        self.assertFalse(hold_lease("two", later))
        self.assertTrue(hold_lease("two", later + LASTS))
        self.assertFalse(hold_lease("one", later + LASTS))
        end_lease("one", later + LASTS)
        self.assertFalse(hold_lease("one", later + LASTS))
        end_lease("two", later + LASTS)
        self.assertTrue(hold_lease("one", later + LASTS))


class SealTests(DatabaseCase):
    def setUp(self) -> None:
        super().setUp()
        self.told = many(4000)
        self.sent = 0

    def send(self, end: int, size: int) -> LedgerRecord:
        """Send pieces of this size up to the byte `end`."""
        while self.sent < end:
            piece = self.told[self.sent : min(end, self.sent + size)]
            append(self.world.client.pk, "x", None, self.sent, piece, by(self.world.client))
            self.sent += len(piece)
        return LedgerRecord.objects.get()

    def read(self, ledger: LedgerRecord, begin: int, end: int) -> bytes:
        """The bytes of a range."""
        return b"".join(ledger_bytes(ledger.pk, begin, end))

    def test_bytes_stay(self) -> None:
        """Many small pieces become few, and read the same, from anywhere to anywhere."""
        ledger = self.send(len(self.told), 1000)
        self.assertEqual(LedgerPiece.objects.count(), -(-len(self.told) // 1000))
        while seal_some():
            pass
        blocks, rest = divmod(len(self.told), BLOCK)
        self.assertEqual(LedgerPiece.objects.count(), blocks + rest // 1000 + 1)
        for begin, end in ((0, len(self.told)), (5, 6), (BLOCK - 1, BLOCK + 1), (BLOCK, BLOCK)):
            self.assertEqual(self.read(ledger, begin, end), self.told[begin:end])
        self.assertEqual(self.read(ledger, len(self.told) - 3, 10**9), self.told[-3:])

    def test_while_it_is_read(self) -> None:
        """Who reads a ledger reads on in what its pieces have become."""
        ledger = self.send(len(self.told), 1000)
        reading = ledger_bytes(ledger.pk, 0, len(self.told))
        read = [next(reading) for _ in range(300)]
        while seal_some():
            pass
        self.assertEqual(b"".join([*read, *reading]), self.told)

    def test_large_pieces(self) -> None:
        """One that goes beyond a block is cut there."""
        self.send(len(self.told), BLOCK * 2 // 3)
        while seal_some():
            pass
        ledger = self.send(len(self.told), 1)
        self.assertEqual(self.read(ledger, 0, len(self.told)), self.told)


class TurnTests(DatabaseCase):
    def test_what_is_done(self) -> None:
        """Ledgers are taken into accounts at once; what is too old is looked for each hour."""
        house = Housekeeping(HERE)
        append(self.world.client.pk, "x", None, 0, many(10), by(self.world.client))
        old = {"capture": self.world.demo, "at": START - timedelta(days=8)}
        UpdateRecord.objects.create(**old)
        self.turns(house, START)
        self.assertEqual(UpdateRecord.objects.count(), 0)
        self.assertEqual(LedgerRecord.objects.get().seen, len(many(10)))
        UpdateRecord.objects.create(**old)
        self.turns(house, START + OFTEN * 0.9)
        self.assertEqual(UpdateRecord.objects.count(), 1)
        self.turns(house, START + OFTEN * 1.1)
        self.assertEqual(UpdateRecord.objects.count(), 0)

    def test_of_two(self) -> None:
        """One does nothing while the other does all."""
        one, two = Housekeeping(HERE), Housekeeping(HERE)
        one.turn(START)
        append(self.world.client.pk, "x", None, 0, many(10), by(self.world.client))
        self.assertFalse(two.turn(START))
        self.assertEqual(LedgerRecord.objects.get().seen, 0)
        one.end(START)
        self.turns(two, START)
        self.assertEqual(LedgerRecord.objects.get().seen, len(many(10)))

    def test_a_few_lines(self) -> None:
        """What clients report all the time has it turn once in a while, and not without a pause."""
        house = Housekeeping(HERE)
        self.turns(house, START)
        for reports, more in ((1, False), (AT_ONCE, True)):
            UpdateRecord.objects.bulk_create(
                UpdateRecord(capture=self.world.demo, at=START, count=1) for _ in range(reports)
            )
            self.assertEqual(house.turn(START), more)
            self.assertEqual(UpdateRecord.objects.filter(counted=False).count(), 0)
        for lines, more in ((10, False), (10 * STEP // len(many(10)), True)):
            append(self.world.client.pk, f"x{lines}", None, 0, many(lines), by(self.world.client))
            self.assertEqual(house.turn(START), more)

    def turns(self, house: Housekeeping, now: Any) -> None:
        """All that is to be done at a time."""
        while house.turn(now):
            pass


class ThreadTests(CommittedCase):
    def test_beside_the_server(self) -> None:
        """New lines are in the account soon; the lease is free when the thread has ended."""
        append(self.world.client.pk, "x", None, 0, many(10), by(self.world.client))
        with WorkThread(Housekeeping(HERE)):
            self.wait_until_seen(len(many(10)))
        self.assertTrue(hold_lease("next", HousekeepingLease.objects.get().until))

    def wait_until_seen(self, seen: int) -> None:
        """Wait until so many bytes are in the account."""
        waiting = threading.Event()
        for _ in range(600):
            if LedgerRecord.objects.get().seen == seen:
                return
            waiting.wait(0.05)
        self.fail("nothing was taken into the account")

    def test_the_command(self) -> None:
        """It does what is to be done, and ends."""
        append(self.world.client.pk, "x", None, 0, many(10), by(self.world.client))
        call_command("housekeeping", once=True)
        self.assertEqual(LedgerRecord.objects.get().seen, len(many(10)))


class Failing(Housekeeping):
    """Has a database that is away in its second and third turn."""

    turns = 0

    def turn(self, now: Any) -> bool:
        """Fail, or have nothing to do."""
        self.turns += 1
        if self.turns in (2, 3):
            raise OperationalError("connection refused\nIs the server running?")
        return False


class FewTurns(threading.Event):
    """Is set after five turns; waits for nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        """Whether there were five turns."""
        self.waits.append(timeout)
        return len(self.waits) > 5


class FailureTests(CommittedCase):
    def test_it_goes_on(self) -> None:
        """What fails is tried again a little later, and said once, as is that it works again."""
        stop = FewTurns()
        with self.assertLogs(working.log) as said:
            keep_at(Failing(HERE), stop)
        self.assertEqual(stop.waits, [0.0, PAUSE, AFTER_A_FAILURE, AFTER_A_FAILURE, PAUSE, PAUSE])
        self.assertEqual(
            [record.getMessage() for record in said.records],
            [
                "The housekeeping: it is tried again: OperationalError: connection refused",
                "The housekeeping: it goes on.",
            ],
        )
