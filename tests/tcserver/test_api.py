"""What the API has beyond the contract: revisions, state, host, ledgers, keys, and who may what."""

import json
from hashlib import sha256
from typing import Any

from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext, override_settings

from tcserver.accounts.models import LedgerPiece
from tcserver.captures.services.archive import archive, unarchive
from tcserver.captures.services.assign import assign
from tcserver.captures.services.edit import edit
from tcserver.captures.services.start import start
from tcserver.captures.services.stop import stop
from tcserver.fleet.models import Client, Token
from tcserver.fleet.services.clients import create_client, retire
from tcserver.fleet.services.tokens import issue, revoke
from tcserver.history.models import HistoryEntry
from tcserver.people.identity import server_id
from tests.tcserver.case import CommittedCase, DatabaseCase

JSON = "application/json"


class ApiCase(DatabaseCase):
    """Asks with client1's token, or another one."""

    def setUp(self) -> None:
        super().setUp()
        self.token = self.world.token
        self.demo = self.world.demo.pk

    def raw(self, method: str, target: str, body: bytes = b"", kind: str = JSON) -> Any:
        """The response to a request."""
        shown = {"Authorization": f"Token {self.token}"}
        return Browser().generic(method, f"/api/{target}", body, content_type=kind, headers=shown)

    def ask(self, method: str, target: str, members: Any = None) -> tuple[int, Any]:
        """Status and content of the answer to a request with a JSON body."""
        body = b"" if members is None else json.dumps(members).encode()
        got = self.raw(method, target, body)
        return got.status_code, json.loads(got.content) if got.content else None

    def statements(self, method: str, target: str, members: Any = None) -> int:
        """How many statements a request takes, besides those that begin and end transactions."""
        with CaptureQueriesContext(connection) as seen:
            self.assertLess(self.ask(method, target, members)[0], 300)
        words = [query["sql"].split()[0] for query in seen.captured_queries]
        return len(
            [word for word in words if word not in ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")]
        )


class CostTests(ApiCase):
    def setUp(self) -> None:
        super().setUp()
        server_id()

    def come_anew(self) -> None:
        """Have the client come as it was never here, so that its contact is due."""
        self.token = issue(self.world.client.pk, self.world.act(self.world.admin))

    def test_a_poll(self) -> None:
        """Three the first time, then two; more captures cost no more."""
        self.assertEqual(self.statements("GET", "activejobs/?limit=1000"), 3)
        for number in range(20):
            self.world.capture(f"more {number}")
        self.assertEqual(self.statements("GET", "activejobs/?limit=1000"), 2)

    def test_reports(self) -> None:
        """Four each at most, also where the contact is due, and the status is another one."""
        for method, target, members in [
            ("PATCH", f"activejobs/{self.demo}/", {"total_count": 1, "rate": "1.000"}),
            ("PATCH", f"activejobs/{self.demo}/", {"status": 3, "total_count": 2}),
            ("PATCH", f"jobs/{self.demo}/", {"status": 5, "total_count": 3}),
            ("POST", "update/", {"job": self.demo, "count": 1, "total_count": 1}),
            ("PUT", "state/", [{"job": self.demo, "condition": "open"}]),
            ("PUT", "host/", {"disk_free": 1}),
        ]:
            self.come_anew()
            self.assertLessEqual(self.statements(method, target, members), 4, target)
            self.assertIsNotNone(Token.objects.latest("pk").contact_at, target)

    def test_whatever_there_is(self) -> None:
        """As many with twenty captures, all of them told of, and with a ledger that is long."""
        jobs = [self.world.capture(f"more {number}").pk for number in range(20)]
        states = [{"job": job, "condition": "open", "total": 1} for job in (self.demo, *jobs)]
        for method, target, members, most in [
            ("PATCH", f"activejobs/{self.demo}/", {"total_count": 1, "rate": "1.000"}, 4),
            ("PATCH", f"activejobs/{self.demo}/", {"status": 3}, 4),
            ("POST", "update/", {"job": self.demo, "count": 1, "total_count": 1}, 4),
            ("PUT", "state/", states, 4),
            ("GET", "ledger/a/", None, 3),
        ]:
            self.come_anew()
            self.assertLessEqual(self.statements(method, target, members), most, target)
        taken = []
        for number in range(5):
            self.come_anew()
            target = f"ledger/a/?job={self.demo}&offset={number}"
            taken.append(self.statements("PUT", target, 1))
        self.assertEqual(taken[1:], taken[1:2] * 4)
        self.assertLessEqual(max(taken), 10)

    def test_the_clients(self) -> None:
        """Six for twenty of them, three to find out who asks; some have captures and tokens."""
        act, last = self.world.act(self.world.admin), ""
        for number in range(19):
            client = create_client(f"more {number}", [self.world.project.pk], act)
            last = issue(client.pk, act) if number % 2 else last
            self.world.capture(f"of {number}", client=client)
        self.token = self.world.key(self.world.rita)
        self.ask("GET", "clients/")
        self.assertLessEqual(self.statements("GET", "clients/?limit=20"), 6)
        _, told = self.ask("GET", "clients/?limit=3&offset=17")
        self.assertEqual(told["count"], 20)
        ends = [(one["username"], one["active_jobs"][0]["name"]) for one in told["results"]]
        self.assertEqual(ends, [(f"more {n}", f"of {n}") for n in (16, 17, 18)])
        tokens = [one["auth_token"] for one in told["results"]]
        self.assertEqual([one and one["key"][:8] for one in tokens], [None, last[:8], None])

    def test_a_status(self) -> None:
        """Four after a poll, as it always is, whoever has made, changed and taken out the job."""
        act = self.world.act(self.world.rita)
        archive(self.demo, act)
        unarchive(self.demo, act)
        start(self.demo, act)
        self.ask("GET", "activejobs/")
        address = f"activejobs/{self.demo}/"
        self.assertEqual(self.statements("PATCH", address, {"status": 3, "total_count": 7}), 4)
        _, told = self.ask("PATCH", address, {"status": 3, "total_count": 8, "rate": "1.500"})
        self.assertEqual(told, self.ask("GET", address)[1])
        self.assertEqual((told["total_count"], told["modified_by_username"]), (8, "rita"))


class LateUpdateTests(ApiCase):
    def test_what_was_so_some_time_ago(self) -> None:
        """It is counted, and takes the place of no number that was told since."""
        address = f"activejobs/{self.demo}/"
        self.ask("PATCH", address, {"total_count": 9, "rate": "2.000"})
        late = {"job": self.demo, "count": 3, "total_count": 3, "rate": None}
        self.ask("POST", "update/", late | {"at": "2026-06-01T10:00:00Z"})
        job = self.ask("GET", address)[1]
        self.assertEqual((job["total_count"], job["rate"]), (9, "2.000"))
        self.assertEqual(job["recent_update"]["total_count"], 3)


class RevisionTests(ApiCase):
    def test_it_rises_with_what_people_want(self) -> None:
        """Not with what the client reports."""
        self.assertEqual(self.ask("GET", f"activejobs/{self.demo}/")[1]["revision"], 1)
        self.ask("PATCH", f"activejobs/{self.demo}/", {"status": 3, "total_count": 5})
        edit(self.demo, self.world.act(self.world.rita), keywords="birds")
        job = self.ask("GET", f"activejobs/{self.demo}/")[1]
        self.assertEqual((job["revision"], job["keywords"]), (2, "birds"))
        self.assertEqual(job["modified_by_username"], "rita")


class ClientTests(ApiCase):
    """What a client's token does not open."""

    def test_a_stale_object_undoes_nothing(self) -> None:
        """It writes numbers and the status; a name, keywords, an archive date are let be."""
        job = self.ask("GET", f"activejobs/{self.demo}/")[1]
        edit(self.demo, self.world.act(self.world.rita), name="pets", keywords="birds")
        stop(self.demo, self.world.act(self.world.rita))
        stale = job | {"status": 3, "total_count": 9, "archived_date": "2026-01-01T00:00:00Z"}
        status, job = self.ask("PUT", f"jobs/{self.demo}/", stale)
        self.assertEqual((status, job["name"], job["keywords"]), (200, "pets", "birds"))
        self.assertEqual((job["status"], job["total_count"], job["archived_date"]), (4, 9, None))

    def test_a_client_that_has_not_seen_the_newest_wish(self) -> None:
        """Its status is not taken; its numbers, and what names no revision, are."""
        edit(self.demo, self.world.act(self.world.rita), keywords="birds")
        revision = self.world.now(self.world.demo).revision
        stale = {"status": 5, "revision": revision - 1}
        status, content = self.ask("PATCH", f"activejobs/{self.demo}/", stale)
        self.assertEqual((status, [*content]), (409, ["revision"]))
        self.assertIsNone(self.world.now(self.world.demo).answer)
        for fresh in ({"status": 3, "revision": revision}, {"total_count": 5}, {"status": 3}):
            self.assertEqual(self.ask("PATCH", f"activejobs/{self.demo}/", fresh)[0], 200, fresh)
        self.assertEqual(self.world.now(self.world.demo).answer, 3)

    def test_stopped_is_rate_zero(self) -> None:
        self.ask("PATCH", f"activejobs/{self.demo}/", {"status": 3, "rate": "2.5"})
        stop(self.demo, self.world.act(self.world.rita))
        job = self.ask("PATCH", f"activejobs/{self.demo}/", {"status": 5, "rate": "2.5"})[1]
        self.assertEqual((job["status"], job["rate"]), (5, "0.000"))

    def test_the_ping_is_the_servers(self) -> None:
        members = {"ping_date": "2001-01-01T00:00:00Z"}
        job = self.ask("PATCH", f"activejobs/{self.demo}/", members)[1]
        self.assertGreater(job["ping_date"], "2026")

    def test_people_s_business(self) -> None:
        """Neither making, deleting, nor other clients."""
        for method, target, members in [
            ("POST", "jobs/", {"name": "x", "status": 1}),
            ("DELETE", f"jobs/{self.demo}/", None),
            ("DELETE", f"activejobs/{self.demo}/", None),
        ]:
            self.assertEqual(self.ask(method, target, members)[0], 403, (method, target))
        self.assertEqual(self.ask("GET", f"clients/{self.world.stranger.pk}/")[0], 404)
        self.assertEqual(self.ask("GET", f"users/{self.world.admin.pk + 1000}/")[0], 404)

    def test_no_token_is_shown(self) -> None:
        body = self.raw("GET", "clients/").content.decode()
        self.assertNotIn(self.token, body)
        self.assertIn(f'"key":"{self.token[:8]}…"', body)

    def test_another_projects_capture(self) -> None:
        """It is not there, by any address."""
        self.token = self.world.strange_token
        for method, target in [
            ("GET", f"jobs/{self.demo}/"),
            ("GET", f"activejobs/{self.demo}/"),
            ("PATCH", f"jobs/{self.demo}/"),
            ("PATCH", f"activejobs/{self.demo}/"),
        ]:
            self.assertEqual(self.ask(method, target, {}), (404, {"detail": "Not found."}))
        status, _ = self.ask("POST", "update/", {"job": self.demo})
        self.assertEqual(status, 400)
        states = [{"job": self.demo, "condition": "open"}]
        self.assertEqual(self.ask("PUT", "state/", states), (200, {"not_yours": [self.demo]}))
        self.assertEqual(self.raw("PUT", f"ledger/a/?job={self.demo}&offset=0").status_code, 400)

    def test_a_capture_that_was_its_own(self) -> None:
        """It can still be read, and still gets what was captured of it; no more."""
        act = self.world.act(self.world.admin)
        other = create_client("other", [self.world.project.pk], act)
        assign(self.demo, other.pk, act)
        self.assertEqual(self.ask("GET", f"jobs/{self.demo}/")[1]["assigned_worker"], other.pk)
        self.assertEqual(self.ask("PATCH", f"jobs/{self.demo}/", {"status": 5})[0], 404)
        self.assertEqual(self.ask("POST", "update/", {"job": self.demo, "count": 1})[0], 201)
        self.assertEqual(self.raw("PUT", f"ledger/a/?job={self.demo}&offset=0").status_code, 200)

    def test_revoked_and_retired(self) -> None:
        token = Token.objects.get(client=self.world.client)
        revoke(token.pk, self.world.act(self.world.admin))
        refused = (403, {"detail": "Invalid token."})
        self.assertEqual(self.ask("GET", "activejobs/"), refused)
        self.token = self.world.strange_token
        retire(self.world.stranger.pk, self.world.act(self.world.admin))
        self.assertEqual(self.ask("GET", "activejobs/"), refused)


class SlashTests(ApiCase):
    def test_a_missing_slash_loses_nothing(self) -> None:
        self.assertEqual(self.ask("POST", "update", {"job": self.demo, "count": 3})[0], 201)
        self.assertEqual(
            self.ask("PATCH", f"activejobs/{self.demo}", {"status": 3})[1]["status"], 3
        )


class StateTests(ApiCase):
    def test_state(self) -> None:
        """Condition, reason, numbers and the revision that is applied; what is not told stays."""
        self.ask("PATCH", f"activejobs/{self.demo}/", {"total_count": 7})
        told = {
            "job": self.demo,
            "revision": 1,
            "condition": "waiting",
            "reason": "X says the connection is taken",
            "since": "2026-06-01T10:00:00Z",
            "rate": 1.25,
            "lag": 0.5,
        }
        self.assertEqual(self.ask("PUT", "state/", [told]), (200, {"not_yours": []}))
        row = self.world.now(self.world.demo)
        self.assertEqual((row.condition, row.reason), ("waiting", told["reason"]))
        self.assertEqual((row.total, row.rate, row.applied_revision), (7, 1250, 1))
        self.assertEqual((row.revision, row.answer), (1, None))

    def test_refused(self) -> None:
        """In one sentence that names the place; nothing is written."""
        for states in (
            {},
            [{"job": self.demo}],
            [{"job": self.demo, "condition": "Open!"}],
            [{"job": self.demo, "condition": "open", "rate": -1}],
            [{"job": self.demo, "condition": "open", "since": "2026-06-01T10:00:00"}],
            [{"job": self.demo, "condition": "open"}] * 1001,
        ):
            status, content = self.ask("PUT", "state/", states)
            self.assertEqual((status, [*content]), (400, ["detail"]), states)
        self.assertEqual(self.world.now(self.world.demo).condition, "")

    def test_host(self) -> None:
        told = {"version": "1.2", "host": "pc", "disk_free": 2**40, "budget": {"left": 5}}
        self.assertEqual(self.ask("PUT", "host/", told), (204, None))
        client = Client.objects.get(pk=self.world.client.pk)
        self.assertEqual((client.version, client.disk_free), ("1.2", 2**40))
        self.assertEqual(client.budget, {"left": 5})


class StorableTests(CommittedCase):
    """Outside of a transaction, which PostgreSQL gives up after a value that it does not take."""

    raw = ApiCase.raw

    def setUp(self) -> None:
        super().setUp()
        self.token, self.demo = self.world.token, self.world.demo.pk

    def test_values_that_no_database_holds(self) -> None:
        """Or that one of them does not: each is refused, or stored as it is."""
        for body in (
            b'[{"job": %d, "condition": "open", "reason": "a\\u0000b"}]' % self.demo,
            b'[{"job": %d, "condition": "open", "rate": 1e999}]' % self.demo,
            b'[{"job": %d, "condition": "open", "total": 1e30}]' % self.demo,
            b'[{"job": %d, "condition": "open", "reason": "\\ud800"}]' % self.demo,
            b"[" * 100_000,
        ):
            self.assertIn(self.raw("PUT", "state/", body).status_code, (200, 400), body[:80])
        for body in (b'{"budget": {"a": 1e999}}', b'{"host": "\\u0000"}', b'{"cpu": NaN}'):
            self.assertIn(self.raw("PUT", "host/", body).status_code, (204, 400), body)


class LedgerTests(ApiCase):
    def put(self, offset: int, data: bytes, name: str = "a1") -> tuple[int, int]:
        """Status and offset held after an append."""
        target = f"ledger/{name}/?job={self.demo}&offset={offset}"
        got = self.raw("PUT", target, data, "application/octet-stream")
        return got.status_code, json.loads(got.content)["held"]

    def stored(self) -> bytes:
        """What is held of the ledger, its pieces in order."""
        rows = LedgerPiece.objects.order_by("offset").values_list("data", flat=True)
        return b"".join(map(bytes, rows))

    def test_appending(self) -> None:
        """What is sent twice is held once, also where the second time there is more of it."""
        self.assertEqual(self.put(0, b"one\n"), (200, 4))
        self.assertEqual(self.put(0, b"one\n"), (200, 4))
        self.assertEqual(self.put(2, b"e\ntwo\n"), (200, 8))
        self.assertEqual(self.put(8, b""), (200, 8))
        self.assertEqual(self.stored(), b"one\ntwo\n")
        digest = sha256(b"one\ntwo\n").hexdigest()
        held = {"ledger": "a1", "held": 8, "tail": 8, "sha256": digest}
        self.assertEqual(self.ask("GET", "ledger/a1/"), (200, held))
        self.assertEqual(self.ask("GET", "ledger/b2/"), (200, {"ledger": "b2", "held": 0}))

    def test_the_tail(self) -> None:
        """Of a long ledger, and of one in many pieces, a part tells what it is."""
        long = b"x" * 10_000 + b"\n"
        self.put(0, long)
        for number in range(100):
            self.put(len(long) + number, b"\n")
        held = self.ask("GET", "ledger/a1/")[1]
        whole = long + b"\n" * 100
        self.assertEqual((held["held"], held["tail"]), (len(whole), 64))
        self.assertEqual(held["sha256"], sha256(whole[-64:]).hexdigest())

    def test_a_hole(self) -> None:
        """Bytes that do not follow are not taken; the answer says from where they are wanted."""
        self.put(0, b"one\n")
        self.assertEqual(self.put(5, b"wo\n"), (409, 4))
        self.assertEqual(self.stored(), b"one\n")

    def test_one_that_is_not_known(self) -> None:
        self.assertEqual(self.ask("GET", "ledger/new/")[1]["held"], 0)
        self.put(0, b"mine")
        self.token = self.world.strange_token
        self.assertEqual(self.ask("GET", "ledger/a1/")[1]["held"], 0)

    def test_more_than_is_taken(self) -> None:
        """A client that has as much as is taken of one is refused more; another one is not."""
        with override_settings(MOST_OF_LEDGERS=3 << 20):
            piece = b"x" * (1 << 20)
            for name in ("a1", "b2", "c3"):
                self.assertEqual(self.put(0, piece, name)[0], 200)
            for name in ("c3", "d4"):
                target = f"ledger/{name}/?job={self.demo}&offset={len(piece) * (name == 'c3')}"
                got = self.raw("PUT", target, piece)
                self.assertEqual(got.status_code, 400)
                self.assertIn("3 ledgers with 3145728 bytes", json.loads(got.content)["detail"])
            self.assertEqual(self.put(0, piece, "a1"), (200, len(piece)))
            self.token = self.world.strange_token
            self.assertEqual(self.raw("PUT", "ledger/a1/?offset=0", piece).status_code, 200)

    def test_refused(self) -> None:
        for target, status in [
            ("ledger/a1/", 400),
            ("ledger/a1/?offset=x", 400),
            ("ledger/a1/?offset=-1", 400),
            ("ledger/a1/?offset=0&job=x", 400),
            ("ledger/a1/?offset=0&job=99999", 400),
            (f"ledger/{'x' * 65}/?offset=0", 404),
        ]:
            self.assertEqual(self.raw("PUT", target, b"x").status_code, status, target)


class KeyTests(ApiCase):
    """People's scripts."""

    def test_a_researcher_s_day(self) -> None:
        """Make, re-key, stop, archive; each with its entry of history under the person's name."""
        self.token = self.world.key(self.world.rita)
        new = {
            "name": "new",
            "keywords": "tea",
            "status": 2,
            "assigned_worker": self.world.client.pk,
        }
        status, job = self.ask("POST", "jobs/", new)
        self.assertEqual((status, job["status"], job["created_by_username"]), (201, 2, "rita"))
        target = f"jobs/{job['id']}/"
        self.assertEqual(self.ask("PATCH", target, {"keywords": "tea, milk"})[1]["revision"], 2)
        self.assertEqual(self.ask("PATCH", target, {"status": 4})[1]["status"], 4)
        archived = {"archived_date": "2026-06-01T10:00:00Z"}
        self.assertEqual(self.ask("PATCH", target, archived)[1]["status"], 5)
        self.assertEqual(
            self.ask("PATCH", target, {"archived_date": None})[1]["archived_date"], None
        )
        self.assertEqual(self.ask("DELETE", target)[0], 204)
        acts = HistoryEntry.objects.filter(subject_number=job["id"], subject="capture").order_by(
            "pk"
        )
        self.assertEqual(
            [(entry.act, entry.party_name) for entry in acts],
            [
                (act, "rita")
                for act in ("created", "re-keyed", "stopped", "archived", "unarchived", "deleted")
            ],
        )
        [row] = self.ask("GET", f"jobmodifications/?job={job['id']}")[1]["results"]
        changes = json.loads(row["changes"])["keywords"]
        self.assertEqual((changes["old"], changes["new"]), ("tea", "tea, milk"))
        self.assertEqual((changes["additions"], changes["deletions"]), (["milk"], []))

    def test_a_stale_object(self) -> None:
        """Its revision says that it is one: 409, and nothing of it is written."""
        self.token = self.world.key(self.world.rita)
        job = self.ask("GET", f"jobs/{self.demo}/")[1]
        edit(self.demo, self.world.act(self.world.admin), keywords="birds")
        status, _ = self.ask("PUT", f"jobs/{self.demo}/", job | {"description": "x"})
        self.assertEqual(status, 409)
        self.assertIsNone(self.world.now(self.world.demo).description)

    def test_who_only_reads(self) -> None:
        """Is told so before anything is said of a body."""
        self.token = self.world.key(self.world.rita, may_write=False)
        for members in ({}, {"name": "a/b"}, {"name": "new", "status": 1}):
            self.assertEqual(self.ask("POST", "jobs/", members)[0], 403)

    def test_all_or_nothing(self) -> None:
        self.token = self.world.key(self.world.rita)
        members = {"keywords": "birds", "assigned_worker": self.world.stranger.pk}
        self.assertEqual(self.ask("PATCH", f"jobs/{self.demo}/", members)[0], 400)
        self.assertEqual(self.world.now(self.world.demo).keywords, "cats, dogs")

    def test_three_people(self) -> None:
        """Who may read, who may write, and to whom it is not there."""
        rita, vera, otto, admin = (
            self.world.key(person)
            for person in (self.world.rita, self.world.vera, self.world.otto, self.world.admin)
        )
        reads = self.world.key(self.world.rita, may_write=False)
        for method, target, members, expected in [
            ("GET", f"jobs/{self.demo}/", None, (200, 200, 404, 200, 200)),
            ("GET", f"activejobs/{self.demo}/", None, (200, 200, 404, 200, 200)),
            ("GET", f"clients/{self.world.client.pk}/", None, (200, 200, 404, 200, 200)),
            ("PATCH", f"jobs/{self.demo}/", {"keywords": "x"}, (200, 403, 404, 200, 403)),
            ("PUT", f"activejobs/{self.demo}/", {"name": "demo", "status": 2},
             (200, 403, 404, 200, 403)),
            ("POST", "jobs/", {"name": "{}", "status": 1, "project": self.world.project.pk},
             (201, 403, 400, 201, 403)),
            ("POST", "update/", {"job": self.demo}, (403,) * 5),
            ("PUT", "state/", [], (403,) * 5),
            ("PUT", "host/", {}, (403,) * 5),
            ("GET", "ledger/a/", None, (403,) * 5),
            ("PUT", "ledger/a/?offset=0", {}, (403,) * 5),
            ("DELETE", f"jobs/{self.world.bare.pk}/", None, (204, 403, 404, 204, 403)),
        ]:  # fmt: skip
            for token, status in zip((rita, vera, otto, admin, reads), expected, strict=True):
                self.token, sent = token, members
                if isinstance(members, dict) and members.get("name") == "{}":
                    sent = members | {"name": token}
                self.assertEqual(self.ask(method, target, sent)[0], status, (method, target))

    def test_lists_have_what_one_sees(self) -> None:
        for person, jobs, people in [
            (self.world.vera, 2, 1),
            (self.world.otto, 0, 1),
            (self.world.admin, 2, 4),
        ]:
            self.token = self.world.key(person)
            for target, count in [
                ("jobs/", jobs),
                ("activejobs/", jobs),
                ("users/", people),
            ]:
                self.assertEqual(self.ask("GET", target)[1]["count"], count, (person, target))
        self.assertEqual(self.ask("GET", "users/current/")[1]["username"], "admin")


class IdentityTests(ApiCase):
    def test_each_answer_names_the_server(self) -> None:
        """Refusals too; the root and lists of captures in their content."""
        for target in ("activejobs/", "jobs/99999/", "activejobs/?format=xml"):
            self.assertEqual(self.raw("GET", target)["TCC-Server"], server_id())
        self.assertEqual(self.ask("GET", "")[1]["server"], server_id())
        self.assertEqual(self.ask("GET", "activejobs/")[1]["server_id"], server_id())
        self.token = "0" * 40
        self.assertEqual(self.raw("GET", "")["TCC-Server"], server_id())
