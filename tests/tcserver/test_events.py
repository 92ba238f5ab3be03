"""What happened to a capture, in one list, as pages show it."""

import re
from datetime import UTC, datetime, timedelta

from attrs import evolve

from tcclient.health.health import Level
from tcserver.alerts.conditions import AlertKind, AlertVerdict
from tcserver.alerts.services.look import look
from tcserver.captures.services.assign import assign
from tcserver.captures.services.edit import edit
from tcserver.captures.services.note import note_on
from tcserver.captures.services.start import start
from tcserver.captures.services.stop import stop
from tcserver.history.acts import Act
from tests.tcserver.sentledgers import NOON
from tests.tcserver.test_captureaccount import HOSTILE, AccountPageCase

BEGIN = datetime.fromtimestamp(NOON, UTC)


class EventTests(AccountPageCase):
    def what(self, path: str = "events/") -> list[str]:
        """What happened, in the order of the page."""
        found = re.findall(r'data-label="What">([^<]*)', self.get(path))
        return [one.strip() for one in found]

    def later(self, seconds: float) -> Act:
        """A deed of rita's, so long after the ledger began."""
        return evolve(self.world.act(self.world.rita), at=BEGIN + timedelta(seconds=seconds))

    def test_all_of_it(self) -> None:
        """Deeds, gaps, alerts of it and of its client, and keywords in force, the newest first."""
        self.send()
        number, client = self.capture.pk, self.world.client
        assign(number, client.pk, self.later(1))
        start(number, self.later(2))
        edit(number, self.later(3), keywords="cats")
        edit(number, self.later(700), keywords="dogs, 100")
        for minutes in (20, 30):
            about = AlertVerdict(AlertKind.RATE, "capture", number, "test", Level.DOWN, "few")
            machine = AlertVerdict(
                AlertKind.DISK, "client", client.pk, "client1", Level.DOWN, "full"
            )
            look([about, machine], BEGIN + timedelta(minutes=minutes))
        stop(number, self.later(3590))
        note_on(number, HOSTILE, self.later(3600))
        page = self.get("events/")
        for text in ("cats → dogs, 100", "1 min 40 s", "it was so", "full"):
            self.assertIn(text, page)
        self.assertNotIn(HOSTILE, page)
        expected = [
            "noted",
            "stopped",
            "alert: the disk is nearly full",
            "alert: few posts come",
            "re-keyed",
            "gap of 1 min 40 s",
            "re-keyed",
            "started",
            "assigned",
            "keywords in force",
        ]
        found = self.what()
        if found[-1] == "created":  # as where the world's captures have come to this number
            found.pop()
        self.assertEqual(found, expected)
        self.assertEqual(self.what("events/?kind=gaps"), ["gap of 1 min 40 s"])
        self.assertEqual(self.what("events/?kind=keywords"), ["keywords in force"])
        self.assertEqual(len(self.what("events/?kind=alerts")), 2)
        self.assertEqual(self.what("events/?kind=acts")[:2], ["noted", "stopped"])
        self.assertEqual(self.what(""), expected[:10])

    def test_page_by_page(self) -> None:
        """Each once, also those of one moment that a page ends with."""
        for number in range(205):
            # Three of each moment, so that a page of a hundred would part them.
            note_on(self.capture.pk, f"<{number}>", self.later(number // 3))
        address, found = "events/?kind=acts", list[str]()
        while address:
            page = self.get(address)
            found += re.findall(r"&lt;(\d+)&gt;", page)
            more = re.search(r'href="\?([^"]*)">Earlier', page)
            address = f"events/?{more[1]}".replace("&amp;", "&") if more else ""
        self.assertEqual(found, [str(number) for number in reversed(range(205))])

    def test_before_anything(self) -> None:
        """It says that there is nothing, also of what no link asks for."""
        self.assertIn("Nothing happened of this kind yet", self.get("events/?kind=gaps"))
        for asked in ("kind=x", "before=x", "before=-1", f"before={9**30}", "before=²"):
            self.assertEqual(self.what(f"events/?{asked}"), self.what())
