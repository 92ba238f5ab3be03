"""A forgotten password: a link by mail, and what those who ask for others' are told."""

import ipaddress
import logging
import re
from datetime import timedelta
from typing import Any

from attrs import evolve
from django.conf import settings
from django.test import Client as Browser
from django.test import override_settings
from django.utils import timezone

from tcserver import alerting as sending
from tcserver.alerting import Alerting
from tcserver.alertsettings import AlertSettings, MailServer
from tcserver.history.models import HistoryEntry
from tcserver.people.models import LinkRequest, User
from tcserver.people.services.people import create_person, deactivate, set_email
from tcserver.people.services.resets import AGAIN, PATIENCE
from tcserver.people.services.tries import MAILS, MAILS_BY_PLACE
from tests.tcserver.case import DatabaseCase
from tests.tcserver.receivers import MailReceiver, mail_server
from tests.tcserver.world import PASSWORD

SITE, ADDRESS = "https://captures.example.org", "rita@example.org"
OTHER = "battery horse staple"


class ForgottenCase(DatabaseCase):
    """Mail is set up, at a server that takes it; rita has an address."""

    def setUp(self) -> None:
        super().setUp()
        self.receiver = MailReceiver()
        running = mail_server(self.receiver)
        mail = MailServer("127.0.0.1", running.__enter__(), "smtp")
        self.addCleanup(running.__exit__, None, None, None)
        self.alerts = AlertSettings(mail, "tcc@captures.example.org")
        self.is_set_up(alerts=self.alerts, origin=SITE)
        set_email(self.world.rita.pk, ADDRESS, self.world.act(self.world.rita))
        self.now = timezone.now()

    def is_set_up(self, **members: Any) -> None:
        """The environment says this."""
        changed = override_settings(ENVIRONMENT=evolve(settings.ENVIRONMENT, **members))
        changed.enable()
        self.addCleanup(changed.disable)

    def ask(self, email: str = ADDRESS, **headers: str) -> Any:
        """What somebody is answered who has forgotten the password."""
        browser = Browser()
        form = {"email": email}
        return browser.post("/password/forgotten/", form, follow=True, headers=headers)

    def mailed(self, seconds: float = 1) -> list[str]:
        """The texts that have been mailed, once the alerts have had their turn."""
        now = self.now + timedelta(seconds=seconds)
        Alerting(self.alerts, SITE, lambda _: None).turn(now)
        return [mail.get_content() for mail in self.receiver.mails]

    def link(self, text: str) -> str:
        """The path of the link in a mail."""
        found = re.search(rf"{SITE}(/choose/\S+)", text)
        assert found is not None, text
        return found[1]


class ForgottenTests(ForgottenCase):
    def test_another_password(self) -> None:
        """The link comes by mail, works once, and other sessions end."""
        before = self.world.browser(self.world.rita)
        self.assertIn("a link is on its way", self.ask().content.decode())
        [text] = self.mailed()
        self.assertEqual(self.receiver.receivers, [[ADDRESS]])
        self.assertEqual(self.mailed(PATIENCE.total_seconds()), [text])
        browser, link = Browser(), self.link(text)
        form = browser.get(link, follow=True)
        typed = {"new_password1": OTHER, "new_password2": OTHER}
        done = browser.post(form.redirect_chain[-1][0], typed)
        self.assertEqual((done.status_code, done.headers["Location"]), (302, "/captures/"))
        self.assertTrue(User.objects.get(username="rita").check_password(OTHER))
        self.assertEqual(before.get("/captures/").status_code, 302)
        self.assertIn("works no more", Browser().get(link, follow=True).content.decode())
        acts = HistoryEntry.objects.filter(subject="person").order_by("-pk")
        self.assertEqual([one.act for one in acts[:2]], ["password chosen", "link made"])
        self.assertNotIn(ADDRESS, "".join(f"{one.before}{one.after}{one.note}" for one in acts))

    def test_who_is_not_there(self) -> None:
        """The same answer, and no mail: to nobody, and not to who cannot log in."""
        act = self.world.act(self.world.admin)
        invited = create_person("invited", None, act)
        set_email(invited.pk, "invited@example.org", act)
        set_email(self.world.vera.pk, "vera@example.org", act)
        deactivate(self.world.vera.pk, act)
        for email in ("nobody@example.org", "invited@example.org", "vera@example.org", ADDRESS):
            self.assertIn("a link is on its way", self.ask(email).content.decode())
        self.mailed()
        self.assertEqual(self.receiver.receivers, [[ADDRESS]])

    def test_what_is_no_address(self) -> None:
        """Is said; nothing of it gets into the head of a mail."""
        for email in ("", "rita", f"{ADDRESS}\nBcc: x@example.org", f"{ADDRESS}, x@example.org"):
            self.assertEqual(self.ask(email).redirect_chain, [], email)
        self.assertEqual(self.mailed(), [])

    def test_another_host(self) -> None:
        """A link leads to SITE_URL, whatever host somebody has sent."""
        with override_settings(ALLOWED_HOSTS=["*"]):
            self.ask(Host="evil.example", **{"X-Forwarded-Host": "evil.example"})
        [text] = self.mailed()
        self.assertNotIn("evil", text)
        self.link(text)
        self.assertEqual(self.ask(Host="evil.example").status_code, 400)

    def test_too_often(self) -> None:
        """For one address, be there such a person or not, and from one place."""
        for email in (ADDRESS, "nobody@example.org"):
            chains = [len(self.ask(email).redirect_chain) for _ in range(MAILS + 1)]
            self.assertEqual(chains, [1] * MAILS + [0])
            got = self.ask(email.upper())
            self.assertEqual((got.status_code, got.headers["Retry-After"]), (429, "900"))
        self.assertEqual(len(self.mailed()), 1)  # of those who wait for one
        with override_settings(TRUSTED_PROXIES=[ipaddress.ip_network("127.0.0.1")]):
            elsewhere = {"X-Forwarded-For": "192.0.2.1"}
            statuses = [
                self.ask(f"{number}@example.org", **elsewhere).status_code
                for number in range(MAILS_BY_PLACE + 1)
            ]
        self.assertEqual(statuses, [200] * MAILS_BY_PLACE + [429])

    def test_a_mail_server_that_refuses(self) -> None:
        """It is tried again for an hour; the log says so, and has neither link nor address."""
        lines: list[str] = []
        handler = logging.Handler()
        handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
        sending.log.addHandler(handler)
        self.addCleanup(sending.log.removeHandler, handler)
        self.receiver.refuses = "451 later"
        self.ask()
        self.assertEqual(self.mailed(), [])
        self.assertEqual(len(lines), 1)
        self.assertNotRegex(lines[0], "choose/|rita")
        self.receiver.refuses = ""
        self.assertEqual(self.mailed(2), [])
        self.assertEqual(len(self.mailed(AGAIN.total_seconds() + 2)), 1)
        self.receiver.refuses = "550 no"
        self.ask()
        self.mailed(PATIENCE.total_seconds() + 60)
        self.assertFalse(LinkRequest.objects.exists())

    def test_without_mail_or_an_address_of_the_site(self) -> None:
        """The page says who helps, and takes nothing."""
        for members in ({"alerts": AlertSettings()}, {"origin": None}):
            self.is_set_up(**{"alerts": self.alerts, "origin": SITE} | members)
            page = self.ask().content.decode()
            self.assertIn("An administrator can make you a link", page)
        self.assertFalse(LinkRequest.objects.exists())


class OwnAddressTests(ForgottenCase):
    def change(self, email: str, password: str = PASSWORD) -> str:
        """What rita is shown who gives herself another address."""
        browser = Browser()
        browser.force_login(self.world.rita)
        form = {"email": email, "password": password}
        return browser.post("/account/email/", form, follow=True).content.decode()

    def test_it_is_changed(self) -> None:
        """By who knows the password; links that went to the one before are over."""
        self.ask()
        [text] = self.mailed()
        self.assertIn("not your password", self.change("mallory@example.org", "x"))
        self.assertIn("as in ann@example.org", self.change('"a b"@example.org'))
        self.assertIn("address is changed", self.change("rita@example.com"))
        self.assertEqual(User.objects.get(username="rita").email, "rita@example.com")
        self.assertIn("works no more", Browser().get(self.link(text), follow=True).content.decode())
        self.assertIn("address is changed", self.change(""))

    def test_that_of_a_new_person(self) -> None:
        """An administrator may give it."""
        form = {"name": "nora", "role": "viewer", "email": "nora@example.org"}
        browser = Browser()
        browser.force_login(self.world.admin)
        browser.post("/people/new/", form)
        self.assertEqual(User.objects.get(username="nora").email, "nora@example.org")
