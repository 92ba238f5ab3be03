"""Times that accounts are read by: the index of them is used, however many files there are."""

from django.db import connection
from django.test.utils import CaptureQueriesContext
from twisted.trial.unittest import SkipTest

from tcserver.accounts.models import LedgerRecord
from tcserver.accounts.times import times_since
from tests.tcserver.case import DatabaseCase
from tests.tcserver.sentledgers import NOON, gap, send, told_at
from tests.tcserver.test_captureaccount import file


class TimesTests(DatabaseCase):
    def setUp(self) -> None:
        super().setUp()
        job = self.world.demo.pk
        for name in ("a", "b", "c"):
            lines = [told_at(60 * n, gap(60 * n - 1, 60 * n), job) for n in range(1, 40)]
            files = [told_at(60 * n, file(n), job) for n in range(1, 40)]
            send(self.world.client, name, self.world.demo, b"".join([*lines, *files]))
        self.ledgers = list(LedgerRecord.objects.order_by("pk").values_list("pk", flat=True))

    def test_what_is_asked_for(self) -> None:
        """What ended since then, of these ledgers alone, in the order in which it was settled."""
        found = times_since(self.ledgers[:2], NOON + 38 * 60)
        self.assertEqual([one[0] for one in found], sorted(one[0] for one in found))
        self.assertEqual([one[1] for one in found], [self.ledgers[0]] * 2 + [self.ledgers[1]] * 2)
        self.assertEqual({one[3] for one in found}, {"gap"})
        self.assertEqual(times_since([], 0.0), [])

    def test_how(self) -> None:
        """By the index of times, also where the database knows how many rows there are."""
        if connection.vendor != "sqlite":
            raise SkipTest("did not run: it is about SQLite")
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        with CaptureQueriesContext(connection) as asked:
            times_since(self.ledgers, NOON + 38 * 60)
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {asked[0]['sql']}")
            [plan] = [row[3] for row in cursor.fetchall()]
        self.assertIn("USING INDEX times_of_ledger", plan)
