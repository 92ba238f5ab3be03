"""
The contract that capture clients and capture servers keep: requests, and what was recorded of them.

These tests run against whatever serves it: a subclass says how it is asked and how its captures are
changed.  What servers differ in is not here.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import attrs
from twisted.trial.unittest import SynchronousTestCase

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
NOT_FOUND = {"detail": "Not found."}
BASE = "http://testserver"
MEMBERS = frozenset(
    (
        "id", "url", "name", "description", "keywords", "status", "task_id", "first_started",
        "started", "stopped", "assigned_worker", "assigned_worker_username", "total_count", "rate",
        "ping_date", "created_by", "created_by_username", "created_date", "modified_by",
        "modified_by_username", "modified_date", "deleted_by", "deleted_date", "archived_by",
        "archived_date", "recent_update",
    )
)  # fmt: skip
DIGITS = "Ensure that there are no more than"
WRONG_MOMENT = (
    "Datetime has wrong format. Use one of these formats instead: "
    "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
)


@attrs.frozen
class Answered:
    """What came back."""

    status: int
    kind: str
    headers: Mapping[str, str]
    body: bytes


class Contract(ABC):
    """
    What both ends rely on.

    There are the captures `demo`, for "cats, dogs", and `bare`, without keywords, by their numbers;
    both are started, and are the client's whose token is `token` and whose number is `worker`.
    """

    token: str
    worker: int
    demo: int
    bare: int

    @abstractmethod
    def request(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Answered:
        """Ask the server."""

    @abstractmethod
    def make(self, name: str) -> int:
        """Have one more capture of the client's."""

    @abstractmethod
    def stop(self, number: int) -> None:
        """Have a person ask for the end of a capture."""

    @abstractmethod
    def archive(self, number: int) -> None:
        """Have a person put a capture away."""

    @abstractmethod
    def give_away(self, number: int) -> None:
        """Have a person give a capture to another client."""


class Asking(Contract, SynchronousTestCase):
    """Ways to ask."""

    def ask(
        self, method: str, target: str, body: bytes | None = None, **headers: str | None
    ) -> Answered:
        """Ask with the client's token and a Content-Length, unless `headers` say otherwise."""
        sent: dict[str, str | None] = {"authorization": f"Token {self.token}"}
        if body is not None:
            sent["content-length"] = str(len(body))
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        present = {name: value for name, value in sent.items() if value is not None}
        return self.request(method, target, present, body or b"")

    def json(self, method: str, target: str, members: object = None) -> tuple[int, Any]:
        """Ask with a JSON body, and take the answer as JSON."""
        body = None if members is None else json.dumps(members).encode()
        got = self.ask(method, target, body, content_type=JSON)
        self.assertEqual(got.kind, JSON, got)
        return got.status, json.loads(got.body)

    def form(self, method: str, target: str, members: dict[str, object]) -> tuple[int, Any]:
        """Ask with a form."""
        got = self.ask(method, target, urlencode(members).encode(), content_type=FORM)
        return got.status, json.loads(got.body)

    def active(self, number: int) -> str:
        """The address of one of the client's captures."""
        return f"/api/activejobs/{number}/"

    def job(self, number: int) -> Any:
        """A capture as the client sees it, archived or not."""
        return self.json("GET", f"/api/jobs/{number}/")[1]


class AuthenticationContract(Asking):
    """Who may ask."""

    def test_every_failure_is_403_with_its_sentence(self) -> None:
        """Never 401, and never a WWW-Authenticate."""
        for header, detail in [
            (f"Token {'0' * 40}", "Invalid token."),
            (None, "Authentication credentials were not provided."),
            (f"Bearer {self.token}", "Authentication credentials were not provided."),
            ("Token", "Invalid token header. No credentials provided."),
            ("Token a b", "Invalid token header. Token string should not contain spaces."),
            ("Basic YTpi", "Invalid username/password."),
        ]:
            got = self.ask("GET", "/api/activejobs/", authorization=header)
            self.assertEqual((got.status, json.loads(got.body)), (403, {"detail": detail}))
            self.assertNotIn("WWW-Authenticate", got.headers)

    def test_the_scheme_is_case_insensitive(self) -> None:
        got = self.ask("GET", "/api/activejobs/", authorization=f"tOKEN {self.token}")
        self.assertEqual(got.status, 200)


class AddressContract(Asking):
    """What is where."""

    def test_unknown_addresses_are_pages(self) -> None:
        for target in (
            "/api//activejobs/",
            "/api/activejobs//",
            "/api/activejobs/.json",
            "/api/nothing/",
            "/api/jobs/1.5/x/",
        ):
            got = self.ask("GET", target)
            self.assertEqual((got.status, got.kind), (404, "text/html"), target)

    def test_unknown_jobs_are_json(self) -> None:
        """Also where the id is no number."""
        for target in ("/api/jobs/99999/", "/api/jobs/abc/", "/api/activejobs/99999/"):
            self.assertEqual(self.json("GET", target), (404, NOT_FOUND))

    def test_unknown_methods(self) -> None:
        for method, target in [
            ("POST", f"/api/jobs/{self.demo}/"),
            ("PATCH", "/api/activejobs/"),
            ("DELETE", "/api/update/"),
        ]:
            detail = {"detail": f'Method "{method}" not allowed.'}
            self.assertEqual(self.json(method, target), (405, detail))

    def test_the_current_user_is_not_found_with_a_token(self) -> None:
        self.assertEqual(self.json("GET", "/api/users/current/"), (404, NOT_FOUND))
        user = {"id": self.worker, "username": "client1"}
        self.assertEqual(self.json("GET", f"/api/users/{self.worker}/"), (200, user))

    def test_the_client_finds_itself(self) -> None:
        """With its captures."""
        [client] = self.json("GET", "/api/clients/")[1]["results"]
        self.assertEqual((client["id"], client["username"]), (self.worker, "client1"))
        self.assertEqual([job["id"] for job in client["active_jobs"]], [self.demo, self.bare])


class NegotiationContract(Asking):
    """In which form things are asked and answered."""

    def test_accept(self) -> None:
        """JSON unless a page is asked for by name; XML is not to be had."""
        for accept, status, kind in [
            (None, 200, JSON),
            ("*/*", 200, JSON),
            ("application/json", 200, JSON),
            ("text/html", 200, "text/html; charset=utf-8"),
            ("text/html,application/xml;q=0.9,*/*;q=0.8", 200, "text/html; charset=utf-8"),
            ("application/xml", 406, JSON),
        ]:
            got = self.ask("GET", "/api/activejobs/", accept=accept)
            self.assertEqual((got.status, got.kind), (status, kind), accept)

    def test_a_form_asked_for_leaks_into_the_addresses(self) -> None:
        for tail in (".json", "/?format=json"):
            target = f"/api/jobs/{self.demo}{tail}"
            self.assertEqual(self.json("GET", target)[1]["url"], BASE + target)
        self.assertEqual(self.json("GET", "/api/activejobs.json")[1]["count"], 2)
        self.assertEqual(self.json("GET", "/api/activejobs/?format=xml"), (404, NOT_FOUND))

    def test_body_types(self) -> None:
        """JSON with or without a charset, and both kinds of form; nothing else."""
        part = 'Content-Disposition: form-data; name="job"'
        multipart = f"--x\r\n{part}\r\n\r\n{self.demo}\r\n--x--\r\n".encode()
        for kind, body in [
            ("application/json; charset=utf-8", b'{"job": %d}' % self.demo),
            (FORM, b"job=%d" % self.demo),
            ("multipart/form-data; boundary=x", multipart),
        ]:
            got = self.ask("POST", "/api/update/", body, content_type=kind)
            self.assertEqual(got.status, 201, got)
        got = self.ask("POST", "/api/update/", b"x", content_type="text/xml")
        self.assertEqual(got.status, 415)
        detail = 'Unsupported media type "text/xml" in request.'
        self.assertEqual(json.loads(got.body), {"detail": detail})

    def test_malformed_json(self) -> None:
        parse = {"detail": "JSON parse error - No JSON object could be decoded"}
        listed = {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}
        for body, content in [(b"{", parse), (b"\xff", parse), (b"[]", listed)]:
            got = self.ask("PATCH", self.active(self.demo), body, content_type=JSON)
            self.assertEqual((got.status, json.loads(got.body)), (400, content))


class ReadingContract(Asking):
    """What a client sees of its captures."""

    def test_a_job_has_all_its_members(self) -> None:
        self.json("PATCH", self.active(self.demo), {"total_count": 7, "rate": "1.5"})
        job = self.job(self.demo)
        self.assertEqual(MEMBERS - job.keys(), set())
        expected = {
            "id": self.demo,
            "url": f"{BASE}/api/jobs/{self.demo}/",
            "name": "demo",
            "description": None,
            "keywords": "cats, dogs",
            "status": 2,
            "task_id": None,
            "first_started": None,
            "started": None,
            "stopped": None,
            "assigned_worker": self.worker,
            "assigned_worker_username": "client1",
            "total_count": 7,
            "rate": "1.500",
            "deleted_date": None,
            "archived_date": None,
            "recent_update": {},
        }
        self.assertEqual({name: job[name] for name in expected}, expected)
        self.assertRegex(job["created_date"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z$")
        self.assertIsNone(self.job(self.bare)["keywords"])

    def test_pages(self) -> None:
        """Ten rows unless a limit above zero is asked for; the addresses keep other members."""
        more = [self.make(f"more {number}") for number in range(13)]
        first = self.json("GET", "/api/activejobs/?x=1")[1]
        self.assertEqual((first["count"], len(first["results"])), (15, 10))
        self.assertIsNone(first["previous"])
        self.assertEqual(first["next"], BASE + "/api/activejobs/?limit=10&offset=10&x=1")
        second = self.json("GET", first["next"].removeprefix(BASE))[1]
        self.assertEqual([job["id"] for job in second["results"]], more[8:])
        self.assertIsNone(second["next"])
        self.assertEqual(second["previous"], BASE + "/api/activejobs/?limit=10&x=1")
        for query, length in [("limit=1000", 15), ("limit=0", 10), ("limit=x", 10), ("limit=3", 3)]:
            page = self.json("GET", f"/api/activejobs/?{query}")[1]
            self.assertEqual(len(page["results"]), length)

    def test_no_active_jobs(self) -> None:
        """Neither those that are archived nor another client's."""
        self.archive(self.demo)
        self.give_away(self.bare)
        nothing = {"count": 0, "next": None, "previous": None, "results": []}
        status, answer = self.json("GET", "/api/activejobs/")
        answer.pop("server_id", None)  # which the older server does not have
        self.assertEqual((status, answer), (200, nothing))
        for number in (self.demo, self.bare):
            self.assertEqual(self.json("GET", f"/api/jobs/{number}/")[0], 200)
            self.assertEqual(self.json("GET", self.active(number)), (404, NOT_FOUND))
            self.assertEqual(self.json("PATCH", self.active(number), {}), (404, NOT_FOUND))

    def test_jobs_by_activity(self) -> None:
        self.archive(self.demo)
        both = [self.demo, self.bare]
        for query, ids in [("", both), ("?active=true", both[1:]), ("?active=False", both[:1])]:
            jobs = self.json("GET", f"/api/jobs/{query}")[1]["results"]
            self.assertEqual([job["id"] for job in jobs], ids)


class WritingContract(Asking):
    """What a client reports."""

    def test_numbers(self) -> None:
        """As JSON and as a form."""
        members = {"total_count": 20, "rate": "2.5"}
        status, job = self.json("PATCH", self.active(self.demo), members)
        self.assertEqual((status, job["total_count"], job["rate"]), (200, 20, "2.500"))
        members = {"total_count": 30, "rate": "12.125"}
        status, job = self.form("PATCH", self.active(self.demo), members)
        self.assertEqual((status, job["total_count"], job["rate"]), (200, 30, "12.125"))
        self.assertEqual(job["status"], 2)

    def test_a_start_and_a_stop(self) -> None:
        """The answer sets the dates; the first start's stays."""
        job = self.json("PATCH", self.active(self.demo), {"status": 3})[1]
        self.assertEqual(job["status"], 3)
        self.assertEqual(job["started"], job["first_started"])
        self.assertIsNotNone(self.job(self.demo)["started"])
        self.stop(self.demo)
        self.assertEqual(self.job(self.demo)["status"], 4)
        job = self.json("PATCH", self.active(self.demo), {"status": 5})[1]
        self.assertEqual(job["status"], 5)
        self.assertIsNotNone(job["stopped"])

    def test_archiving_stops(self) -> None:
        """The client never sees that it is asked to stop."""
        self.json("PATCH", self.active(self.demo), {"status": 3})
        self.archive(self.demo)
        job = self.job(self.demo)
        self.assertEqual(job["status"], 5)
        self.assertIsNotNone(job["archived_date"])
        self.assertIsNotNone(job["stopped"])

    def test_the_whole_object_can_be_put_back(self) -> None:
        """As JSON, and as the old client's form: nulls dropped, recent_update flattened."""
        for number in (self.demo, self.bare):
            job = self.job(number)
            target = self.active(number)
            self.assertEqual(self.json("PUT", target, job | {"status": 3})[1]["status"], 3)
            members = {name: value for name, value in job.items() if value is not None}
            members |= {"status": 3, "recent_update": "date"}
            self.assertEqual(self.form("PUT", target, members)[0], 200)

    def test_a_put_lacks_its_name(self) -> None:
        refused = (400, {"name": ["This field is required."]})
        self.assertEqual(self.json("PUT", self.active(self.demo), {"status": 4}), refused)

    def test_values(self) -> None:
        """What is taken, and how it is written out."""
        for member, given, written in [
            ("rate", "99999.999", "99999.999"),
            ("rate", -1.5, "-1.500"),
            ("rate", "1e3", "1000.000"),
            ("rate", 0.30000000000000004, "0.300"),
            ("rate", None, None),
            ("total_count", 10.0, 10),
            ("total_count", "11", 11),
            ("total_count", 2**31, 2**31),
        ]:
            status, job = self.json("PATCH", self.active(self.demo), {member: given})
            self.assertEqual((status, job[member]), (200, written), given)

    def test_values_that_are_refused(self) -> None:
        """Each with its sentence, and nothing is written."""
        places, digits = f"{DIGITS} 3 decimal places.", f"{DIGITS} 8 digits in total."
        whole = f"{DIGITS} 5 digits before the decimal point."
        number, integer = "A valid number is required.", "A valid integer is required."
        for member, given, sentence in [
            ("rate", 1.2345, places),
            ("rate", "1.2000", places),
            ("rate", "1E-7", places),
            ("rate", 100000, whole),
            ("rate", "100000.000", digits),
            ("rate", 99999.9999, digits),
            ("rate", "NaN", number),
            ("rate", "Infinity", number),
            ("rate", "abc", number),
            ("rate", "1,5", number),
            ("rate", "", number),
            ("total_count", 1.5, integer),
            ("total_count", "x", integer),
            ("total_count", True, integer),
            ("total_count", "", integer),
            ("status", 6, '"6" is not a valid choice.'),
            ("status", -1, '"-1" is not a valid choice.'),
            ("status", "started", '"started" is not a valid choice.'),
            ("status", "", '"" is not a valid choice.'),
            ("status", None, "This field may not be null."),
            ("description", "", "This field may not be blank."),
            ("keywords", " ", "This field may not be blank."),
            ("name", "a/b", "Only alphanumeric characters, spaces, and _ and - are allowed."),
            ("name", "x" * 65, "Ensure this field has no more than 64 characters."),
            ("ping_date", "garbage", WRONG_MOMENT),
            ("archived_date", "2026-01-01", WRONG_MOMENT),
        ]:
            answer = self.json("PATCH", self.active(self.demo), {member: given})
            self.assertEqual(answer, (400, {member: [sentence]}), given)
        job = self.job(self.demo)
        self.assertEqual((job["rate"], job["total_count"], job["status"]), (None, None, 2))

    def test_all_that_is_wrong_is_said_at_once(self) -> None:
        members = {"rate": "x", "total_count": "x"}
        status, errors = self.json("PATCH", self.active(self.demo), members)
        self.assertEqual((status, errors.keys()), (400, members.keys()))

    def test_unknown_members_are_ignored(self) -> None:
        members = {"id": 99, "color": "red", "recent_update": {}, "status": 3}
        status, job = self.json("PATCH", self.active(self.demo), members)
        self.assertEqual((status, job["id"], job["status"]), (200, self.demo, 3))


class UpdateContract(Asking):
    """The rows that a client adds."""

    def test_updates(self) -> None:
        """The answer has no id; the job shows the newest."""
        members = {"job": str(self.demo), "count": 5, "total_count": 100, "rate": "1.25"}
        expected = {"count": 5, "total_count": 100, "rate": "1.250", "job": self.demo}
        for answer in (
            self.json("POST", "/api/update/", members),
            self.form("POST", "/api/update/", members),
        ):
            self.assertEqual(answer[0], 201)
            self.assertRegex(answer[1].pop("date"), r"^\d{4}-\d\d-\d\dT\S+Z$")
            self.assertEqual(answer[1], expected)
        self.assertEqual(self.json("GET", "/api/update/")[1]["count"], 2)
        recent = self.json("GET", self.active(self.demo))[1]["recent_update"]
        self.assertEqual((recent["total_count"], recent["rate"]), (100, "1.250"))

    def test_of_an_archived_capture(self) -> None:
        """What was captured before it was put away still counts."""
        self.archive(self.demo)
        members = {"job": self.demo, "count": 5, "total_count": 100}
        self.assertEqual(self.json("POST", "/api/update/", members)[0], 201)

    def test_only_the_job_is_needed(self) -> None:
        status, row = self.json("POST", "/api/update/", {"job": self.demo})
        self.assertEqual(status, 201)
        self.assertEqual((row["count"], row["total_count"], row["rate"]), (None, None, None))

    def test_refused(self) -> None:
        missing = 'Invalid pk "99999" - object does not exist.'
        places = f"{DIGITS} 3 decimal places."
        for members, errors in [
            ({}, {"job": ["This field is required."]}),
            ({"job": 99999}, {"job": [missing]}),
            ({"job": None}, {"job": ["This field may not be null."]}),
            ({"job": self.demo, "rate": "1.2345"}, {"rate": [places]}),
            ({"job": self.demo, "count": "x"}, {"count": ["A valid integer is required."]}),
        ]:
            self.assertEqual(self.json("POST", "/api/update/", members), (400, errors))
