"""From where a request comes, whatever its headers say."""

import ipaddress
from typing import Any

from django.test import Client as Browser
from django.test import override_settings
from twisted.trial.unittest import SynchronousTestCase

from tcserver.addresses import neighbourhood, whence
from tcserver.fleet.models import Token
from tests.tcserver.case import DatabaseCase

PROXIES = [ipaddress.ip_network(one) for one in ("127.0.0.1", "10.0.0.0/8", "::1")]


class WhenceTests(SynchronousTestCase):
    def test_through_proxies(self) -> None:
        for peer, forwarded, expected in [
            ("192.0.2.1", "", "192.0.2.1"),
            ("127.0.0.1", "", "127.0.0.1"),
            ("127.0.0.1", "192.0.2.1", "192.0.2.1"),
            ("127.0.0.1", "192.0.2.1, 10.1.1.1", "192.0.2.1"),
            ("::1", "2001:db8::7", "2001:db8::7"),
            ("::ffff:127.0.0.1", "::ffff:192.0.2.1", "192.0.2.1"),
            ("127.0.0.1", "192.0.2.1:5000", "192.0.2.1"),
            ("127.0.0.1", "[2001:db8::7]:5000", "2001:db8::7"),
        ]:
            self.assertEqual(whence(peer, forwarded, PROXIES), expected, (peer, forwarded))

    def test_what_anybody_can_write(self) -> None:
        """Who is no proxy is not believed, nor is what stands before the last stranger."""
        for peer, forwarded, expected in [
            ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
            ("127.0.0.1", "203.0.113.9, 192.0.2.1", "192.0.2.1"),
            ("127.0.0.1", "10.9.9.9, 192.0.2.1", "192.0.2.1"),
            ("127.0.0.1", "192.0.2.1, unknown", "127.0.0.1"),
            ("127.0.0.1", "192.0.2.1, <script>, 10.1.1.1", "10.1.1.1"),
            ("127.0.0.1", ", , ,", "127.0.0.1"),
            ("127.0.0.1", "192.0.2.1, \u0661.1.1.1", "127.0.0.1"),
            ("127.0.0.1", "192.0.2.1," + "10.1.1.1," * 5000 + "10.1.1.2", "10.1.1.1"),
            ("", "192.0.2.1", ""),
        ]:
            self.assertEqual(whence(peer, forwarded, PROXIES), expected, forwarded[:40])

    def test_neighbourhoods(self) -> None:
        """Whoever has an IPv6 address has 2**64 of them."""
        for address, expected in [
            ("192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("::1", "::/64"),
            ("", ""),
        ]:
            self.assertEqual(neighbourhood(address), expected)


class ContactTests(DatabaseCase):
    def contact(self, **headers: Any) -> str | None:
        """The address that a client's poll is noted to come from."""
        Token.objects.update(contact_at=None, contact_address=None)
        shown = {"Authorization": f"Token {self.world.token}", **headers}
        self.assertEqual(Browser().get("/api/activejobs/", headers=shown).status_code, 200)
        return Token.objects.get(client=self.world.client).contact_address

    def test_without_a_trusted_proxy(self) -> None:
        self.assertEqual(self.contact(**{"X-Forwarded-For": "192.0.2.1"}), "127.0.0.1")

    @override_settings(TRUSTED_PROXIES=PROXIES)
    def test_behind_one(self) -> None:
        for forwarded, expected in [
            ("192.0.2.1", "192.0.2.1"),
            ("203.0.113.9, 2001:db8::7", "2001:db8::7"),
            ("\x00'; --", "127.0.0.1"),
        ]:
            self.assertEqual(self.contact(**{"X-Forwarded-For": forwarded}), expected)
