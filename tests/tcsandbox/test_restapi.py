"""The stand-in's API, request by request, against the recorded answers of the running server."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tcsandbox.server.jobstore import JobStore
from tcsandbox.server.negotiation import ApiRequest
from tcsandbox.server.quirks import Quirks
from tcsandbox.server.restapi import ApiAnswer, answer
from tcsandbox.server.rows import RESEARCHER_TOKEN, TOKEN, UserAccount
from tcsandbox.server.standin import server_time

START = datetime(2026, 6, 1, 10, 0, 0, 250000, tzinfo=UTC)
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
NOT_FOUND = {"detail": "Not found."}
BASE = "http://testserver"


class ApiCase(SynchronousTestCase):
    """Job 1 has keywords, job 2 has none; both are client1's, as is the token."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(START.timestamp())
        self.store = JobStore(server_time(self.clock))
        self.quirks = Quirks()
        self.store.create("demo", "cats, dogs")
        self.store.create("bare", None)

    def ask(
        self, method: str, target: str, body: bytes | None = None, **headers: str | None
    ) -> ApiAnswer:
        """Ask with the client's token and a Content-Length unless `headers` say otherwise."""
        sent: dict[str, str | None] = {"authorization": f"Token {TOKEN}"}
        if body is not None:
            sent["content-length"] = str(len(body))
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        present = {name: value for name, value in sent.items() if value is not None}
        request = ApiRequest(method, target, present, body or b"")
        return answer(request, self.store, self.quirks)

    def json(self, method: str, target: str, members: object = None) -> tuple[int, Any]:
        """Ask with a JSON body, and take the answer as JSON."""
        body = None if members is None else json.dumps(members).encode()
        got = self.ask(method, target, body, content_type=JSON)
        self.assertEqual(got.content_type, JSON, got)
        return got.status, json.loads(got.body)

    def form(self, method: str, target: str, members: dict[str, object]) -> tuple[int, Any]:
        """Ask with a form."""
        got = self.ask(method, target, urlencode(members).encode(), content_type=FORM)
        return got.status, json.loads(got.body)

    def assert_crash(self, got: ApiAnswer) -> None:
        self.assertEqual((got.status, got.content_type), (500, "text/html"))
        self.assertEqual(got.body, b"<h1>Server Error (500)</h1>")


class AuthenticationTests(ApiCase):
    def test_every_failure_is_403_with_its_sentence(self) -> None:
        """Never 401, and never a WWW-Authenticate."""
        self.store.add_user(UserAccount(9, "gone", "9" * 40, active=False))
        for header, detail in [
            (f"Token {'0' * 40}", "Invalid token."),
            (None, "Authentication credentials were not provided."),
            (f"Bearer {TOKEN}", "Authentication credentials were not provided."),
            ("Token", "Invalid token header. No credentials provided."),
            ("Token a b", "Invalid token header. Token string should not contain spaces."),
            (f"Token {'9' * 40}", "User inactive or deleted."),
            ("Basic YTpi", "Invalid username/password."),
        ]:
            got = self.ask("GET", "/api/activejobs/", authorization=header)
            self.assertEqual(got.status, 403)
            self.assertEqual(json.loads(got.body), {"detail": detail})
            self.assertNotIn("WWW-Authenticate", got.headers)

    def test_any_token_may_write_any_job(self) -> None:
        """A researcher's archived job, too."""
        self.store.reassign(2, 7)
        self.store.archive(2)
        self.assertEqual(self.json("PATCH", "/api/jobs/2/", {"status": 3})[0], 200)
        self.assertEqual(self.json("POST", "/api/update/", {"job": 2})[0], 201)

    def test_the_root_is_for_staff(self) -> None:
        status, content = self.json("GET", "/api/")
        self.assertEqual(status, 403)
        self.assertEqual(content, {"detail": "You do not have permission to perform this action."})
        got = self.ask("GET", "/api/", authorization=f"Token {RESEARCHER_TOKEN}")
        self.assertEqual(got.status, 200)


class AddressTests(ApiCase):
    def test_a_missing_slash_is_redirected_whatever_the_method(self) -> None:
        """301 to an absolute address, without a body, before any token is looked at."""
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            got = self.ask(method, "/api/update?limit=3", b"{}", authorization=None)
            self.assertEqual((got.status, got.body), (301, b""))
            self.assertEqual(got.headers["Location"], BASE + "/api/update/?limit=3")
        self.assertEqual(
            self.ask("PATCH", "/api/jobs/1").headers["Location"], BASE + "/api/jobs/1/"
        )
        self.assertEqual(self.ask("GET", "/api").headers["Location"], BASE + "/api/")

    def test_unknown_addresses_are_pages(self) -> None:
        for target in (
            "/api//activejobs/",
            "//api/activejobs/",
            "/api/activejobs//",
            "/api/activejobs/.json",
            "/api/nothing/",
            "/api/nothing",
            "/api/jobs/1.5/x/",
            "/other",
        ):
            got = self.ask("GET", target)
            self.assertEqual((got.status, got.content_type), (404, "text/html"), target)
            self.assertTrue(got.body.startswith(b"<h1>Not Found</h1>"))

    def test_unknown_jobs_are_json(self) -> None:
        """Also where the id is no number; beyond 64 bits SQLite gives up."""
        for target in ("/api/jobs/99/", "/api/jobs/abc/", "/api/activejobs/99/"):
            self.assertEqual(self.json("GET", target), (404, NOT_FOUND))
        self.assert_crash(self.ask("GET", f"/api/jobs/{2**63}/"))

    def test_unknown_methods(self) -> None:
        for method, target in [
            ("POST", "/api/jobs/1/"),
            ("PATCH", "/api/activejobs/"),
            ("DELETE", "/api/update/"),
        ]:
            self.assertEqual(
                self.json(method, target), (405, {"detail": f'Method "{method}" not allowed.'})
            )

    def test_current_user_is_not_found_with_a_token(self) -> None:
        self.assertEqual(self.json("GET", "/api/users/current/"), (404, NOT_FOUND))
        self.assertEqual(self.json("GET", "/api/users/1/"), (200, {"id": 1, "username": "client1"}))

    def test_clients_tell_their_tokens(self) -> None:
        """Every client's to every client; researchers are none."""
        content = self.json("GET", "/api/clients/")[1]
        (client,) = content["results"]
        self.assertEqual(
            client["auth_token"], {"key": TOKEN, "created": "2026-06-01T10:00:00.250000Z"}
        )
        self.assertEqual([job["id"] for job in client["active_jobs"]], [1, 2])
        self.assertEqual(self.json("GET", "/api/clients/1000/"), (404, NOT_FOUND))


class NegotiationTests(ApiCase):
    def test_body_types(self) -> None:
        """JSON with or without a charset, and both kinds of form."""
        boundary = b'--x\r\nContent-Disposition: form-data; name="job"\r\n\r\n1\r\n--x--\r\n'
        for kind, body in [
            ("application/json; charset=utf-8", b'{"job": 1}'),
            (FORM, b"job=1"),
            ("multipart/form-data; boundary=x", boundary),
        ]:
            got = self.ask("POST", "/api/update/", body, content_type=kind)
            self.assertEqual(got.status, 201, got)
        for sent, told in [("text/xml", "text/xml"), (None, "text/plain")]:
            got = self.ask("POST", "/api/update/", b"x", content_type=sent)
            self.assertEqual(got.status, 415)
            detail = f'Unsupported media type "{told}" in request.'
            self.assertEqual(json.loads(got.body), {"detail": detail})

    def test_a_body_without_content_length_is_empty(self) -> None:
        """A chunked update lacks its job, a chunked PATCH changes nothing and succeeds."""
        got = self.ask(
            "POST", "/api/update/", b'{"job": 1}', content_type=JSON, content_length=None
        )
        self.assertEqual(got.status, 400)
        self.assertEqual(json.loads(got.body), {"job": ["This field is required."]})
        got = self.ask(
            "PATCH", "/api/activejobs/1/", b'{"status": 5}', content_type=JSON, content_length=None
        )
        self.assertEqual((got.status, json.loads(got.body)["status"]), (200, 2))


class ReadingTests(ApiCase):
    def test_a_job_has_all_its_members(self) -> None:
        self.json("PATCH", "/api/activejobs/1/", {"total_count": 7, "rate": "1.5"})
        self.assertEqual(
            self.json("GET", "/api/jobs/1/")[1],
            {
                "id": 1,
                "url": BASE + "/api/jobs/1/",
                "name": "demo",
                "description": None,
                "keywords": "cats, dogs",
                "status": 2,
                "task_id": None,
                "first_started": None,
                "started": None,
                "stopped": None,
                "assigned_worker": 1,
                "assigned_worker_username": "client1",
                "total_count": 7,
                "rate": "1.500",
                "ping_date": None,
                "created_by": 1000,
                "created_by_username": "admin",
                "created_date": "2026-06-01T10:00:00.250000Z",
                "modified_by": None,
                "modified_by_username": None,
                "modified_date": "2026-06-01T10:00:00.250000Z",
                "deleted_by": None,
                "deleted_date": None,
                "archived_by": None,
                "archived_date": None,
                "recent_update": {},
            },
        )

    def test_pages(self) -> None:
        """Ten rows unless a limit above zero is asked for; the addresses keep other members."""
        for number in range(13):
            self.store.create(f"more {number}")
        first = self.json("GET", "/api/activejobs/?x=1")[1]
        self.assertEqual((first["count"], len(first["results"])), (15, 10))
        self.assertIsNone(first["previous"])
        self.assertEqual(first["next"], BASE + "/api/activejobs/?limit=10&offset=10&x=1")
        second = self.json("GET", first["next"].removeprefix(BASE))[1]
        self.assertEqual([job["id"] for job in second["results"]], [11, 12, 13, 14, 15])
        self.assertIsNone(second["next"])
        self.assertEqual(second["previous"], BASE + "/api/activejobs/?limit=10&x=1")
        for query, length in [("limit=1000", 15), ("limit=0", 10), ("limit=x", 10), ("limit=3", 3)]:
            self.assertEqual(
                len(self.json("GET", f"/api/activejobs/?{query}")[1]["results"]), length
            )

    def test_no_active_jobs(self) -> None:
        self.store.archive(1)
        self.store.reassign(2, 7)
        self.assertEqual(
            self.json("GET", "/api/activejobs/"),
            (200, {"count": 0, "next": None, "previous": None, "results": []}),
        )
        self.assertEqual(self.json("GET", "/api/jobs/1/")[0], 200)
        self.assertEqual(self.json("GET", "/api/activejobs/1/"), (404, NOT_FOUND))
        self.assertEqual(self.json("PATCH", "/api/activejobs/2/", {}), (404, NOT_FOUND))

    def test_jobs_by_activity(self) -> None:
        self.store.archive(1)
        for query, ids in [("", [1, 2]), ("?active=true", [2]), ("?active=False", [1])]:
            jobs = self.json("GET", f"/api/jobs/{query}")[1]["results"]
            self.assertEqual([job["id"] for job in jobs], ids)


class WritingTests(ApiCase):
    def test_dates_come_without_zone_from_the_write_that_sets_them(self) -> None:
        """The next reading has it."""
        status, job = self.json("PATCH", "/api/activejobs/1/", {"status": 3})
        self.assertEqual(status, 200)
        self.assertEqual(job["started"], "2026-06-01T10:00:00.250000")
        self.assertEqual(job["first_started"], "2026-06-01T10:00:00.250000")
        self.assertEqual(job["modified_date"], "2026-06-01T10:00:00.250000Z")
        job = self.json("GET", "/api/jobs/1/")[1]
        self.assertEqual(job["started"], "2026-06-01T10:00:00.250000Z")

    def test_a_part_of_a_job_through_jobs_crashes_without_its_keywords(self) -> None:
        """Form and JSON alike; with the stored ones it is taken."""
        self.assert_crash(self.ask("PATCH", "/api/jobs/1/", b"{}", content_type=JSON))
        self.assert_crash(self.ask("PATCH", "/api/jobs/1/", b"status=5", content_type=FORM))
        self.assert_crash(self.ask("PATCH", "/api/jobs/1/", b"keywords=", content_type=FORM))
        self.assertEqual(self.store.jobs[1].status, 2)
        members = {"keywords": "cats, dogs", "status": 5}
        self.assertEqual(self.form("PATCH", "/api/jobs/1/", members)[0], 200)
        status, content = self.json("PATCH", "/api/jobs/1/", {"keywords": " "})
        self.assertEqual((status, content), (400, {"keywords": ["This field may not be blank."]}))

    def test_a_part_of_a_job_through_activejobs_is_always_taken(self) -> None:
        """No heartbeat, no history; keywords may be given to a job that had none."""
        status, job = self.form("PATCH", "/api/activejobs/1/", {"total_count": 20, "rate": "2.5"})
        self.assertEqual((status, job["total_count"], job["rate"]), (200, 20, "2.500"))
        self.assertIsNone(job["ping_date"])
        job = self.json("PATCH", "/api/activejobs/1/", {"ping_date": "2026-01-02T03:04:05Z"})[1]
        self.assertEqual(job["ping_date"], "2026-01-02T03:04:05Z")
        self.assertEqual(self.json("PATCH", "/api/activejobs/2/", {"keywords": "a"})[0], 200)
        self.assertEqual(self.store.history, [])

    def test_a_heartbeat_through_jobs(self) -> None:
        """The date is the server's, and a false row of history stays."""
        job = self.json("PATCH", "/api/jobs/2/", {"ping_date": None, "total_count": 1})[1]
        self.assertEqual(job["ping_date"], "2026-06-01T10:00:00.250000Z")
        (row,) = self.json("GET", "/api/jobmodifications/?job=2")[1]["results"]
        self.assertEqual(json.loads(row["changes"]), {"name": {"new": "bare", "old": None}})
        self.assertEqual(row["modified_by_username"], "client1")

    def test_the_whole_object_can_be_put_back(self) -> None:
        """As JSON, and as the old client's form: nulls dropped, recent_update flattened."""
        for number in (1, 2):
            job = self.json("GET", f"/api/jobs/{number}/")[1]
            self.assertEqual(self.json("PUT", f"/api/jobs/{number}/", job | {"status": 4})[0], 200)
            members = {name: value for name, value in job.items() if value is not None}
            members |= {"status": 3, "recent_update": "date"}
            self.assertEqual(self.form("PUT", f"/api/jobs/{number}/", members)[0], 200)

    def test_deleting(self) -> None:
        """Through jobs only a mark, through activejobs for good."""
        self.assertEqual(self.ask("DELETE", "/api/jobs/1/").status, 204)
        self.assertEqual(self.json("GET", "/api/activejobs/1/")[1]["deleted_by"], 1)
        got = self.ask("DELETE", "/api/activejobs/1/")
        self.assertEqual((got.status, got.body), (204, b""))
        self.assertEqual(self.json("GET", "/api/jobs/1/"), (404, NOT_FOUND))

    def test_creating(self) -> None:
        """What the site sends; several active jobs of one client are possible this way."""
        status, job = self.json(
            "POST", "/api/jobs/", {"name": "new", "status": 0, "keywords": None, "terms": "x"}
        )
        self.assertEqual((status, job["id"], job["status"]), (201, 3, 0))
        self.assertEqual((job["assigned_worker"], job["created_by"]), (None, None))
        status, job = self.json(
            "POST", "/api/jobs/", {"name": "newer", "status": 2, "assigned_worker": 1}
        )
        self.assertEqual((status, job["assigned_worker_username"]), (201, "client1"))

    def test_updates(self) -> None:
        """The answer has no id; the job shows the newest and is otherwise untouched."""
        members = {"job": "1", "count": 5, "total_count": 100, "rate": "1.25"}
        expected = {
            "date": "2026-06-01T10:00:00.250000Z",
            "count": 5,
            "total_count": 100,
            "rate": "1.250",
            "job": 1,
        }
        self.assertEqual(self.json("POST", "/api/update/", members), (201, expected))
        self.assertEqual(self.form("POST", "/api/update/", members), (201, expected))
        self.assertEqual(self.json("GET", "/api/update/")[1]["count"], 2)
        job = self.json("GET", "/api/activejobs/1/")[1]
        self.assertEqual(
            job["recent_update"],
            {"date": "2026-06-01T10:00:00.250000Z", "total_count": 100, "rate": "1.250"},
        )
        self.assertIsNone(job["total_count"])

    def test_refused_updates(self) -> None:
        for members, errors in [
            ({}, {"job": ["This field is required."]}),
            ({"job": 9999}, {"job": ['Invalid pk "9999" - object does not exist.']}),
            ({"job": None}, {"job": ["This field may not be null."]}),
            (
                {"job": 1, "rate": "1.2345"},
                {"rate": ["Ensure that there are no more than 3 decimal places."]},
            ),
            ({"job": 1, "count": "x"}, {"count": ["A valid integer is required."]}),
        ]:
            self.assertEqual(self.json("POST", "/api/update/", members), (400, errors))


class QuirkTests(ApiCase):
    def test_a_server_that_cannot_write_active_jobs(self) -> None:
        """405: they are still read, one by one too."""
        self.quirks = Quirks(without_activejobs_detail=405)
        self.assertEqual(
            self.json("PATCH", "/api/activejobs/1/", {"status": 3}),
            (405, {"detail": 'Method "PATCH" not allowed.'}),
        )
        self.assertEqual(self.json("GET", "/api/activejobs/1/")[0], 200)

    def test_a_server_without_single_active_jobs(self) -> None:
        """404: the page of an address that does not exist, with and without the slash."""
        self.quirks = Quirks(without_activejobs_detail=404)
        for method, target in [("PATCH", "/api/activejobs/1/"), ("GET", "/api/activejobs/1")]:
            got = self.ask(method, target, b"{}", content_type=JSON)
            self.assertEqual((got.status, got.content_type), (404, "text/html"))
        self.assertEqual(self.json("GET", "/api/activejobs/")[0], 200)

    def test_an_old_server_calls_keywords_twitter_keywords(self) -> None:
        """In what it tells and in what it takes."""
        self.quirks = Quirks(keywords_member="twitter_keywords")
        job = self.json("GET", "/api/jobs/1/")[1]
        self.assertEqual(job["twitter_keywords"], "cats, dogs")
        self.assertNotIn("keywords", job)
        job = self.json("PATCH", "/api/activejobs/1/", {"twitter_keywords": "a", "keywords": "b"})[
            1
        ]
        self.assertEqual(job["twitter_keywords"], "a")
        refused = self.json("PATCH", "/api/activejobs/1/", {"twitter_keywords": ""})[1]
        self.assertEqual(refused, {"twitter_keywords": ["This field may not be blank."]})

    def test_integers_by_database(self) -> None:
        """MySQL names its limit, SQLite breaks at a higher one."""
        members = {"total_count": 2**31}
        self.assertEqual(self.json("PATCH", "/api/activejobs/1/", members)[0], 200)
        got = self.ask(
            "PATCH",
            "/api/activejobs/1/",
            b'{"total_count": 9223372036854775808}',
            content_type=JSON,
        )
        self.assert_crash(got)
        self.quirks = Quirks(database="mysql")
        message = "Ensure this value is less than or equal to 2147483647."
        self.assertEqual(
            self.json("PATCH", "/api/activejobs/1/", members), (400, {"total_count": [message]})
        )
