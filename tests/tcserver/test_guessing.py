"""Passwords and tokens that are guessed, and those who are right meanwhile."""

import ipaddress
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from django.db import connection
from django.test import Client as Browser
from django.test import override_settings
from twisted.trial.unittest import SynchronousTestCase

from tcserver.api import asking, guesses
from tcserver.api.guesses import MOST, TokenGuesses
from tcserver.people.models import LoginTries
from tcserver.people.services.tries import BY_NAME, BY_PLACE, WINDOW, may_try, was_right
from tests.tcserver.case import CommittedCase, DatabaseCase
from tests.tcserver.world import PASSWORD, START

HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"


class TryTests(DatabaseCase):
    def allowed(self, name: str, address: str = HERE, seconds: float = 0, times: int = 1) -> int:
        """How many of so many tries may be made."""
        now = START + timedelta(seconds=seconds)
        return sum(may_try(name, address, now) for _ in range(times))

    def test_one_name_from_one_place(self) -> None:
        """Ten in a window; other names there, and the name elsewhere, are free."""
        self.assertEqual(self.allowed("rita", times=2 * BY_PLACE), BY_NAME)
        self.assertEqual(self.allowed("vera"), 1)
        self.assertEqual(self.allowed("rita", ELSEWHERE), 1)
        over = WINDOW.total_seconds()
        self.assertEqual(self.allowed("rita", seconds=over - 1), 0)
        self.assertEqual(self.allowed("rita", seconds=over, times=20), BY_NAME)

    def test_many_names_from_one_place(self) -> None:
        """Be it from all addresses of an IPv6 network; and few rows come of it."""
        allowed = [
            self.allowed(f"name {number}", f"2001:db8::{number:x}")
            for number in range(BY_PLACE + 20)
        ]
        self.assertEqual(sum(allowed), BY_PLACE)
        self.assertEqual(LoginTries.objects.count(), BY_PLACE + 1)
        self.assertEqual(self.allowed("rita", "2001:db8:0:1::1"), 1)

    def test_who_is_right(self) -> None:
        """Begins anew, and uses up nothing of what others there have."""
        for _ in range(BY_PLACE + 1):
            self.assertEqual(self.allowed("rita"), 1)
            was_right("rita", HERE)
        self.assertEqual(self.allowed("rita", times=BY_NAME), BY_NAME)

    def test_rows_go(self) -> None:
        """And hold no name."""
        self.allowed("rita", times=3)
        self.assertFalse([row for row in LoginTries.objects.all() if "rita" in row.key])
        self.allowed("vera", seconds=WINDOW.total_seconds())
        self.assertEqual(LoginTries.objects.count(), 2)


class ManyTriesTests(CommittedCase):
    def test_at_once(self) -> None:
        """Tries of many threads are as few as one after the other."""

        def tried(_: int) -> bool:
            try:
                return may_try("rita", HERE, START)
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as threads:
            self.assertEqual(sum(threads.map(tried, range(4 * BY_NAME))), BY_NAME)


class LoginTests(DatabaseCase):
    def log_in(self, password: str, name: str = "rita", **headers: str) -> Any:
        """The answer to somebody who logs in, in a browser of their own."""
        browser = Browser(enforce_csrf_checks=True)
        page = browser.get("/login/").content.decode()
        [token, *_] = re.findall(r'csrfmiddlewaretoken" value="(\w+)"', page)
        form = {"username": name, "password": password, "csrfmiddlewaretoken": token}
        return browser.post("/login/", form, headers=headers)

    def test_a_password_is_not_guessed(self) -> None:
        """After ten wrong ones the right one is not looked at, and so for a name that is none."""
        for name in ("rita", "nobody"):
            for _ in range(BY_NAME):
                self.assertEqual(self.log_in("x", name).status_code, 200)
            got = self.log_in(PASSWORD, name)
            self.assertEqual((got.status_code, got.headers["Retry-After"]), (429, "900"))
            self.assertIn("Try again in 15 minutes", got.content.decode())
        self.assertEqual(self.log_in(PASSWORD, "vera").status_code, 302)

    def test_who_mistypes(self) -> None:
        """Nine times, and is right then, has ten more."""
        for _ in range(3):
            for _ in range(BY_NAME - 1):
                self.log_in("x")
            self.assertEqual(self.log_in(PASSWORD).status_code, 302)

    def test_others_behind_a_proxy(self) -> None:
        """They log in, whatever the guesser writes into the header."""
        proxies = [ipaddress.ip_network("127.0.0.1")]
        with override_settings(TRUSTED_PROXIES=proxies):
            for number in range(BY_NAME):
                self.log_in("x", **{"X-Forwarded-For": f"10.0.0.{number}, {HERE}"})
            statuses = [
                self.log_in(PASSWORD, **{"X-Forwarded-For": address}).status_code
                for address in (f"{ELSEWHERE}, {HERE}", ELSEWHERE)
            ]
        self.assertEqual(statuses, [429, 302])


class GuessTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.guesses = TokenGuesses(places=3)
        self.lines: list[str] = []
        handler = logging.Handler()
        handler.emit = lambda record: self.lines.append(record.getMessage())  # type: ignore[method-assign]
        guesses.log.addHandler(handler)
        self.addCleanup(guesses.log.removeHandler, handler)

    def refused(self, place: str, count: int, seconds: float = 0, first: int = 0) -> int:
        """How many of so many different wrong tokens are refused as guesses."""
        now = START + timedelta(seconds=seconds)
        wrong = [f"{number}" for number in range(first, first + count)]
        return sum(self.guesses.is_guess(place, one, now) for one in wrong)

    def test_too_many_different_ones(self) -> None:
        """In a minute from one place; one line for as long as it goes on."""
        self.assertEqual(self.refused(HERE, MOST + 5), 5)
        self.assertEqual(self.refused(ELSEWHERE, MOST), 0)
        self.assertEqual(self.refused(HERE, MOST + 5, 61, 1000), 5)
        self.assertEqual(len(self.lines), 1)
        self.assertIn(HERE, self.lines[0])
        self.assertEqual(self.refused(HERE, 1, 130), 0)
        self.assertEqual(self.refused(HERE, MOST + 5, 200), 5)
        self.assertEqual(len(self.lines), 2)

    def test_the_same_one_for_ever(self) -> None:
        self.assertEqual(sum(self.refused(HERE, 1) for _ in range(1000)), 0)

    def test_memory(self) -> None:
        """However many tokens and places; who was silent for longest is forgotten."""
        for number in range(100):
            self.refused(f"place {number}", 2 * MOST)
        self.assertEqual(self.refused("place 99", 1, first=5000), 1)
        self.assertEqual(self.refused("place 0", 1, first=5000), 0)
        held = self.guesses._places
        self.assertEqual((len(held), max(len(one.wrong) for one in held.values())), (3, MOST))


class TokenTests(DatabaseCase):
    def setUp(self) -> None:
        super().setUp()
        self.patch(asking, "GUESSES", TokenGuesses())
        self.patch(guesses.log, "disabled", True)

    def asked(self, token: str) -> Any:
        """The answer to who shows a token."""
        return Browser().get("/api/jobs/", headers={"Authorization": f"Token {token}"})

    def test_the_right_ones_meanwhile(self) -> None:
        """From the same address, be they new or expired; refused guesses open nothing."""
        answers = [self.asked(f"{number:040x}").status_code for number in range(MOST + 10)]
        self.assertEqual(answers, [403] * MOST + [429] * 10)
        got = self.asked("f" * 40)
        self.assertEqual((got.status_code, got.headers["Retry-After"]), (429, "60"))
        key = self.world.key(self.world.rita)
        for token in (self.world.token, self.world.strange_token, key):
            self.assertEqual(self.asked(token).status_code, 200)
        self.assertEqual(self.asked(f"{3:040x}").status_code, 403)
