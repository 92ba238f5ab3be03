"""What somebody who means harm can send: it is refused or stored, and breaks nothing for others."""

import json
import re
from itertools import product
from typing import Any

from django.test import Client as Browser

from tcserver.api.reports import MOST_NESTED, MOST_OF_A_HOST
from tests.tcserver.case import CommittedCase

JSON = "application/json"
LARGEST = 2**63 - 1
NO_TEXTS = ("hex", "base64", "rot13", "zlib", "undefined", "idna")
"""Encodings of Python's that decode no text, or not each."""
HOSTILE = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>'",
    "{{ 7*7 }}{% csrf_token %}",
    "</title></textarea><b>",
    "\u202egnp.exe\u2066\u200b",
    "two\nlines\r\n\ttabs",
    "x" * 65536,
)


class HostileCase(CommittedCase):
    """Outside of a transaction, which PostgreSQL gives up after a value that it does not take."""

    def setUp(self) -> None:
        super().setUp()
        self.demo = self.world.demo.pk

    def send(self, method: str, target: str, body: Any = None, kind: str = JSON) -> Any:
        """The response to a request with client1's token."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        shown = {"Authorization": f"Token {self.world.token}"}
        return Browser().generic(method, target, sent, content_type=kind, headers=shown)

    def pages_stand(self) -> None:
        """The pages on what client1 has to do with are there."""
        browser = self.world.browser(self.world.admin)
        for path in ("/captures/", f"/captures/{self.demo}/", f"/clients/{self.world.client.pk}/"):
            self.assertEqual(browser.get(path).status_code, 200, path)


class HostileRequestTests(HostileCase):
    def test_encodings_that_are_none(self) -> None:
        """Of a form they are refused; else nobody has to know them."""
        forms = ("application/x-www-form-urlencoded", "multipart/form-data; boundary=b")
        for charset in NO_TEXTS:
            kind = f"text/plain; charset={charset}"
            got = self.send("GET", "/api/activejobs/?limit=1", b"", kind)
            self.assertEqual(got.status_code, 200, charset)
            self.assertEqual(Browser().get("/login/", CONTENT_TYPE=kind).status_code, 200, charset)
        for charset, form in product((*NO_TEXTS, "latin-1"), forms):
            got = self.send("POST", "/api/update/", b"job=1", f"{form}; charset={charset}")
            self.assertEqual(got.status_code, 415, (charset, form))

    def test_numbers_that_no_row_has(self) -> None:
        """There is no such page, however many digits are asked for."""
        browser, digits = self.world.browser(self.world.admin), "9" * 5000
        for path in (f"{digits}/account/files.csv", f"{digits}/", "9" * 18 + "/account/files.csv"):
            self.assertEqual(browser.get(f"/captures/{path}").status_code, 404, path[-20:])
        for path in (f"captures/{digits}/stop", f"people/{digits}/demote"):
            self.assertEqual(browser.post(f"/{path}/").status_code, 404, path[-10:])
        self.assertEqual(browser.get(f"/captures/new/?copy={digits}").status_code, 200)

    def test_nul(self) -> None:
        """Wherever it stands it is taken or refused; a stranger's cookie makes no traceback."""
        browser = self.world.browser(self.world.admin)
        page = browser.get(f"/captures/{self.demo}/").content.decode()
        [token, *_] = re.findall(r'csrfmiddlewaretoken" value="(\w+)"', page)
        form = {"note": "a\0b", "csrfmiddlewaretoken": token}
        stranger = Browser(headers={"Cookie": 'sessionid="\\000aaaaaaaa"'})
        with self.assertNoLogs("django.request"):
            for got in (
                browser.get("/captures/?q=%00"),
                browser.post(f"/captures/{self.demo}/note/", form),
                stranger.get("/captures/"),
                stranger.get("/login/"),
            ):
                self.assertIn(got.status_code, (200, 302, 400), got.request["PATH_INFO"])

    def test_dates_before_the_first(self) -> None:
        """Their zone puts them where no calendar is."""
        for since in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
            told = [{"job": self.demo, "condition": "open", "since": since}]
            self.assertEqual(self.send("PUT", "/api/state/", told).status_code, 400, since)
        self.pages_stand()

    def test_what_is_nested(self) -> None:
        """It is taken as deep as it can be read by everybody."""
        for depth, status in ((MOST_NESTED, 204), (MOST_NESTED + 1, 400), (900, 400)):
            budget = b'{"budget": ' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
            self.assertEqual(self.send("PUT", "/api/host/", budget).status_code, status, depth)
            self.pages_stand()

    def test_a_large_host(self) -> None:
        """Each page with the client would read it."""
        for length, status in ((MOST_OF_A_HOST - 100, 204), (MOST_OF_A_HOST, 413)):
            told = {"budget": {"a": "x" * length}}
            self.assertEqual(self.send("PUT", "/api/host/", told).status_code, status)

    def test_sums_that_no_column_holds(self) -> None:
        """What was counted stays; it does not become a rounded number, nor an error."""
        for count in (LARGEST, LARGEST, 5, -LARGEST, -LARGEST, -LARGEST - 1, 7):
            told = {"job": self.demo, "count": count}
            self.assertEqual(self.send("POST", "/api/update/", told).status_code, 201, count)
            self.assertIs(type(self.world.now(self.world.demo).counted), int)
        self.assertEqual(self.world.now(self.world.demo).counted, -LARGEST + 7)

    def test_a_name_that_is_no_number(self) -> None:
        """In addresses of pages: larger than any row, not of ASCII, with a line break."""
        browser = self.world.browser(self.world.admin)
        for number, kind in product(
            ("9" * 30, "9223372036854775808", "%D9%A3", "1%0a", "%00"),
            ("captures", "clients", "people", "projects"),
        ):
            self.assertEqual(browser.get(f"/{kind}/{number}/").status_code, 404, (kind, number))
