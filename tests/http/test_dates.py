"""When an answer was made, as its head tells."""

import os

from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from tcclient.http.dates import date_of
from tests.storage.test_slots import NEPAL, set_zone

NOON, DATE = 1_795_780_800.0, "Fri, 27 Nov 2026 12:00:00 GMT"


class DateTests(SynchronousTestCase):
    """On a machine whose time is not that of Greenwich."""

    def setUp(self) -> None:
        self.addCleanup(set_zone, os.environ.get("TZ"))
        set_zone(NEPAL)

    def date(self, *dates: str) -> float | None:
        return date_of(Headers({"Date": dates}))

    def test_all_forms_are_of_greenwich(self) -> None:
        """Also those of old that name no zone."""
        for date in (DATE, "Fri Nov 27 12:00:00 2026", "Fri, 27 Nov 2026 12:00:00 -0000"):
            self.assertEqual(self.date(date), NOON, date)

    def test_answers_that_do_not_tell(self) -> None:
        """Without a date, with two, and with one that is none."""
        self.assertIsNone(date_of(Headers()))
        for dates in ((DATE, DATE), ("",), ("now",), ("Fri, 99 Nov 2026 12:00:00 GMT",), ("\xff",)):
            self.assertIsNone(self.date(*dates), dates)
        self.assertIsNone(self.date("Fri, 27 Nov 99999999999999999999 12:00:00 GMT"))
