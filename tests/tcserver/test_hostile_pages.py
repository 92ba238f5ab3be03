"""
Hostile values in all that a person or a client can set, on every page, in mails and in webhooks.

A page may have other words for them, and nothing else: no element, no attribute, no header.
"""

import html
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from html.parser import HTMLParser
from itertools import product
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.db import transaction
from django.test import Client as Browser
from django.utils import timezone
from twisted.trial.unittest import SynchronousTestCase

from tcclient.control.reports import Glimpse, Glimpses
from tcclient.health.health import Level
from tcserver.alerts.conditions import AlertKind, AlertVerdict
from tcserver.alerts.deliveries import OutgoingMessage
from tcserver.alerts.mail import letter
from tcserver.alerts.models import AlertChannel, DeliveryAttempt, Notification
from tcserver.alerts.services.look import look
from tcserver.alerts.turning import NewsKind
from tcserver.alerts.webhooks import body_of, signed
from tcserver.alerts.wording import AlertChange, Told, digest, switched_off, told
from tcserver.captures.glimpses import keep
from tcserver.captures.glimpses import look as look_at_posts
from tcserver.captures.models import CaptureRecord
from tcserver.captures.services.edit import edit
from tcserver.captures.services.note import note_on
from tcserver.fleet.models import Client, ClientSession, Token
from tcserver.history.acts import Act, Party
from tcserver.people.models import ApiKey, Project, User
from tcserver.website.urls import urlpatterns
from tests.tcserver.sentledgers import KINDS, gap, send, told_at
from tests.tcserver.test_hostile import HOSTILE
from tests.tcserver.test_matrix import MatrixCase, page_rows
from tests.tcserver.world import PASSWORD, START

HARMLESS = "words"
ADDRESSES = frozenset(("href", "src", "action", "formaction", "hx-get", "hx-post"))
HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version",
    "Content-Type", "Content-Transfer-Encoding",
}  # fmt: skip
MOVING = "".join(map(chr, (0, 7, 27, 0x202A, 0x202E, 0x2066, 0x2069, 0x2028)))
"""Characters that no line of a message has: they move or hide other text."""


class Skeleton(HTMLParser):
    """What a page is made of but its words; what leads away from this site is `elsewhere`."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.parts: set[tuple[str, tuple[str, ...]]] = set()
        self.elsewhere: set[str] = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.parts.add((tag, tuple(sorted(name for name, _ in attrs))))
        for name, value in attrs:
            if name in ADDRESSES:
                self.elsewhere |= {(value or "")} if any(urlsplit(value or "")[:2]) else set()


class EveryPageTests(MatrixCase):
    def test_every_value_on_every_page(self) -> None:
        """Each page with hostile values is the page with harmless ones but for its words."""
        expected: defaultdict[str, set[Any]] = defaultdict(set)
        for text in (HARMLESS, "x" * 65536):  # keywords that are understood, and that are not
            for address, got in self.pages_with(text):
                expected[address] |= Skeleton(got.content.decode()).parts
        self.assertGreater(len(expected), 20)
        shown = 0
        for text in HOSTILE:
            for address, got in self.pages_with(text):
                page = got.content.decode()
                shown += page.count(html.escape(HOSTILE[0]))
                skeleton = Skeleton(page)
                self.assertEqual(skeleton.parts - expected[address], set(), (address, text[:30]))
                self.assertEqual(skeleton.elsewhere, set(), (address, text[:30]))
                self.assertNotIn("49", page[page.index("<title>") : page.index("</title>")])
                self.assertLess(len(page), 1_500_000, address)
        self.assertGreater(shown, 70)

    def test_every_value_in_what_is_asked(self) -> None:
        """In parameters, in what a form sends that cannot be taken, and where a log-in leads."""
        browser, hidden = self.world.browser(self.world.admin), self.hidden
        capture = f"/captures/{hidden.capture.pk}/"
        asked = [
            ("/captures/", ("q", "show", "sort", "page")),
            (capture, ("span",)),
            (f"{capture}account/", ("files",)),
            (f"{capture}events/", ("kind", "before")),
            ("/captures/new/", ("copy",)),
            ("/history/", ("before",)),
        ]
        for path, names in asked:
            parts = {
                name: Skeleton(self.got(browser, path, {name: HARMLESS})).parts
                | Skeleton(self.got(browser, path, {name: "finds nothing"})).parts
                for name in names
            }
            for name, text in product(names, HOSTILE):
                page = self.got(browser, path, {name: text[:2000]})
                self.assertEqual(Skeleton(page).parts - parts[name], set(), (path, name, text[:30]))
        forms = ((f"{capture}edit/", "name"), ("/people/new/", "name"), ("/login/", "next"))
        for path, field in forms:
            for text in HOSTILE:
                page = self.sent(browser, path, field, text)
                for live in ("<script>", "<img src=x", "</textarea><b>", "49{%"):
                    self.assertNotIn(live, page, (path, text[:30]))
        for where in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
            form = {"username": "rita", "password": PASSWORD, "next": where}
            answer = Browser().post("/login/", form)
            self.assertEqual((answer.status_code, answer.headers["Location"]), (302, "/captures/"))

    def got(self, browser: Browser, path: str, asked: dict[str, str]) -> str:
        """A page that is asked for with parameters."""
        got = browser.get(path, asked)
        self.assertEqual(got.status_code, 200, (path, asked))
        return str(got.content.decode())

    def sent(self, browser: Browser, path: str, field: str, text: str) -> str:
        """What comes of a form with a text in a field."""
        browser = Browser() if path == "/login/" else browser
        token = re.findall(r'csrfmiddlewaretoken" value="(\w+)"', self.got(browser, path, {}))[0]
        got = browser.post(path, {field: text, "csrfmiddlewaretoken": token})
        self.assertEqual(got.status_code, 200, (path, text[:30]))
        return str(got.content.decode())

    def pages_with(self, text: str) -> Iterator[tuple[str, Any]]:
        """Each page that an administrator gets, while a text stands wherever it can be put."""
        rows = dict(page_rows(self.hidden))
        with transaction.atomic():
            self.put_everywhere(text)
            browser = self.world.browser(self.world.admin)
            for pattern in urlpatterns:
                if pattern.name in (None, "login") or "GET" not in rows[str(pattern.name)]:
                    continue
                for address in self.addresses(pattern):
                    got = browser.get(address)
                    self.assertEqual(got.status_code, 200, address)
                    for name, value in got.headers.items():
                        self.assertTrue(value.isascii() and value.isprintable(), (address, name))
                    self.assertEqual(got.headers["X-Content-Type-Options"], "nosniff", address)
                    if got.headers["Content-Type"].startswith("text/html"):
                        policy = got.headers["Content-Security-Policy"]
                        self.assertNotIn("unsafe", policy, address)
                        yield address, got
            transaction.set_rollback(True)

    def put_everywhere(self, text: str) -> None:
        """Wherever people or clients may put a text, as far as it is taken there."""
        hidden, short, now = self.hidden, text[:64], timezone.now()
        capture, client = hidden.capture, hidden.client
        by_member = Act(Party.PERSON, hidden.member.pk, text[:150], START)
        edit(capture.pk, by_member, keywords=text, description=text)
        note_on(capture.pk, text[:1000], by_member)
        CaptureRecord.objects.filter(pk=capture.pk).update(
            name=short, answer=3, condition="stall", reason=text[:1000], condition_since=START
        )
        Client.objects.filter(pk=client.pk).update(
            name=short, version=short, host=text[:255], installation=short, instance=short,
            host_reported_at=now, budget={text: {"spent": 1, "limit": 2}, "x": [text]},
            post_price=0.005,
        )  # fmt: skip
        Token.objects.filter(client=client).update(contact_agent=text[:200], contact_at=now)
        ClientSession.objects.create(
            client=client, token=hidden.token_row, session="x", installation=short, instance=short,
            host=text[:255], opened_at=START, until=now + timedelta(minutes=1), refused_at=START,
            refused_installation=short, refused_host=text[:255],
        )  # fmt: skip
        User.objects.filter(pk=hidden.member.pk).update(username=text[:150])
        Project.objects.filter(pk=hidden.project.pk).update(name=short)
        ApiKey.objects.update(name=short)
        self.put_into_alerts(text)
        self.put_into_ledger(text)
        look_at_posts(capture)
        keep(client.pk, Glimpses(capture.pk, (Glimpse(text[:1000], text[:100]),)))

    def put_into_alerts(self, text: str) -> None:
        """Into alerts, deliveries and what receivers say of them."""
        hidden = self.hidden
        for subject, number in (("client", hidden.client.pk), ("capture", hidden.capture.pk)):
            look([AlertVerdict(AlertKind.GAP, subject, number, text[:64], Level.DOWN, text)], START)
        AlertChannel.objects.update(off_since=START, off_reason=text[:300])
        channel = AlertChannel.objects.get()
        note = Notification.objects.create(
            channel=channel, title=text[:200], text=text, data={text: text}, created_at=START
        )
        DeliveryAttempt.objects.create(notification=note, number=1, at=START, error=text[:300])

    def put_into_ledger(self, text: str) -> None:
        """Into all that lines of ledgers say in words."""
        capture, refused = self.hidden.capture.pk, [{"term": text, "reason": text}]
        lines = [
            KINDS["begin"] | {"ledger": "hostile"},
            KINDS["start"] | {"because": text},
            KINDS["asked"] | {"after": text, "refused": refused, "doubtful": refused},
            KINDS["in_force"] | {"text": text},
            gap(1, 2, text) | {"detail": text, "keywords": text},
            {"kind": "file", "name": text, "posts": 1, "bytes": 1, "sha256": "0" * 64},
            {"kind": "file", "name": "x.json", "posts": 1, "bytes": 1, "sha256": text},
            {"kind": "disk_trouble", "reason": text},
            {"kind": "unknown", "message": {text: text}},
            {text: text},
        ]
        data = b"".join(told_at(n, one, capture) for n, one in enumerate(lines))
        send(self.hidden.client, "hostile", self.hidden.capture, data)


def messages(text: str) -> Iterator[Told]:
    """Each kind of message, with a text wherever words of others stand."""
    for news, new in product(NewsKind, (Level.DOWN, Level.OK)):
        change = AlertChange(
            AlertKind.GAP, "capture", 7, text, Level.DEGRADED, new, START, START, text
        )
        yield told(change, news, "https://captures.example.org")
    yield digest([(text, AlertKind.GAP, Level.DOWN, START, text)] * 60, 3, START, "")
    yield switched_off(text, text, "https://captures.example.org")


class EveryMessageTests(SynchronousTestCase):
    def test_mails(self) -> None:
        """They have their headers and no other, one receiver, one part of plain text."""
        for text in (
            *HOSTILE,
            "x\r\nBcc: eve@example.org\r\n\r\n<b>",
            "\0\x1b[2J",
            "=?utf-8?q?=0D?=",
        ):
            for one in messages(text):
                sent = letter("tcc@example.org", self.outgoing(one), START).as_bytes()
                mail = message_from_bytes(sent, policy=policy.default)
                self.assertLessEqual({*mail.keys()}, HEADERS)
                self.assertEqual(mail["To"], "ann@example.org")
                self.assertEqual(mail.get_content_type(), "text/plain")
                for line in (mail["Subject"], *mail.get_content().split("\n")):
                    self.assertFalse({*line} & {*MOVING}, text[:30])
                self.assertLess(len(sent), 100_000)

    def test_webhooks(self) -> None:
        """They are JSON with the same members, and headers in which no word of others stands."""
        for text in (*HOSTILE, "\0\x1b[2J", "\ud83d"):
            for one, plain in zip(messages(text), messages(HARMLESS), strict=True):
                body = body_of(self.outgoing(one))
                self.assertEqual(
                    json.loads(body).keys(), json.loads(body_of(self.outgoing(plain))).keys()
                )
                headers = signed(self.outgoing(one), body, b"key", START)
                self.assertTrue(all(value.isascii() for value in headers.values()))
                self.assertLess(len(body), 100_000)

    def outgoing(self, one: Told) -> OutgoingMessage:
        """A message on its way."""
        to = "ann@example.org"
        return OutgoingMessage(UUID(int=7), one.kind, to, "s", one.title, one.text, one.data)
