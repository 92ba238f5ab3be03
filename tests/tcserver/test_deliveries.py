"""How messages arrive: real mail servers and webhooks on loopback, refusals, retries, and kills."""

import base64
import hashlib
import hmac
import json
import socket
import ssl
import threading
import time
from contextlib import closing
from datetime import timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from uuid import UUID

import attrs
from django.db import connection
from twisted.trial.unittest import SynchronousTestCase

from tcserver import alerting
from tcserver.alerting import Alerting
from tcserver.alerts.asking import ask, is_inside
from tcserver.alerts.deliveries import (
    MOST_ATTEMPTS,
    MOST_FAILURES,
    DeliveryFailed,
    OutgoingMessage,
    pause,
)
from tcserver.alerts.mail import letter, send_mail
from tcserver.alerts.models import AlertChannel, DeliveryAttempt, Notification
from tcserver.alerts.sending import NO_MAIL, Sender
from tcserver.alerts.services import deliver
from tcserver.alerts.services.channels import (
    NewChannel,
    change_key,
    create_channel,
    remove_channel,
    send_trial,
    switch_on,
)
from tcserver.alerts.services.deliver import CLAIM, claim, deliver_some
from tcserver.alerts.services.tell import tell
from tcserver.alerts.webhooks import key_of, written_key
from tcserver.alerts.wording import trial
from tcserver.alertsettings import AlertSettings, MailServer
from tcserver.history.models import HistoryEntry
from tests.certificates import GOOD
from tests.marks import Need, needs
from tests.tcserver.case import CommittedCase, DatabaseCase
from tests.tcserver.receivers import MailReceiver, hook_server, login, mail_server
from tests.tcserver.world import START

LOOPBACK = (ip_network("127.0.0.0/8"),)
SECRET = "s" * 40
MESSAGE = OutgoingMessage(UUID(int=7), "email", "ann@example.org", "salt", "Title", "Text\n", {})


class AddressTests(SynchronousTestCase):
    def test_inside(self) -> None:
        """Loopback, private, link-local, shared, multicast; and IPv6 that stands for such."""
        for text in (
            "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
            "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1",
            "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:1::",
        ):  # fmt: skip
            self.assertTrue(is_inside(ip_address(text)), text)
        for text in ("93.184.216.34", "2606:4700::1111"):
            self.assertFalse(is_inside(ip_address(text)), text)


class AskingTests(SynchronousTestCase):
    def refused(self, url: str, *allowed: Any, patience: float = 5.0) -> DeliveryFailed:
        """Why a request is not made, or not well."""
        return self.assertRaises(
            DeliveryFailed, ask, url, "POST", {}, b"{}", allowed, patience=patience
        )

    def test_of_what_is_inside(self) -> None:
        """Nothing is asked there, by whatever name, unless it is allowed."""
        with hook_server() as server:
            port = server.server_port
            for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"):
                self.assertIn("inside", str(self.refused(f"http://{host}:{port}/")))
            self.assertEqual(server.requests, [])
            ask(server.url, "POST", {"x": "1"}, b"{}", LOOPBACK)
            [(path, headers, body)] = server.requests
        self.assertEqual((path, body), ("/hook?x=1", b"{}"))
        self.assertEqual(headers["Host"], f"127.0.0.1:{port}")

    def test_redirects(self) -> None:
        """They are not followed, and are no success."""
        with hook_server() as server:
            server.statuses = [302]
            self.assertIn("status 302", str(self.refused(server.url, *LOOPBACK)))
            self.assertEqual(len(server.requests), 1)

    def test_what_it_says(self) -> None:
        """A little of it is kept, on one line; 410 says that it is gone."""
        with hook_server() as server:
            server.statuses, server.says = [410], b"no\r\n\x1b[31m" + b"x" * 100_000
            failed = self.refused(server.url, *LOOPBACK)
        self.assertTrue(failed.is_gone)
        self.assertLess(len(str(failed)), 300)
        self.assertNotIn("\x1b", str(failed))

    def test_no_such_name(self) -> None:
        self.assertIn("no answer", str(self.refused(f"http://{'x' * 70}.example/")))

    @needs(Need.SECONDS)
    def test_one_that_takes_for_ever(self) -> None:
        """A byte now and then keeps nobody waiting: not in the head, nor in TLS."""
        for scheme in ("http", "https"):
            with closing(socket.create_server(("127.0.0.1", 0))) as listening:
                thread = threading.Thread(target=self.drip, args=(listening,), daemon=True)
                thread.start()
                url = f"{scheme}://127.0.0.1:{listening.getsockname()[1]}/"
                begun = time.monotonic()
                failed = self.refused(url, *LOOPBACK, patience=1.0)
                self.assertIn("it took too long", str(failed))
                self.assertLess(time.monotonic() - begun, 30)
                thread.join(60)
                self.assertFalse(thread.is_alive())

    def drip(self, listening: socket.socket) -> None:
        """Send what never becomes an answer, until the other side has gone."""
        peer, _ = listening.accept()
        with closing(peer):
            try:
                for byte in b"\x16\x03\x03\x40\x00" + b"HTTP/1.1 200 OK\r\nx: " * 1000:
                    peer.sendall(bytes([byte]))
                    time.sleep(0.05)
            except OSError:
                pass


class MailTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.receiver = MailReceiver()

    def test_a_mail(self) -> None:
        """Plain text, to one receiver, with the id of the notification."""
        with mail_server(self.receiver) as port:
            server = MailServer("127.0.0.1", port, "smtp")
            send_mail(server, letter("tcc@example.org", MESSAGE, START))
        [mail] = self.receiver.mails
        self.assertEqual(mail["From"], "tcc@example.org")
        self.assertEqual(mail["Subject"], "Title")
        self.assertEqual(mail["Message-ID"], f"<{UUID(int=7)}@example.org>")
        self.assertEqual(mail.get_content_type(), "text/plain")
        self.assertEqual(mail.get_content().replace("\r\n", "\n"), "Text\n")
        self.assertEqual(self.receiver.receivers, [["ann@example.org"]])

    def test_hostile_words(self) -> None:
        """They end no header, add no receiver, and stay what they are."""
        title = "cats\r\nBcc: eve@example.org\u202e\n\nhello <b>"
        text = "one\n.\nQUIT\n<script>alert(1)</script> \u00e9\n"
        hostile = attrs.evolve(MESSAGE, title=title, text=text)
        with mail_server(self.receiver) as port:
            mail = letter("tcc@example.org", hostile, START)
            send_mail(MailServer("127.0.0.1", port, "smtp"), mail)
        [mail] = self.receiver.mails
        self.assertIsNone(mail["Bcc"])
        self.assertEqual(mail["Subject"], "cats Bcc: eve@example.org hello <b>")
        self.assertEqual(mail.get_content().replace("\r\n", "\n"), text)
        self.assertEqual(self.receiver.receivers, [["ann@example.org"]])

    def test_a_refusal(self) -> None:
        """What the server says is kept."""
        self.receiver.refuses = "550 5.1.1 no such mailbox"
        with mail_server(self.receiver) as port:
            server = MailServer("127.0.0.1", port, "smtp")
            mail = letter("tcc@example.org", MESSAGE, START)
            failed = self.assertRaises(DeliveryFailed, send_mail, server, mail)
        self.assertIn("550", str(failed))
        self.assertIn("no such mailbox", str(failed))
        failed = self.assertRaises(DeliveryFailed, send_mail, server, mail)
        self.assertIn("cannot be used", str(failed))

    def test_a_login(self) -> None:
        """Name and password; a wrong one is said without being repeated."""
        options = {"authenticator": login, "auth_require_tls": False}
        with mail_server(self.receiver, **options) as port:
            mail = letter("tcc@example.org", MESSAGE, START)
            send_mail(MailServer("127.0.0.1", port, "smtp", "ann", "p w"), mail)
            wrong = MailServer("127.0.0.1", port, "smtp", "ann", "hidden")
            failed = self.assertRaises(DeliveryFailed, send_mail, wrong, mail)
        self.assertEqual(len(self.receiver.mails), 1)
        self.assertIn("535", str(failed))
        self.assertNotIn("hidden", str(failed) + repr(wrong))

    def test_tls_is_insisted_on(self) -> None:
        """A server without STARTTLS gets neither password nor mail."""
        with mail_server(self.receiver) as port:
            server = MailServer("127.0.0.1", port, "smtp+tls", "ann", "p w")
            mail = letter("tcc@example.org", MESSAGE, START)
            self.assertRaises(DeliveryFailed, send_mail, server, mail)
        self.assertEqual(self.receiver.mails, [])

    def test_certificates(self) -> None:
        """One that nobody known has signed gets nothing either."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        pem = Path(self.mktemp())
        pem.write_bytes(b"".join(GOOD.to_pem()))
        context.load_cert_chain(pem)
        with mail_server(self.receiver, tls_context=context) as port:
            server = MailServer("127.0.0.1", port, "smtp+tls")
            mail = letter("tcc@example.org", MESSAGE, START)
            failed = self.assertRaises(DeliveryFailed, send_mail, server, mail)
        self.assertIn("certificate", str(failed).lower())
        self.assertEqual(self.receiver.mails, [])


class DeliveryCase(DatabaseCase):
    def setUp(self) -> None:
        super().setUp()
        self.now = START
        self.act = self.world.act(self.world.admin)
        self.sender = Sender(AlertSettings(allowed=LOOPBACK), SECRET, lambda: self.now)

    def channel(self, kind: str, target: str) -> AlertChannel:
        """A channel, to which a message is due."""
        made = create_channel(NewChannel(kind, target, True, "none"), self.act)
        send_trial(made.pk, "https://captures.example", self.act)
        return made

    def deliver(self, **later: float) -> int:
        """Deliver what is due, so much later."""
        self.now += timedelta(**later)
        return deliver_some(self.sender, lambda: self.now)

    def tries(self) -> list[tuple[str, str]]:
        """How all attempts ended, in their order."""
        return list(DeliveryAttempt.objects.order_by("pk").values_list("result", "error"))


class WebhookTests(DeliveryCase):
    def test_it_is_signed(self) -> None:
        """As Standard Webhooks say: over the id, the time and the body, by the channel's key."""
        with hook_server() as server:
            channel = self.channel("webhook", server.url)
            self.assertEqual(self.deliver(), 1)
            [(_, headers, body)] = server.requests
        key = written_key(key_of(SECRET, channel.salt))
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        digest = hmac.new(base64.b64decode(key.removeprefix("whsec_")), signed, hashlib.sha256)
        right = "v1," + base64.b64encode(digest.digest()).decode()
        self.assertEqual(headers["webhook-signature"], right)
        self.assertEqual(int(headers["webhook-timestamp"]), int(START.timestamp()))
        told = Notification.objects.get()
        self.assertEqual(headers["webhook-id"], str(told.number))
        self.assertEqual(json.loads(body)["type"], "test")
        self.assertEqual((told.state, told.due_at), ("sent", None))
        self.assertNotEqual(key, written_key(key_of(SECRET, change_key(channel.pk, self.act).salt)))

    def test_it_is_tried_again(self) -> None:
        """After 30 s, then later and later, with the same id and a new time; each try is kept."""
        with hook_server() as server:
            server.statuses = [500, 503, 204]
            self.channel("webhook", server.url)
            self.deliver()
            self.assertEqual(self.deliver(seconds=29), 0)
            self.assertEqual(self.deliver(seconds=1), 1)
            self.assertEqual(self.deliver(seconds=119), 0)
            self.assertEqual(self.deliver(seconds=1), 1)
            self.assertEqual(self.deliver(days=1), 0)
            seen = [headers for _, headers, _ in server.requests]
        self.assertEqual(len({one["webhook-id"] for one in seen}), 1)
        self.assertEqual(len({one["webhook-timestamp"] for one in seen}), 3)
        self.assertEqual([result for result, _ in self.tries()], ["failed", "failed", "sent"])
        self.assertEqual(AlertChannel.objects.get().failures, 0)

    def test_one_that_fails_for_long(self) -> None:
        """It is switched off with a word; others are told, and history has it."""
        others = create_channel(NewChannel("email", "ann@example.org", True, "none"), self.act)
        with hook_server() as server:
            server.statuses = [500]
            channel = self.channel("webhook", server.url)
            for _ in range(3):
                send_trial(channel.pk, "", self.act)
            for _ in range(MOST_FAILURES):
                self.deliver(hours=7)
            self.assertEqual(len(server.requests), MOST_FAILURES)
            channel.refresh_from_db()
            self.assertIsNotNone(channel.off_since)
            self.assertEqual(channel.off_reason, "status 500")
            waiting = channel.notifications.filter(state="waiting")
            self.assertFalse(waiting.exists())
            self.assertIn("switched off", others.notifications.get().title)
            self.assertNotIn("/hook", others.notifications.get().title)
            self.assertEqual(HistoryEntry.objects.latest("pk").act, "switched off")
            switch_on(channel.pk, self.act)
            server.statuses = [204]
            send_trial(channel.pk, "", self.act)
            self.deliver()
            self.assertEqual(channel.notifications.latest("pk").state, "sent")

    def test_one_that_is_gone(self) -> None:
        """It is switched off at once."""
        with hook_server() as server:
            server.statuses = [410]
            self.channel("webhook", server.url)
            self.deliver()
        self.assertIsNotNone(AlertChannel.objects.get().off_since)

    def test_a_message_is_given_up(self) -> None:
        """After the last of its attempts."""
        self.channel("email", "ann@example.org")
        for _ in range(MOST_ATTEMPTS + 3):
            self.deliver(hours=7)
        self.assertEqual(self.tries(), [("failed", NO_MAIL)] * MOST_ATTEMPTS)
        self.assertEqual(Notification.objects.get().state, "failed")

    def test_a_slow_one_keeps_others_not_waiting(self) -> None:
        """Channels that fail come after those that do not."""
        with hook_server() as server:
            server.statuses = [500, 204]
            bad = self.channel("webhook", server.url)
            self.deliver()
            send_trial(bad.pk, "", self.act)
            good = self.channel("webhook", server.url)
            claimed = claim(self.now)
        assert claimed is not None
        self.assertEqual(claimed.channel_id, good.pk)

    def test_slow_ones_hold_up_no_look(self) -> None:
        """Those that are left wait for the next turn; what lives is told of in between."""
        channel = self.channel("email", "ann@example.org")
        for _ in range(4):
            send_trial(channel.pk, "", self.act)

        def slowly(_: OutgoingMessage) -> None:
            self.now += timedelta(seconds=10)

        self.assertEqual(deliver_some(slowly, lambda: self.now), 1)
        self.assertEqual(deliver_some(slowly, lambda: self.now), 1)

    def test_a_fault_of_ours(self) -> None:
        """It is an attempt like another one, and keeps the others not waiting."""

        def fails(_: OutgoingMessage) -> None:
            raise ZeroDivisionError

        self.channel("email", "ann@example.org")
        with self.assertLogs(deliver.log, "ERROR"):
            deliver_some(fails, lambda: self.now)
        [(result, error)] = self.tries()
        self.assertEqual(result, "failed")
        self.assertIn("ZeroDivisionError", error)

    def test_a_kill_in_between(self) -> None:
        """What was claimed by who is no more is sent once more, and its first attempt says so."""
        with hook_server() as server:
            self.channel("webhook", server.url)
            self.assertIsNotNone(claim(self.now))
            self.assertEqual(self.deliver(seconds=CLAIM.seconds - 1), 0)
            with self.assertLogs(deliver.log, "WARNING"):
                self.assertEqual(self.deliver(seconds=1), 1)
            self.assertEqual(self.deliver(days=1), 0)
            self.assertEqual(len(server.requests), 1)
        [(first, said), (second, _)] = self.tries()
        self.assertEqual((first, second), ("interrupted", "sent"))
        self.assertIn("may have arrived", said)

    def test_history(self) -> None:
        """Each act on a channel is kept; of an address that may be secret only where it is."""
        channel = self.channel("webhook", "https://hooks.example/T0/secret")
        change_key(channel.pk, self.act)
        remove_channel(channel.pk, self.act)
        rows = HistoryEntry.objects.filter(subject="channel").order_by("pk")
        self.assertEqual([row.act for row in rows], ["created", "tested", "key changed", "removed"])
        self.assertEqual({row.subject_name for row in rows}, {"https://hooks.example/…"})
        self.assertFalse(Notification.objects.exists())


class PauseTests(SynchronousTestCase):
    def test_pauses(self) -> None:
        """Half a minute, four times as long each time, six hours at most, and an end."""
        pauses = [pause(number) for number in range(1, MOST_ATTEMPTS)]
        self.assertEqual(pauses[0], timedelta(seconds=30))
        self.assertEqual(pauses[1], timedelta(minutes=2))
        self.assertEqual(pauses[-1], timedelta(hours=6))
        self.assertIsNone(pause(MOST_ATTEMPTS))


class HeartbeatTests(DatabaseCase):
    def test_while_it_works(self) -> None:
        """Once a minute, and not when the work fails; that it is not reached is no failure."""
        with hook_server() as server:
            work = Alerting(AlertSettings(heartbeat=server.url), "", lambda _: None)
            for second in range(0, 121, 10):
                work.turn(START + timedelta(seconds=second))
            self.assertEqual(len(server.requests), 3)
            server.statuses = [500]
            with self.assertLogs(alerting.log) as said:
                work.turn(START + timedelta(seconds=181))
                work.turn(START + timedelta(seconds=242))
                server.statuses = [204]
                work.turn(START + timedelta(seconds=303))
            self.assertEqual(len(server.requests), 6)
        self.assertEqual(
            [record.getMessage() for record in said.records],
            [
                "ALERT_HEARTBEAT_URL is not reached: status 500",
                "ALERT_HEARTBEAT_URL is reached again.",
            ],
        )

    def test_when_it_does_not(self) -> None:
        """Whoever waits for it hears nothing."""

        def broken(_: OutgoingMessage) -> None:
            raise DeliveryFailed("no")

        channel = create_channel(
            NewChannel("email", "a@b.c", True, "none"), self.world.act(self.world.admin)
        )
        with hook_server() as server:
            work = Alerting(AlertSettings(heartbeat=server.url), "", broken, self.fails)
            send_trial(channel.pk, "", self.world.act(self.world.admin))
            self.assertRaises(ZeroDivisionError, work.turn, START)
            self.assertEqual(server.requests, [])

    def fails(self) -> Any:
        """A clock that is broken."""
        raise ZeroDivisionError


class ManyTests(CommittedCase):
    def test_several_at_once(self) -> None:
        """Each message is sent once, whoever is the first to claim it."""
        act = self.world.act(self.world.admin)
        with hook_server() as server:
            channel = create_channel(NewChannel("webhook", server.url, True, "none"), act)
            for _ in range(30):
                tell(AlertChannel.objects.filter(pk=channel.pk), trial(""), START)
            threads = [threading.Thread(target=self.deliver_all) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(120)
            numbers = [headers["webhook-id"] for _, headers, _ in server.requests]
        self.assertEqual((len(numbers), len({*numbers})), (30, 30))
        self.assertEqual(DeliveryAttempt.objects.filter(result="sent").count(), 30)

    def deliver_all(self) -> None:
        """Deliver until nothing is due."""
        sender = Sender(AlertSettings(allowed=LOOPBACK), SECRET, lambda: START)
        while deliver_some(sender, lambda: START):
            pass
        connection.close()
