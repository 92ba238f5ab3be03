"""
The stand-in's API, request by request, against the recorded answers of the running server: what it
does besides the contract.
"""

import json

from tcsandbox.server.quirks import Quirks
from tcsandbox.server.rows import RESEARCHER_TOKEN, TOKEN, UserAccount
from tests.contract import BASE, FORM, JSON, NOT_FOUND, Answered, Asking
from tests.tcsandbox.standin import StandIn


class ApiCase(StandIn, Asking):
    """Job 1 has keywords, job 2 has none; both are client1's, as is the token."""

    def assert_crash(self, got: Answered) -> None:
        self.assertEqual((got.status, got.kind), (500, "text/html"))
        self.assertEqual(got.body, b"<h1>Server Error (500)</h1>")


class AuthenticationTests(ApiCase):
    def test_who_is_retired(self) -> None:
        """403 with a sentence of its own."""
        self.store.add_user(UserAccount(9, "gone", "9" * 40, active=False))
        got = self.ask("GET", "/api/activejobs/", authorization=f"Token {'9' * 40}")
        refused = {"detail": "User inactive or deleted."}
        self.assertEqual((got.status, json.loads(got.body)), (403, refused))

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
            self.assertEqual((got.status, got.kind), (404, "text/html"), target)
            self.assertTrue(got.body.startswith(b"<h1>Not Found</h1>"))

    def test_a_job_beyond_64_bits(self) -> None:
        """SQLite gives up."""
        self.assert_crash(self.ask("GET", f"/api/jobs/{2**63}/"))

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
    def test_a_body_of_no_type(self) -> None:
        """It is taken for text."""
        got = self.ask("POST", "/api/update/", b"x")
        self.assertEqual(got.status, 415)
        detail = 'Unsupported media type "text/plain" in request.'
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

    def test_a_list(self) -> None:
        """It has no more members than these."""
        self.store.archive(1)
        self.store.reassign(2, 7)
        self.assertEqual(
            self.json("GET", "/api/activejobs/"),
            (200, {"count": 0, "next": None, "previous": None, "results": []}),
        )


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
            self.assertEqual((got.status, got.kind), (404, "text/html"))
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
