"""
Every address of pages and REST, asked by everybody: who gets it, and who learns nothing of it.

An address or a method that has no row here has to be refused with 405: a new one needs a row.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from typing import Any, TypeAlias

import attrs
from django.db import transaction
from django.test import Client as Browser
from django.urls import URLPattern, get_resolver, reverse
from jsonschema import Draft202012Validator

from tcserver.api.openapi import document
from tcserver.captures.models import CaptureRecord
from tcserver.history.models import HistoryEntry
from tcserver.website import captures as capture_pages
from tcserver.website import channels as channel_pages
from tcserver.website import people as people_pages
from tcserver.website.urls import urlpatterns as pages
from tests.tcserver.askers import HIDDEN, PEOPLE, HiddenWorld, PersonAsks, What
from tests.tcserver.case import DatabaseCase

Rule: TypeAlias = Callable[[PersonAsks], int]
DONE = 302
JSON = "application/json"


def everybody(status: int) -> Rule:
    """Whoever has logged in."""
    return lambda _: status


def who_sees(status: int) -> Rule:
    """Members; to others it is not there."""
    return lambda one: status if one.sees else 404


def who_changes(status: int) -> Rule:
    """Researchers of the project; its viewers may not, and to others it is not there."""
    return lambda one: status if one.changes else 403 if one.sees else 404


def administrators(status: int, strangers: int = 403) -> Rule:
    """Administrators alone; strangers may be told that it is not there."""
    return lambda one: status if one.administers else 403 if one.sees else strangers


def who_makes(status: int, stranger: int) -> Rule:
    """Whoever may make captures somewhere, where a stranger's attempt ends otherwise."""
    return lambda one: 403 if one.what == What.VIEWER else status if one.sees else stranger


@attrs.frozen
class Row:
    """Who gets a page, and what is sent there; `acts` says that there is history of it."""

    rule: Rule
    form: Mapping[str, Any] = {}
    acts: bool = False


@attrs.frozen
class ApiRow:
    """What a person gets, the client of the project, and a client of another one."""

    rule: Rule
    own: int
    strange: int
    body: Any = None


def page_rows(hidden: HiddenWorld) -> Iterator[tuple[str, dict[str, Row]]]:
    """The rows of each page, by its name and then by method."""
    project = hidden.project.pk
    key = {"name": "k", "access": "read", "days": 30}
    capture = {"name": "new", "project": project, "keywords": "tea"}
    person = {"name": "new", "project": project, "role": "viewer"}
    yield "captures", {"GET": Row(everybody(200))}
    yield "login", {"GET": Row(everybody(200)), "POST": Row(everybody(200))}
    yield "logout", {"POST": Row(everybody(DONE))}
    yield "password", {"GET": Row(everybody(200)), "POST": Row(everybody(200))}
    yield "forgotten_password", {"GET": Row(everybody(200)), "POST": Row(everybody(200))}
    yield "change_email", {"GET": Row(everybody(200)), "POST": Row(everybody(200))}
    yield "choose_password", {"GET": Row(everybody(200)), "POST": Row(everybody(200))}
    yield "account", {"GET": Row(everybody(200))}
    yield "new_key", {"GET": Row(everybody(200)), "POST": Row(everybody(200), key, acts=True)}
    yield "revoke_key", {"POST": Row(administrators(DONE, strangers=404), acts=True)}
    yield "keyword_advice", {"POST": Row(everybody(200), {"keywords": "tea"})}
    yield (
        "new_capture",
        {
            "GET": Row(who_makes(200, stranger=200)),
            "POST": Row(who_makes(DONE, stranger=200), capture),
        },
    )
    for name in ("capture", "capture_events", "capture_account", "account_document"):
        yield name, {"GET": Row(who_sees(200))}
    for name in ("account_table", "account_checksums", "ledger_file"):
        yield name, {"GET": Row(who_sees(200))}
    yield "note_on_capture", {"POST": Row(who_changes(DONE), {"note": "so"}, acts=True)}
    edited = Row(who_changes(DONE), capture | {"revision": hidden.capture.revision}, acts=True)
    yield "edit_capture", {"GET": Row(who_changes(200)), "POST": edited}
    yield "act_on_capture", {"POST": Row(who_changes(DONE))}
    yield "clients", {"GET": Row(everybody(200))}
    made = Row(administrators(200), {"name": "new", "projects": [project]}, acts=True)
    yield "new_client", {"GET": Row(administrators(200)), "POST": made}
    yield "client", {"GET": Row(who_sees(200))}
    served = Row(administrators(DONE), {"projects": []}, acts=True)
    yield "client_projects", {"GET": Row(administrators(200)), "POST": served}
    yield "new_token", {"POST": Row(administrators(200), acts=True)}
    yield "revoke_token", {"POST": Row(administrators(DONE), acts=True)}
    yield "retire_client", {"POST": Row(administrators(DONE), acts=True)}
    yield "alerts", {"GET": Row(everybody(200))}
    to = {"kind": "email", "target": "new@example.org", "digest": "daily"}
    yield (
        "new_channel",
        {"GET": Row(administrators(200)), "POST": Row(administrators(DONE), to, acts=True)},
    )
    yield "channel", {"GET": Row(administrators(200))}
    yield "channel_key", {"POST": Row(administrators(200), acts=True)}
    yield "act_on_channel", {"POST": Row(administrators(DONE))}
    yield "history", {"GET": Row(everybody(200))}
    yield "about", {"GET": Row(everybody(200))}
    yield "people", {"GET": Row(everybody(200))}
    invited = Row(administrators(200), person, acts=True)
    yield "new_person", {"GET": Row(administrators(200)), "POST": invited}
    yield "person", {"GET": Row(who_sees(200))}
    yield "new_link", {"POST": Row(administrators(200, strangers=404), acts=True)}
    yield "act_on_person", {"POST": Row(administrators(DONE, strangers=404))}
    yield "projects", {"GET": Row(everybody(200))}
    named = Row(administrators(DONE), {"name": "new"}, acts=True)
    yield "new_project", {"GET": Row(administrators(200)), "POST": named}
    yield "project", {"GET": Row(who_sees(200))}
    renamed = Row(administrators(DONE, strangers=404), {"name": "new"}, acts=True)
    yield "edit_project", {"GET": Row(administrators(200, strangers=404)), "POST": renamed}
    member = {"person": hidden.member.pk, "role": "researcher"}
    yield "members", {"POST": Row(administrators(DONE, strangers=404), member, acts=True)}


PUBLIC = ("login", "choose_password", "forgotten_password")
"""The pages for whoever has not logged in."""


def api_rows(hidden: HiddenWorld) -> dict[tuple[str, str], ApiRow]:
    """The rows of the REST, by address and method."""
    job, project = hidden.capture.pk, hidden.project.pk
    a_list, only_clients = ApiRow(everybody(200), 200, 200), everybody(403)
    new = {"name": "new", "status": 1, "project": project}
    rows = {
        (f"/{name}", "GET"): a_list
        for name in (
            "",
            "activejobs/",
            "clients/",
            "jobs/",
            "jobmodifications/",
            "update/",
            "users/",
        )
    }
    of_others = ApiRow(lambda one: 400 if not one.sees else who_changes(201)(one), 403, 403, new)
    rows |= {
        ("/jobs/", "POST"): of_others,
        ("/glimpses/", "PUT"): ApiRow(only_clients, 204, 400, {"job": job, "posts": []}),
        ("/host/", "PUT"): ApiRow(only_clients, 204, 204, {"version": "1"}),
        ("/state/", "PUT"): ApiRow(
            only_clients, 200, 200, [{"job": job, "condition": "open", "reason": "changed"}]
        ),
        ("/update/", "POST"): ApiRow(only_clients, 201, 400, {"job": job, "count": 1}),
        ("/clients/{row}/", "GET"): ApiRow(who_sees(200), 200, 404),
        ("/users/{row}/", "GET"): ApiRow(lambda one: 200 if one.administers else 404, 404, 404),
        ("/ledger/{row}/", "GET"): ApiRow(only_clients, 200, 200),
        ("/ledger/{row}/", "PUT"): ApiRow(only_clients, 200, 400, b"x"),
    }
    for name in ("activejobs", "jobs"):
        path, whole = f"/{name}/{{row}}/", {"name": "changed", "status": 3}
        rows |= {
            (path, "GET"): ApiRow(who_sees(200), 200, 404),
            (path, "PUT"): ApiRow(who_changes(200), 200, 404, whole),
            (path, "PATCH"): ApiRow(who_changes(200), 200, 404, {"keywords": "changed"}),
            (path, "DELETE"): ApiRow(who_changes(204), 403, 403),
        }
    return rows


class MatrixCase(DatabaseCase):
    def setUp(self) -> None:
        super().setUp()
        self.hidden = HiddenWorld(self.world)

    def asked(self, ask: Callable[[], Any], one: PersonAsks | None = None) -> tuple[Any, bool]:
        """The answer, and whether it changed anything; the world is as before afterwards."""
        with transaction.atomic():
            if one is not None:
                self.hidden.owned_by(one)
            before = HistoryEntry.objects.count(), self.picture()
            got = ask()
            after = HistoryEntry.objects.count(), self.picture()
            transaction.set_rollback(True)
        return got, before != after

    def picture(self) -> Any:
        """What is known of the hidden capture."""
        return CaptureRecord.objects.filter(pk=self.hidden.capture.pk).values_list().get()

    def addresses(self, pattern: URLPattern) -> list[str]:
        """The addresses of a page, with what stands in them of the hidden world."""
        hidden = self.hidden
        assert pattern.name is not None
        values: dict[str, dict[str, Any]] = {
            "choose_password": {"uidb64": "MQ", "token": "x-y"},
            "revoke_key": {"number": hidden.key.pk},
            "revoke_token": {"number": hidden.client.pk, "token": hidden.token_row.pk},
            "account_table": {"number": hidden.capture.pk, "table": "gaps", "format": "csv"},
            "ledger_file": {"number": hidden.capture.pk, "ledger": hidden.ledger.pk},
        }
        kind = str(pattern.pattern).strip("^").partition("/")[0]
        number = {"captures": hidden.capture, "clients": hidden.client, "people": hidden.member}
        number |= {"projects": hidden.project, "alerts": hidden.channel}
        acts = {
            "act_on_capture": capture_pages.ACTS,
            "act_on_channel": channel_pages.ACTS,
            "act_on_person": people_pages.ACTS,
        }
        if pattern.name in acts:
            found = [{"number": number[kind].pk, "act": act} for act in acts[pattern.name]]
        elif pattern.name in values:
            found = [values[pattern.name]]
        else:
            found = [{"number": number[kind].pk} if "number" in str(pattern.pattern) else {}]
        return [reverse(pattern.name, kwargs=one) for one in found]


class PageTests(MatrixCase):
    def test_every_page(self) -> None:
        """What each person gets by each method; strangers read no hidden name anywhere."""
        rows = dict(page_rows(self.hidden))
        named = [one for one in pages if one.name is not None]
        self.assertEqual({*rows}, {one.name for one in named})
        browsers = {one: Browser() for one in PEOPLE}
        for one, browser in browsers.items():
            browser.force_login(self.hidden.people[one])
        for pattern in named:
            for address in self.addresses(pattern):
                for method in ("GET", "POST"):
                    row = rows[str(pattern.name)].get(method, Row(everybody(405)))
                    for one, browser in browsers.items():
                        self.look(one, browser, method, address, row)

    def look(self, one: PersonAsks, browser: Browser, method: str, address: str, row: Row) -> None:
        """One cell of the matrix."""

        where, cookies = (address, method, str(one)), copy(browser.cookies)
        ask = getattr(browser, method.lower())
        got, changed = self.asked(lambda: ask(address, row.form), one)
        browser.cookies = cookies  # it may have been logged out
        self.assertEqual(got.status_code, row.rule(one), where)
        if got.status_code in (403, 404, 405) or method == "GET":
            self.assertFalse(changed, where)
        elif row.acts:
            self.assertTrue(changed, where)
        if not one.sees:
            self.assertNotIn(HIDDEN, got.content.decode(), where)

    def test_nobody(self) -> None:
        """Who has not logged in is sent to where one does, also with a token of a client."""
        shown = {"Authorization": f"Token {self.hidden.token}"}
        for pattern in pages:
            if pattern.name in (None, *PUBLIC, "logout"):
                continue
            for address in self.addresses(pattern):
                for method in ("get", "post"):
                    got, changed = self.asked(
                        lambda a=address, m=method: getattr(Browser(), m)(a, headers=shown)
                    )
                    self.assertEqual(got.status_code, 302, address)
                    self.assertTrue(got["Location"].startswith("/login/?next="), address)
                    self.assertFalse(changed, address)

    def test_nothing_else_is_there(self) -> None:
        """The patterns of pages and of the API are all that there is."""
        found = [one for part in get_resolver().url_patterns for one in part.url_patterns]
        self.assertEqual(len(found), len(pages) + 6)


class ApiTests(MatrixCase):
    def setUp(self) -> None:
        super().setUp()
        self.document = document()
        self.rows = api_rows(self.hidden)

    def target(self, path: str, method: str) -> str:
        """An address of the hidden world."""
        hidden = self.hidden
        numbers = {"clients": hidden.client.pk, "users": hidden.member.pk, "ledger": "a"}
        row = numbers.get(path.split("/")[1], hidden.capture.pk)
        query = f"?offset=0&job={hidden.capture.pk}" if row == "a" and method == "PUT" else ""
        return "/api" + path.format(row=row) + query

    def cells(self) -> Iterator[tuple[str, str, ApiRow]]:
        """Each operation that is described, with its row."""
        described = {
            (path, method.upper())
            for path, methods in self.document["paths"].items()
            for method in methods
            if method != "parameters"
        }
        self.assertEqual(described, {*self.rows})
        for (path, method), row in self.rows.items():
            yield path, method, row

    def ask(self, path: str, method: str, row: ApiRow, token: str | None) -> tuple[Any, bool]:
        """The answer, which is as described, and whether anything was changed."""
        body = row.body if isinstance(row.body, bytes) else json.dumps(row.body).encode()
        shown = {} if token is None else {"Authorization": f"Token {token}"}
        target = self.target(path, method)
        got, changed = self.asked(
            lambda: Browser().generic(
                method, target, b"" if row.body is None else body, JSON, headers=shown
            )
        )
        responses = self.document["paths"][path][method.lower()]["responses"]
        self.assertIn(str(got.status_code), responses, (path, method, got.content))
        if got.content:
            described = responses[str(got.status_code)]
            if "$ref" in described:
                described = self.document["components"]["responses"][str(got.status_code)]
            schema = described["content"][JSON]["schema"]
            whole = {"components": self.document["components"], **schema}
            Draft202012Validator(whole).validate(got.json())
        return got, changed

    def test_every_person(self) -> None:
        """With a key that writes, and with one that only reads: then no change is done."""
        for one in PEOPLE:
            person = self.hidden.people[one]
            self.hidden.owned_by(one)
            writes = self.world.key(person)
            reads = self.world.key(person, may_write=False)
            for path, method, row in self.cells():
                where = (path, method, str(one))
                got, changed = self.ask(path, method, row, writes)
                self.assertEqual(got.status_code, row.rule(one), where)
                self.assertEqual(changed, method != "GET" and got.status_code < 300, where)
                if not one.sees:
                    self.assertNotIn(HIDDEN, got.content.decode(), where)
                got, changed = self.ask(path, method, row, reads)
                self.assertFalse(changed, where)
                if method != "GET" and row.rule(one) < 300:
                    self.assertEqual(got.status_code, 403, where)

    def test_every_client(self) -> None:
        """That of the project; that of another one, which learns and changes nothing of it."""
        for path, method, row in self.cells():
            got, _ = self.ask(path, method, row, self.hidden.token)
            self.assertEqual(got.status_code, row.own, (path, method))
            got, changed = self.ask(path, method, row, self.world.strange_token)
            self.assertEqual(got.status_code, row.strange, (path, method))
            self.assertFalse(changed, (path, method))
            self.assertNotIn(HIDDEN, got.content.decode(), (path, method))

    def test_nobody(self) -> None:
        """Without a token, with a wrong one, with a browser's session: 403, and nothing is done."""
        for path, method, row in self.cells():
            for token in (None, "0" * 40):
                got, changed = self.ask(path, method, row, token)
                self.assertEqual((got.status_code, changed), (403, False), (path, method))
            browser = self.world.browser(self.world.admin)
            got = browser.generic(method, self.target(path, method), b"", JSON)
            self.assertEqual(got.status_code, 403, (path, method))
