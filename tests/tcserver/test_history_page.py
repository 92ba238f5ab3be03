"""The page of history, as each person may read it, and the page about the server."""

import re
from datetime import timedelta

from tcserver.captures.services.edit import edit
from tcserver.captures.services.plan import plan
from tcserver.history.acts import Act, Party
from tcserver.history.models import Concerned, note
from tests.tcserver.test_website import PageCase
from tests.tcserver.world import START


class HistoryPageTests(PageCase):
    def seen(self, path: str = "/history/") -> list[str]:
        """Of what each entry is, as the page has it."""
        return re.findall(r'data-label="Of"><div>([^<]*)<', self.get(path))

    def test_whose_it_is(self) -> None:
        """Researchers read of their projects, administrators of everything."""
        self.assertIn("capture demo", self.seen())
        self.assertNotIn("person otto", self.seen())
        self.browser = self.world.browser(self.world.otto)
        self.assertNotIn("capture demo", self.seen())
        self.browser = self.world.browser(self.world.admin)
        self.assertIn("person otto", self.seen())

    def test_planned_times(self) -> None:
        """As on other pages, in the reader's zone; what looks like a time in a text is a text."""
        demo, end = self.world.demo.pk, START + timedelta(days=9)
        plan(demo, None, end, self.world.act(self.world.rita, 9))
        edit(demo, self.world.act(self.world.rita, 10), description="2026-12-01T04:19:00Z")
        for path in ("/history/", f"/captures/{demo}/", f"/captures/{demo}/events/"):
            page = self.get(path)
            self.assertIn(f'planned stop:</span> <time datetime="{end.isoformat()}"', page)
            self.assertIn("description:</span> 2026-12-01T04:19:00Z", page)
            self.assertNotIn("planned_stop", page)

    def test_page_by_page(self) -> None:
        """Each entry once, the newest first; a strange number is passed over."""
        act = Act(Party.PERSON, None, "rita", START)
        for number in range(250):
            subject = (Concerned.CAPTURE, 1, f"c{number}")
            note(act, "noted", subject, self.world.project.pk, {})
        path, found = "/history/", []
        while path:
            found += self.seen(path)
            links = re.findall(r'href="(\?before=\d+)"', self.get(path))
            path = f"/history/{links[0]}" if links else ""
        noted = [one for one in found if one.startswith("capture c")]
        self.assertEqual(noted, [f"capture c{number}" for number in reversed(range(250))])
        for before in ("x", "-1", "9" * 40, "\u0663"):
            self.assertEqual(len(self.seen(f"/history/?before={before}")), 100)


class AboutTests(PageCase):
    def test_versions(self) -> None:
        page = self.get("/about/")
        for words in ("MIT", "Django", "public domain", "/healthz", "for 90 days"):
            self.assertIn(words, page)
