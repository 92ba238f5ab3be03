"""The REST calls, made over real sockets to the stand-in for the capture server."""

import gzip
import json
import socket
from typing import Any

import attrs
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import Clock, deferLater
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from tcclient.control import client
from tcclient.control.answers import LONGEST_REST, REFUSALS, Gone, ServerError
from tcclient.control.client import MOST_PAGES, ControlServer, JobList
from tcclient.control.exchange import MOST_BYTES, TIMEOUT, ServerExchange
from tcclient.control.jobs import Job, Status
from tcclient.http.clients import user_agent
from tcclient.http.kept import KeptConnections
from tcclient.ledger.counters import CountUpdate
from tcclient.runtime.secrets import Secret
from tcsandbox.server import CaptureServer, quirks
from tcsandbox.server.exchange import Seen
from tcsandbox.server.jobstore import TOKEN

EPOCH = 1_700_000_000.25
LIST, DETAIL, ANY, UPDATE = "/api/activejobs/", "/api/activejobs/1/", "/api/jobs/1/", "/api/update/"
HTML = "<h1>Server Error (500)</h1>"


async def passes() -> None:
    """The reactor has had its turn."""
    await deferLater(reactor, 0)


class ControlTestCase(TestCase):
    """A client and a server on loopback; the client's time is a Clock."""

    timeout = 30

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(EPOCH)
        self.server = CaptureServer(reactor)
        self.store = self.server.store
        self.store.create("Elections", "obama, cats ", Status.STARTED)
        self.port = port = self.server.listen(reactor)
        self.addCleanup(self._end, port)
        self.client = self.client_of(port)

    def client_of(self, port: IListeningPort, token: str = TOKEN) -> ControlServer:
        """A client of whatever listens on `port`."""
        return self.asking(f"http://127.0.0.1:{port.getHost().port}/api/", token)

    def asking(self, base_url: str, token: str = TOKEN) -> ControlServer:
        """A client of the server at this address."""
        connections = KeptConnections(reactor, self.clock)
        self.addCleanup(connections.stopService)
        return ControlServer(
            ServerExchange(
                connections.client,
                base_url,
                Secret(token),
                user_agent(1),
                self.clock,
                self.clock.seconds,
            )
        )

    async def _end(self, port: IListeningPort) -> None:
        self.server.hang_up()
        await port.stopListening()
        await passes()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def answers(self, status: int, content: object, **concerning: Any) -> None:
        """The next request is answered with this: text as HTML, all else as JSON."""
        what = {"body": content} if isinstance(content, str) else {"json": content}
        self.server.fault(quirks.Answered(status=status, **what, **concerning))

    async def job(self) -> Job:
        """The only job, as the list has it now."""
        return (await self.client.active_jobs()).jobs[0]

    async def error(self, call: Any) -> ServerError:
        """What `call` fails with."""
        return await self.assertFailure(Deferred.fromCoroutine(call), ServerError)

    async def seen(self, how_many: int) -> Seen:
        """The last of so many requests, once it has arrived."""
        while len(self.server.requests()) < how_many:
            await passes()
        return self.server.requests()[-1]

    def bodies(self, method: str) -> list[tuple[str, Any]]:
        """Path and content of all requests made by `method`."""
        return [
            (seen.path, json.loads(seen.body))
            for seen in self.server.requests()
            if seen.method == method
        ]


class CallTests(ControlTestCase):
    """What each call asks for, and makes of a good answer."""

    async def test_every_call_in_every_framing(self) -> None:
        """Whether the body ends by length, chunks or closing, in HTTP/1.0 and 1.1."""
        for number, framing in enumerate(("chunked", "close", "http10"), 1):
            self.server.quirk(framing=framing)
            job = await self.job()
            self.assertEqual((job.name, job.keywords), ("Elections", "obama, cats "))
            await self.client.report(job, 100 + number, "1.500")
            self.assertEqual(self.store.jobs[1].total_count, 100 + number)
            await self.client.set_status(job, number)
            self.assertEqual((await self.client.job(1)).status, number)
            self.assertEqual((await self.client.any_job(1)).total_count, 100 + number)
            await self.client.update(1, CountUpdate(number, 100 + number, "0.250", 7))
            self.assertEqual(self.store.updates[1][-1].count, number)

    async def test_requests_have_length_and_name(self) -> None:
        """A chunked body would arrive empty; the server's log should say who asks."""
        job = await self.job()
        await self.client.report(job, 1, "0.000")
        await self.client.update(1, CountUpdate(1, 1, "0.000", 1))
        requests = self.server.requests()
        self.assertEqual([seen.method for seen in requests], ["GET", "PATCH", "POST"])
        self.assertTrue(all(seen.content_length for seen in requests))
        self.assertEqual({seen.user_agent for seen in requests}, {user_agent(1)})
        self.assertRegex(user_agent(1), r"^tcc/\d+\.\d+\S* \(client 1\)$")

    async def test_report_writes_three_members(self) -> None:
        """Total, rate and the time of the report; nothing that could undo a researcher's edit."""
        await self.client.report(await self.job(), 17, "2.125")
        self.assertEqual(
            self.bodies("PATCH"),
            [
                (
                    DETAIL,
                    {
                        "total_count": 17,
                        "rate": "2.125",
                        "ping_date": "2023-11-14T22:13:20.250000Z",
                    },
                )
            ],
        )

    async def test_status_writes_one_member(self) -> None:
        """The status alone."""
        await self.client.set_status(await self.job(), Status.STOPPED)
        self.assertEqual(self.bodies("PATCH"), [(DETAIL, {"status": 5})])

    async def test_update_adds_a_row(self) -> None:
        """Count, total, rate and the job's number."""
        await self.client.update(1, CountUpdate(3, 30, "1.000", 30))
        self.assertEqual(
            self.bodies("POST"),
            [(UPDATE, {"job": 1, "count": 3, "total_count": 30, "rate": "1.000"})],
        )
        self.assertEqual((await self.client.any_job(1)).recent_total, 30)

    async def test_the_newest_updates(self) -> None:
        """Those of the job among the last of all jobs, oldest first."""
        self.store.create("dogs")
        self.patch(client, "PAGE", 3)
        for job, count in ((1, 1), (1, 2), (2, 3), (1, 4)):
            await self.client.update(job, CountUpdate(count, count * 10, "1.000", 0))
        self.assertEqual(await self.client.newest_updates(1), [(2, 20, "1.000"), (4, 40, "1.000")])
        self.assertEqual(await self.client.newest_updates(9), [])

    async def test_a_server_that_shows_no_updates(self) -> None:
        """Nothing; but a failure is a failure, and rows that are none are passed over."""
        for status in (403, 404, 405):
            self.answers(status, HTML, path="/api/update/")
            self.assertEqual(await self.client.newest_updates(1), [])
        self.answers(500, HTML, path="/api/update/")
        await self.error(self.client.newest_updates(1))
        nonsense = {"count": 3, "results": [7, None, {"job": "x"}, {"job": 1, "count": "y"}]}
        for _ in range(2):
            self.answers(200, nonsense, path="/api/update/")
        self.assertEqual(await self.client.newest_updates(1), [])

    async def test_both_names_of_the_keywords(self) -> None:
        """Servers from before August 2016 say twitter_keywords."""
        self.server.quirk(keywords_member="twitter_keywords")
        self.assertEqual((await self.job()).keywords, "obama, cats ")

    async def test_what_the_server_calls_itself(self) -> None:
        """Newer ones do; what cannot be a name is none, and no reason to refuse the list."""
        self.assertIsNone((await self.client.active_jobs()).server_id)
        for name, found in (
            ("0b7a5d7e-1f0c-4a3e-9f5d-2c1f7f0f3c11", True),
            ("", False),
            ("a b", False),
            ("x" * 65, False),
        ):
            self.server.quirk(server_id=name)
            listing = await self.client.active_jobs()
            self.assertEqual(listing.server_id, name if found else None)
            self.assertEqual(len(listing.jobs), 1)

    async def test_gone(self) -> None:
        """Archived, deleted or reassigned: a JSON 404 on reading and writing alike."""
        job = await self.job()
        self.store.reassign(1, 2)
        for call in (
            self.client.job(1),
            self.client.report(job, 1, "0.000"),
            self.client.set_status(job, 5),
            self.client.any_job(99),
        ):
            await self.assertFailure(Deferred.fromCoroutine(call), Gone)
        self.assertEqual((await self.client.any_job(1)).assigned_worker, 2)
        self.assertEqual((await self.client.active_jobs()).jobs, ())


class FallbackTests(ControlTestCase):
    """Servers on which activejobs/<id>/ cannot be written to."""

    def writes(self) -> list[tuple[str, Any]]:
        return [
            (path, members) for path, members in self.bodies("PATCH") if path.startswith(ANY[:10])
        ]

    async def test_keywords_go_along_where_there_are_some(self) -> None:
        """As read in the same tick, blanks and all: without them that address fails."""
        for lack in (405, 404):
            self.server.quirk(without_activejobs_detail=lack)
            self.client = self.client_of(self.port)
            self.store.jobs[1].keywords = "obama, cats "
            await self.client.set_status(await self.job(), lack % 10)
            self.assertEqual(self.store.jobs[1].status, lack % 10)
            self.assertEqual(self.bodies("PATCH")[-2], (DETAIL, {"status": lack % 10}))
            self.assertEqual(
                self.bodies("PATCH")[-1], (ANY, {"status": lack % 10, "keywords": "obama, cats "})
            )

    async def test_report_too(self) -> None:
        """The same members, and the keywords."""
        self.server.quirk(without_activejobs_detail=405)
        await self.client.report(await self.job(), 9, "0.500")
        path, members = self.bodies("PATCH")[-1]
        self.assertEqual(path, ANY)
        self.assertEqual(set(members), {"total_count", "rate", "ping_date", "keywords"})
        self.assertEqual(self.store.jobs[1].total_count, 9)

    async def test_no_keywords_where_there_are_none(self) -> None:
        """On a job without keywords that address fails when some are sent."""
        self.server.quirk(without_activejobs_detail=405)
        for empty in (None, ""):
            self.store.jobs[1].keywords = empty
            await self.client.set_status(await self.job(), Status.STOPPED)
            self.assertEqual(self.bodies("PATCH")[-1], (ANY, {"status": 5}))
            self.assertEqual(self.store.jobs[1].keywords, empty)

    async def test_it_is_said_once(self) -> None:
        """One line in the log, however often it happens."""
        self.server.quirk(without_activejobs_detail=404)
        with capturedLogs() as events:
            for _ in range(3):
                await self.client.set_status(await self.job(), Status.STARTED)
        said = [event for event in events if "keywords" in event.get("log_format", "")]
        self.assertEqual(len(said), 1)

    async def test_reading_too(self) -> None:
        """A page that does not exist is no word about the job: jobs/<id>/ has it."""
        self.server.quirk(without_activejobs_detail=404)
        self.assertEqual((await self.client.job(1)).name, "Elections")
        self.store.delete(1)
        await self.assertFailure(Deferred.fromCoroutine(self.client.job(1)), Gone)

    async def test_gone_there(self) -> None:
        """The other address may say so as well."""
        self.server.quirk(without_activejobs_detail=404)
        job = await self.job()
        self.store.delete(1)
        await self.assertFailure(Deferred.fromCoroutine(self.client.set_status(job, 5)), Gone)

    async def test_given_to_another_client_meanwhile(self) -> None:
        """The answer to a write there says whose the job is by now."""
        self.server.quirk(without_activejobs_detail=404)
        job = await self.job()
        self.store.reassign(1, 2)
        await self.assertFailure(Deferred.fromCoroutine(self.client.report(job, 1, None)), Gone)

    async def test_keywords_that_were_edited_meanwhile(self) -> None:
        """They are read just before they are written, however old the job is."""
        for lack in (405, 404):
            self.server.quirk(without_activejobs_detail=lack)
            self.client = self.client_of(self.port)
            job = await self.job()
            self.store.rekey(1, f"espresso {lack}")
            await self.client.report(job, lack, None)
            row = self.store.jobs[1]
            self.assertEqual((row.keywords, row.total_count), (f"espresso {lack}", lack))

    async def test_a_page_in_front_of_an_endpoint_that_has_answered(self) -> None:
        """Is a 404 like the server's own: nothing is written elsewhere, nor is a word said."""
        for known_by in ("read", "write"):
            self.client = self.client_of(self.port)
            job = await self.job()
            if known_by == "read":
                await self.client.job(1)
            else:
                await self.client.set_status(job, Status.STARTED)
            with capturedLogs() as events:
                for status, error in ((404, Gone), (405, ServerError)):
                    if (status, known_by) == (405, "read"):
                        continue  # which may well be an older server that only shows jobs there
                    self.answers(status, HTML, method="PATCH")
                    write = Deferred.fromCoroutine(self.client.set_status(job, 3))
                    await self.assertFailure(write, error)
                self.answers(404, HTML, method="GET", path=DETAIL)
                await self.error(self.client.job(1))
            self.assertEqual((self.writes(), events), ([], []))

    async def test_a_server_that_was_replaced_by_an_older_one(self) -> None:
        """What keeps being refused is not there any more: writes go elsewhere, until it is back."""
        for lack in (405, 404):
            self.client = self.client_of(self.port)
            await self.client.report(await self.job(), 1, None)
            self.server.quirk(without_activejobs_detail=lack)
            for _ in range(REFUSALS - 1):
                job = await self.job()
                report = Deferred.fromCoroutine(self.client.report(job, 2, None))
                await self.assertFailure(report, ServerError if lack == 405 else Gone)
            await self.client.report(await self.job(), 3, None)
            self.assertEqual(self.store.jobs[1].total_count, 3)
            self.assertEqual(self.bodies("PATCH")[-1][0], ANY)
            self.server.quirk(without_activejobs_detail=None)
            await self.client.report(await self.job(), 4, None)
            self.assertEqual(self.bodies("PATCH")[-1][0], DETAIL)

    async def test_a_page_in_front_of_the_first_write(self) -> None:
        """The endpoint is asked for the job before that is taken for one that is not there."""
        for page in (HTML, "{", ""):
            self.client = self.client_of(self.port)
            job = await self.job()
            self.answers(404, page, method="PATCH")
            with capturedLogs() as events:
                write = Deferred.fromCoroutine(self.client.set_status(job, 3))
                await self.assertFailure(write, Gone)
            self.assertEqual((self.writes(), events), ([], []))

    async def test_an_answer_cut_short(self) -> None:
        """A body of JSON's type that is none is no missing endpoint either."""
        cut = quirks.Answered(404, '{"detail": "Not fo', "application/json", method="PATCH")
        self.server.fault(cut)
        write = Deferred.fromCoroutine(self.client.set_status(await self.job(), 3))
        await self.assertFailure(write, Gone)
        self.assertEqual(self.writes(), [])

    async def test_other_errors_are_not_taken_for_it(self) -> None:
        """A 500 or a refusal at activejobs/<id>/ is that, and nothing is written elsewhere."""
        job = await self.job()
        for status in (400, 403, 500, 502):
            self.answers(status, HTML)
            await self.error(self.client.set_status(job, 3))
        self.assertEqual(self.writes(), [])


class ListTests(ControlTestCase):
    """All pages, whatever the server makes of them."""

    def offsets(self) -> list[str]:
        return [seen.path.partition("offset=")[2] for seen in self.server.requests()]

    async def test_more_than_one_page(self) -> None:
        """1,000 at once, then the rest."""
        for number in range(1002):
            self.store.create(f"Job {number}", None, Status.CREATED)
        listing = await self.client.active_jobs()
        self.assertEqual([job.id for job in listing.jobs], list(range(1, 1004)))
        self.assertEqual(self.offsets(), ["0", "1000"])

    async def test_no_jobs(self) -> None:
        """An empty list is an answer."""
        self.store.delete(1)
        self.assertEqual((await self.client.active_jobs()).jobs, ())

    async def test_pages_shorter_than_asked_for(self) -> None:
        """A server that gives fewer at once is asked for what comes behind those."""
        one = await self.page()
        jobs = [{**one["results"][0], "id": number} for number in range(1, 6)]
        for page in (jobs[:2], jobs[2:4], jobs[4:]):
            self.answers(200, {**one, "count": 5, "results": page})
        listing = await self.client.active_jobs()
        self.assertEqual([job.id for job in listing.jobs], [1, 2, 3, 4, 5])
        self.assertEqual(self.offsets()[1:], ["0", "2", "4"])

    async def page(self) -> dict[str, Any]:
        """The list as it is sent, once asked for."""
        await self.client.active_jobs()
        rows = self.server.state()["jobs"]
        return {"count": 1, "next": None, "previous": None, "results": rows}

    async def test_next_is_ignored(self) -> None:
        """It is built from the Host header, and may lead anywhere."""
        page = await self.page()
        self.answers(200, {**page, "next": "http://127.0.0.1:1/elsewhere"})
        self.assertEqual(len((await self.client.active_jobs()).jobs), 1)
        self.assertEqual(self.offsets(), ["0", "0"])

    async def test_fewer_than_counted(self) -> None:
        """A list that ends before its count is no answer: jobs would seem to be gone."""
        page = await self.page()
        self.answers(200, {**page, "count": 4, "results": []})
        self.assertIn("4", str(await self.error(self.client.active_jobs())))

    async def test_an_endless_list(self) -> None:
        """The number of pages has an end."""
        page = await self.page()
        self.answers(200, {**page, "count": 10**9}, times=None)
        self.assertIn("pages", str(await self.error(self.client.active_jobs())))
        self.assertEqual(len(self.server.requests()), 1 + MOST_PAGES)

    async def test_a_job_that_cannot_be_read(self) -> None:
        """It is named, and the others are there."""
        self.store.create("Cats", "cats", Status.STARTING)
        page = await self.page()
        for wrong in ({"status": "3"}, {"id": None}, {"keywords": 5}, {"name": True}):
            broken = {**page["results"][0], **wrong}
            self.answers(200, {**page, "count": 2, "results": [broken, page["results"][1]]})
            listing = await self.client.active_jobs()
            self.assertEqual([job.name for job in listing.jobs], ["Cats"])
            [(problem, number)] = listing.problems.items()
            self.assertEqual(number, 1)
            self.assertIn(next(iter(wrong)), problem)
        for member in ("id", "name", "status", "keywords", "total_count"):
            self.server.fault(quirks.Incomplete(members=[member]))
            listing = await self.client.active_jobs()
            self.assertEqual((listing.jobs, [*listing.problems.values()]), ((), [2]), member)


class NonsenseTests(ControlTestCase):
    """Whatever is not a clear answer is a ServerError."""

    async def test_lists(self) -> None:
        """Not JSON, not an object, members missing or of another type."""
        for content in (
            *(HTML, "", '{"count": 1, "resu', "\ufeff", "NaN", [], [1], 7, None, True),
            *({}, {"count": 1}, {"results": []}, {"count": "1", "results": []}),
            *({"count": 1, "results": {}}, {"count": None, "results": []}),
            *({"count": True, "results": []}, {"count": 1.5, "results": []}),
        ):
            self.answers(200, content)
            error = await self.error(self.client.active_jobs())
            self.assertEqual((error.status, error.refused), (200, False), content)

    async def test_jobs(self) -> None:
        """The same of a single job."""
        good = self.server.state()["jobs"][0]
        for content in (
            *(HTML, "", "[", [], None, 7, {}, {**good, "status": None}, {**good, "id": "1"}),
            *({**good, "total_count": 1.5}, {**good, "recent_update": [1]}),
        ):
            self.answers(200, content)
            self.assertEqual((await self.error(self.client.job(1))).status, 200, content)

    async def test_cut_bodies(self) -> None:
        """In every framing, wherever the connection ends; nothing is taken for an answer."""
        for framing in ("chunked", "close", "http10"):
            self.server.quirk(framing=framing)
            for after in (0, 1, 100, None):
                for call in (self.client.active_jobs, lambda: self.client.job(1)):
                    self.server.fault(quirks.Cut(after=after))
                    await self.error(call())

    async def test_no_answer_but_a_close(self) -> None:
        """The write may have been done: it is not said to be refused."""
        self.server.fault(quirks.Closed(processed=True))
        error = await self.error(self.client.update(1, CountUpdate(1, 1, "0.000", 1)))
        self.assertEqual((error.status, error.refused), (None, False))
        self.assertEqual(len(self.store.updates[1]), 1)

    async def test_too_long(self) -> None:
        """A body is read up to a limit, and the connection ended."""
        self.server.fault(quirks.Big(size=MOST_BYTES + 1))
        self.assertEqual(str(await self.error(self.client.job(1))), "the answer is too long")
        await passes()  # it was said in the middle of a read, whose rest is dealt with then

    async def test_as_long_as_allowed(self) -> None:
        """The limit itself is fine."""
        self.server.fault(quirks.Big(size=MOST_BYTES))
        self.assertEqual(len((await self.client.active_jobs()).jobs), 1)

    async def test_an_answer_without_end(self) -> None:
        """What does not say how long it is is read up to the same limit."""
        for framing in ("chunked", "close", "http10"):
            self.server.quirk(framing=framing)
            self.server.fault(quirks.Big(size=MOST_BYTES + 1))
            said = str(await self.error(self.client.job(1)))
            self.assertEqual(said, "the answer is too long")
            self.server.fault(quirks.Big(size=MOST_BYTES))
            self.assertEqual((await self.client.job(1)).id, 1)

    async def test_a_list_that_is_too_long_for_one_answer(self) -> None:
        """It is asked for in smaller parts, then and later."""
        self.server.quirk(framing="chunked")
        for name in map(str, range(30)):
            self.store.create(name, "x" * 90_000)
        for _ in range(2):
            self.assertEqual(len((await self.client.active_jobs()).jobs), 31)

    async def test_a_job_that_is_too_long_for_an_answer(self) -> None:
        """It is said which one, and once it is shorter the list is read as before."""
        self.store.create("long", "x" * MOST_BYTES)
        said = str(await self.error(self.client.active_jobs()))
        self.assertEqual(said, "job 2 of the list is too long by itself: shorten its keywords")
        self.store.rekey(2, "tea")
        before = len(self.server.requests())
        self.assertEqual(len((await self.client.active_jobs()).jobs), 2)
        self.assertEqual(len(self.server.requests()), before + 1)

    async def test_writes_answered_with_another_status(self) -> None:
        """Only 200 is a write done, only 201 an update stored."""
        job = await self.job()
        for status in (201, 204, 202):
            self.answers(status, {})
            await self.error(self.client.set_status(job, 3))
        self.answers(200, {"count": 0, "results": []})
        error = await self.error(self.client.update(1, CountUpdate(1, 1, "0.000", 1)))
        self.assertFalse(error.refused)

    async def test_an_update_is_stored_when_the_answer_is_its_row(self) -> None:
        """Whatever else says 201: the next update is to find out what became of this one."""
        for answer in (HTML, "", [], {}, {"job": 2}, {"job": None}, {"count": 1}):
            self.answers(201, answer)
            error = await self.error(self.client.update(1, CountUpdate(1, 1, "0.000", 1)))
            self.assertEqual((error.status, error.refused), (201, False), answer)
        self.answers(201, {"job": "1"})
        await self.client.update(1, CountUpdate(1, 1, "0.000", 1))

    async def test_refused_or_perhaps_done(self) -> None:
        """A 4xx is certainly not done; after a 5xx nobody knows."""
        update = CountUpdate(1, 1, "0.000", 1)
        for status, refused in ((400, True), (403, True), (415, True), (500, False), (503, False)):
            self.answers(status, {"job": ["This field is required."]})
            error = await self.error(self.client.update(1, update))
            self.assertEqual((error.status, error.refused), (status, refused))
        self.assertIn("500", str(await self.error(self.failing(500))))

    async def failing(self, status: int) -> None:
        self.answers(status, HTML)
        await self.client.active_jobs()


class RedirectTests(ControlTestCase):
    """They are not followed: a write would lose its body."""

    async def test_never_followed(self) -> None:
        """Whatever the status and the method; the user is told what to change."""
        job = await self.job()
        for status in (301, 302, 303, 307, 308):
            for call in (
                self.client.active_jobs(),
                self.client.job(1),
                self.client.set_status(job, 3),
                self.client.update(1, CountUpdate(1, 1, "0.000", 1)),
            ):
                before = len(self.server.requests())
                self.server.fault(quirks.Redirected(location=LIST, status=status))
                error = await self.error(call)
                self.assertEqual(len(self.server.requests()), before + 1)
                self.assertTrue(error.refused)
                self.assertIn(f"{LIST!r}: put the right address into server.base_url", str(error))
        self.assertEqual(self.store.updates[1], [])


class ErrorTextTests(ControlTestCase):
    """What the log says of a failure: one line, the server's words, and no secret."""

    async def test_wrong_token(self) -> None:
        """The setting is named, what the server says is quoted, the token is not."""
        stranger = "deadbeef" * 5
        port = self.server.listen(reactor)
        self.addCleanup(port.stopListening)
        error = await self.error(self.client_of(port, stranger).active_jobs())
        self.assertEqual(str(error), "it answers 403 (Invalid token.): check server.auth_token")

    async def test_field_errors(self) -> None:
        """They are quoted as they came."""
        self.answers(400, {"rate": ["A valid number is required."]})
        error = await self.error(self.client.update(1, CountUpdate(1, 1, "0.000", 1)))
        self.assertIn("A valid number is required.", str(error))

    async def test_no_secret(self) -> None:
        """Not even where the server repeats the token in its answer."""
        for content in (
            {"detail": f"Token {TOKEN} is not known."},
            {"headers": {"Authorization": f"Token {TOKEN}"}},
            [f"Token {TOKEN}"],
            f"<p>Token {TOKEN}</p>",
        ):
            for status in (400, 403, 404, 500):
                self.answers(status, content)
                error = await self.error(self.client.active_jobs())
                self.assertNotIn(TOKEN, f"{error!r} {error}")
        self.server.fault(quirks.Redirected(location=f"/login?next={TOKEN}"))
        error = await self.error(self.client.active_jobs())
        self.assertNotIn(TOKEN, f"{error!r} {error}")
        self.assertNotIn(TOKEN, repr(self.client))

    async def test_one_printable_line(self) -> None:
        """A server cannot write lines of its own into the log, nor what no file can hold."""
        for said in ("a\nb", "a\x1b[2Jb", "a\ud800b", "a\r\nb"):
            for content in ({"detail": said}, {"name": [said]}):
                self.answers(400, json.dumps(content))
                text = str(await self.error(self.client.active_jobs()))
                self.assertTrue(text.isprintable(), repr(text))

    async def test_long_words_are_cut(self) -> None:
        """No answer fills the log."""
        for content in ({"detail": "long " * 1000}, {"name": ["long " * 1000]}):
            self.answers(400, content)
            self.assertLess(len(str(await self.error(self.client.active_jobs()))), 300)

    async def test_deeply_nested(self) -> None:
        """However deep the JSON of an error is, it is a ServerError."""
        for depth in (100, *range(900, 1000, 3), 100_000):
            self.answers(400, "[" * depth + "]" * depth)
            await self.error(self.client.active_jobs())

    async def test_nothing_listens(self) -> None:
        """The clause says so."""
        port = self.server.listen(reactor)
        client = self.client_of(port)
        await port.stopListening()
        error = await self.error(client.active_jobs())
        self.assertEqual(str(error), "the connection was refused: nothing listens there")


class _Talker(Protocol):
    """A peer which answers a request with some bytes and does not end."""

    def __init__(self, greeting: bytes, closes: bool = False) -> None:
        self._greeting = greeting
        self._closes = closes
        self.asked: Deferred[None] = Deferred()
        self.gone: Deferred[None] = Deferred()
        self._request = b""

    def dataReceived(self, data: bytes) -> None:
        self._request += data
        if b"\r\n\r\n" in self._request and not self.asked.called:
            self.says(self._greeting)
            if self._closes:
                self.transport.loseConnection()
            self.asked.callback(None)

    def says(self, data: bytes) -> None:
        """Send `data`."""
        assert self.transport is not None
        self.transport.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.gone.callback(None)


@attrs.define
class _TalkerFactory(Factory):
    talker: _Talker

    noisy = False

    def buildProtocol(self, addr: object) -> _Talker:
        return self.talker


class TalkerTestCase(ControlTestCase):
    """Against a peer that says bytes of our choice."""

    def talk_to(self, talker: _Talker) -> Deferred[JobList]:
        """The list of jobs, asked of `talker`."""
        port = reactor.listenTCP(0, _TalkerFactory(talker), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        return Deferred.fromCoroutine(self.client_of(port).active_jobs())


class GzipTests(TalkerTestCase):
    """A proxy before the server may compress its answers."""

    body = gzip.compress(b'{"count": 0, "results": []}')

    def answered(self, body: bytes) -> Deferred[JobList]:
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n"
        return self.talk_to(_Talker(head + body, closes=True))

    async def test_whole(self) -> None:
        """It is read like any other."""
        self.assertEqual((await self.answered(self.body)).jobs, ())

    async def test_cut_or_corrupt(self) -> None:
        """Is no answer, at the latest when the time is over."""
        for body in (self.body[:-20], self.body[:5], b"", b"{}", self.body[:15] + b"\xff" * 20):
            listing = self.answered(body)
            failing = self.assertFailure(listing, ServerError)
            for _ in range(100):
                await passes()
            self.clock.advance(TIMEOUT)
            await failing


class RestTests(TalkerTestCase):
    """A server that says when it wants to be asked again."""

    async def rests(self, status: int, after: int) -> ControlServer:
        """A client that has been told so; at the same address the true server listens by now."""
        head = f"HTTP/1.1 {status} Later\r\nRetry-After: {after}\r\nContent-Length: 0\r\n\r\n"
        talker = _Talker(head.encode(), closes=True)
        port = reactor.listenTCP(0, _TalkerFactory(talker), interface="127.0.0.1")
        number, client = port.getHost().port, self.client_of(port)
        await self.error(client.active_jobs())
        await port.stopListening()
        port = reactor.listenTCP(number, self.server.site, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        return client

    async def test_it_is_not_asked_meanwhile(self) -> None:
        """Nothing is, and then everything; what was not asked was certainly not done."""
        for status in (429, 503):
            client = await self.rests(status, 30)
            self.clock.advance(29)
            before = len(self.server.requests())
            for call in (client.active_jobs(), client.job(1), client.newest_updates(1)):
                error = await self.error(call)
                self.assertIn(f"it answers {status}", str(error))
                self.assertTrue(str(error).endswith(", and asks not to be asked for 1 s"))
                self.assertTrue(error.refused)
            self.clock.advance(1)
            self.assertEqual(len((await client.active_jobs()).jobs), 1)
            self.assertEqual(len(self.server.requests()), before + 1)

    async def test_for_ever(self) -> None:
        """LONGEST_REST is enough: a researcher may want to stop something."""
        client = await self.rests(503, 86_400)
        self.clock.advance(LONGEST_REST)
        self.assertEqual(len((await client.active_jobs()).jobs), 1)

    async def test_it_is_said_once(self) -> None:
        """The answer and what follows have one reason, whose seconds alone are others."""
        head = b"HTTP/1.1 503 Later\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n"
        talker = _Talker(head, closes=True)
        port = reactor.listenTCP(0, _TalkerFactory(talker), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        client = self.client_of(port)
        first = str(await self.error(client.active_jobs()))
        self.clock.advance(10)
        self.assertEqual(str(await self.error(client.job(1))), first.replace("30 s", "20 s"))

    async def test_another_status(self) -> None:
        """Of other answers the header means nothing."""
        client = await self.rests(500, 30)
        self.assertEqual(len((await client.active_jobs()).jobs), 1)


class TimeoutTests(TalkerTestCase):
    """Request and whole answer together take TIMEOUT seconds at most."""

    async def test_never_answered(self) -> None:
        """Not a moment before, and then at once."""
        self.server.fault(quirks.Silent())
        failing = Deferred.fromCoroutine(self.error(self.client.active_jobs()))
        await self.seen(1)
        self.clock.advance(TIMEOUT - 0.01)
        self.assertNoResult(failing)
        self.clock.advance(0.01)
        self.assertEqual(str(await failing), "there was no answer in time")

    async def test_never_connected(self) -> None:
        """A host that lets connections come and does not take them."""
        full = socket.socket()
        self.addCleanup(full.close)
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):
            filler = socket.socket()
            filler.setblocking(False)
            self.addCleanup(filler.close)
            filler.connect_ex(full.getsockname())
        client = self.asking(f"http://127.0.0.1:{full.getsockname()[1]}/api/")
        failing = Deferred.fromCoroutine(self.error(client.active_jobs()))
        while not reactor.getWriters():  # until the socket is there that waits to be connected
            await passes()
        self.assertNoResult(failing)
        self.clock.advance(TIMEOUT)
        self.assertEqual(str(await failing), "there was no connection in time")

    async def cut_off(self, *said: bytes) -> str:
        """What comes of an answer that is said a piece a second, without an end."""
        talker = _Talker(said[0])
        failing = self.assertFailure(self.talk_to(talker), ServerError)
        await talker.asked
        for second in range(int(TIMEOUT)):
            self.assertNoResult(failing)
            talker.says(said[-1])
            await passes()
            await passes()
            self.clock.advance(1 if second < TIMEOUT - 1 else 1.001)
        error = await failing
        await talker.gone
        return str(error)

    async def test_dripping_head(self) -> None:
        """Each byte comes in time, and all of them do not."""
        self.assertEqual(
            await self.cut_off(b"HTTP/1.1 200 OK\r\n", b"X-Drip: yes\r\n"),
            "there was no answer in time",
        )

    async def test_dripping_body(self) -> None:
        """The same in the body; the connection is ended."""
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        for framing, drip in (
            (b"Content-Length: 1000\r\n\r\n{", b" "),
            (b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", b"1\r\n \r\n"),
            (b"Connection: close\r\n\r\n{", b" "),
        ):
            self.assertEqual(
                await self.cut_off(head + framing, drip), "there was no answer in time"
            )
