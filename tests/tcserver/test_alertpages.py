"""The pages of alerts and channels: what is wrong, what was, who is told and how that went."""

import html
import re
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tcclient.health.health import Level
from tcserver.alerts.conditions import AlertKind, AlertVerdict
from tcserver.alerts.models import AlertChannel, Notification
from tcserver.alerts.sending import NO_MAIL, Sender
from tcserver.alerts.services.deliver import deliver_some
from tcserver.alerts.services.look import look
from tcserver.alerts.webhooks import key_of, written_key
from tcserver.alertsettings import AlertSettings
from tcserver.history.models import HistoryEntry
from tests.tcserver.test_website import HOSTILE, PageCase
from tests.tcserver.world import START

ANN = {"kind": "email", "target": "ann@example.org", "at_once": "on", "digest": "none"}
NEW, ALL = "/alerts/channels/new/", "/alerts/"


class AlertPageTests(PageCase):
    def found(self, state: Level, reason: str = "no byte came", minutes: int = 0) -> None:
        """Somebody looks, and finds the capture demo like this."""
        demo = self.world.demo
        one = AlertVerdict(AlertKind.GAP, "capture", demo.pk, demo.name, state, reason)
        look([one], timezone.now() - timedelta(minutes=10 - minutes))

    def test_nothing_is_wrong(self) -> None:
        """A page says so, and what an administrator does first."""
        self.assertIn("Nothing is wrong with your clients and captures", self.get(ALL))
        self.assertNotIn("New channel", self.get(ALL))
        self.browser = self.world.browser(self.world.admin)
        self.assertIn("Nobody is told", self.get(ALL))

    def test_what_is_wrong_and_was(self) -> None:
        """It stands on the page of alerts and on that of the capture, until it is over."""
        self.found(Level.DOWN)
        for path in (ALL, self.demo):
            page = self.get(path)
            self.assertIn("posts are missing", page)
            self.assertIn("no byte came", page)
        self.found(Level.OK, minutes=1)
        self.found(Level.OK, minutes=5)
        page = self.get(self.demo)
        self.assertNotIn("All alerts", page)
        self.assertIn("over: posts are missing", page)
        page = self.get(ALL)
        self.assertIn("Nothing is wrong", page)
        self.assertEqual(page.count("posts are missing"), 2)

    def test_of_a_client(self) -> None:
        """It stands on the page of the client, and on those of its captures."""
        client = self.world.client
        bad = AlertVerdict(AlertKind.TWICE, "client", client.pk, client.name, Level.DOWN, "two")
        look([bad], timezone.now())
        for path in (self.lab, self.demo, ALL):
            self.assertIn("two clients use one token", self.get(path))
        self.browser = self.world.browser(self.world.otto)
        self.assertNotIn("one token", self.get(ALL))

    def test_hostile_words(self) -> None:
        """They are text."""
        self.found(Level.DOWN, HOSTILE)
        for path in (ALL, self.demo):
            self.assertNotIn("<script>", self.get(path))
            self.assertIn(html.escape("<script>alert(1)</script>"), self.get(path))


class ChannelPageTests(PageCase):
    def setUp(self) -> None:
        super().setUp()
        self.browser = self.world.browser(self.world.admin)

    def made(self, **fields: str) -> AlertChannel:
        """A channel that the form makes."""
        self.post(NEW, NEW, 200 if fields.get("kind") == "webhook" else 302, **ANN | fields)
        return AlertChannel.objects.latest("pk")

    def test_a_mail_channel(self) -> None:
        """It is made, tried, switched off and on, and removed; history has all of it."""
        channel = self.made()
        path = f"/alerts/channels/{channel.pk}/"
        self.post(f"{path}test/", path)
        deliver_some(Sender(AlertSettings(), "s" * 40, lambda: START), self.later)
        page = self.get(path)
        self.assertIn("A test message", page)
        self.assertIn(NO_MAIL, page)
        self.assertIn("failing", page)
        self.post(f"{path}off/", path)
        self.assertIn("by admin", self.get(ALL))
        self.post(f"{path}on/", path)
        self.post(f"{path}remove/", path)
        self.get(path, 404)
        acts = HistoryEntry.objects.filter(subject="channel").order_by("pk")
        self.assertEqual(
            [(entry.act, entry.party_name) for entry in acts],
            [
                (act, "admin")
                for act in ("created", "tested", "switched off", "switched on", "removed")
            ],
        )

    def later(self) -> object:
        """When the message is due for sure."""
        return Notification.objects.latest("pk").created_at + timedelta(seconds=1)

    def test_a_webhook(self) -> None:
        """Its key is shown once, and what may be secret of its address never again."""
        fields = ANN | {"kind": "webhook", "target": "https://hooks.example/T0/s3cr3t"}
        page = self.post(NEW, NEW, 200, **fields).content.decode()
        channel = AlertChannel.objects.get()
        key = written_key(key_of(settings.TOKEN_KEY, channel.salt))
        self.assertIn(key, html.unescape(page))
        path = f"/alerts/channels/{channel.pk}/"
        for seen in (self.get(path), self.get(ALL)):
            self.assertIn("https://hooks.example/…", seen)
            self.assertNotIn("s3cr3t", seen)
            self.assertNotIn("whsec_", seen)
        page = self.post(f"{path}key/", path, 200).content.decode()
        [another] = re.findall("whsec_[^<]+", html.unescape(page))
        self.assertNotEqual(another, key)

    def test_what_is_refused(self) -> None:
        """Each in words, beside the field."""
        for fields, said in (
            ({"target": "ann"}, "Type an e-mail address"),
            ({"target": "a@b.c, d@e.f"}, "Type an e-mail address"),
            ({"target": "a@b.c\r\nBcc: d@e.f"}, "Type an e-mail address"),
            ({"kind": "webhook", "target": "ftp://x.example/"}, "Type an address"),
            ({"kind": "webhook", "target": "http://u:p@x.example/"}, "Type an address"),
            ({"kind": "webhook", "target": "http://127.0.0.1/"}, "inside of the server"),
            ({"kind": "webhook", "target": "http://[::1]:9/"}, "inside of the server"),
            ({"at_once": ""}, "Choose each change, a summary, or both"),
        ):
            page = self.post(NEW, NEW, 200, **ANN | fields).content.decode()
            self.assertIn(said, page)
        self.assertFalse(AlertChannel.objects.exists())

    def test_questions(self) -> None:
        """Pages ask the database as often for many deliveries as for few."""
        channel = self.made()
        path = f"/alerts/channels/{channel.pk}/"
        self.post(f"{path}test/", path)
        few = self.asked(path)
        for _ in range(5):
            self.post(f"{path}test/", path)
        self.assertEqual(self.asked(path), few)

    def asked(self, path: str) -> int:
        """How often a page asks the database."""
        with CaptureQueriesContext(connection) as asked:
            self.get(path)
        return len(asked)
