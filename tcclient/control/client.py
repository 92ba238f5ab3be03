"""
The calls of the capture server's REST interface, one method for each.

Knows the contract and its traps; decides nothing.  Whatever is not a clear answer raises
ServerError, so that a failure to ask is never taken for an answer.
"""

import json
from datetime import UTC, datetime

from msgspec import Struct
from treq.client import HTTPClient
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers

from tcclient.control.answers import Answer, DetailEndpoint, Gone, ServerError, rows_of
from tcclient.control.jobs import Job
from tcclient.control.serverclock import offset
from tcclient.http.bodies import TooLong, read_body
from tcclient.http.clients import AsItIs
from tcclient.ledger.counters import CountUpdate, Row
from tcclient.runtime.failures import explain
from tcclient.runtime.secrets import Secret
from tcclient.runtime.wallclock import Wall

log = Logger()

JSON = "application/json"
TIMEOUT = 10.0
"""Seconds for a request and its whole answer."""
MOST_BYTES = 16 << 20
"""Most bytes of an answer's body; a page of 1,000 jobs with long keyword texts has far fewer."""
PAGE = 1000
"""How many jobs or updates are asked for at once."""
MOST_PAGES = 100
"""Most pages of a list of jobs: the length of the list is what the server says it is."""


class JobList(Struct, frozen=True):
    """
    The jobs of this client that could be read, and a clause about each that could not.  `server_id`
    is what the server calls itself under any address, None where it has no name.
    """

    jobs: tuple[Job, ...]
    problems: tuple[str, ...] = ()
    server_id: str | None = None


class ControlServer:
    """
    One server, asked with one token.  `base_url` ends in a slash; `agent` is the User-Agent to
    send; `clock` bounds the time of an answer, and `wall` dates reports.
    """

    def __init__(
        self,
        client: HTTPClient,
        base_url: str,
        token: Secret,
        agent: str,
        clock: IReactorTime,
        wall: Wall,
    ) -> None:
        self._client = client
        self._base_url = base_url
        self._token = token
        self._agent = agent
        self._clock = clock
        self._wall = wall
        self._said_no_detail = False
        self._detail = DetailEndpoint()
        self.clock_offset: float | None = None
        """
        Seconds by which this machine's clock is ahead of the server's, at least; negative if it is
        behind.  None if no answer has told.
        """

    async def active_jobs(self) -> JobList:
        """
        Return all jobs that are assigned to this client, whatever their status.  A job that cannot
        be read is one of the list's problems.  Raises ServerError if the list is not complete.
        """
        jobs: dict[int, Job] = {}
        problems: list[str] = []
        read = 0
        for _ in range(MOST_PAGES):
            count, results, server_id = await self._page("activejobs", read)
            for value in results:
                try:
                    job = Job.from_json(value)
                    jobs[job.id] = job
                except ValueError as e:
                    problems.append(str(e))
            # A server may give fewer at once than it was asked for.
            read += len(results)
            if read >= count:
                return JobList(tuple(jobs.values()), tuple(problems), server_id)
            if not results:
                raise ServerError(f"the list of jobs ends after {read} of {count}")
        raise ServerError(f"the list of jobs has more than {MOST_PAGES} pages")

    async def job(self, job_id: int) -> Job:
        """
        Return the job as it is now.  Raises Gone if the server says that it is not this client's,
        and ServerError.  An old server returns it whosever it is: its members tell.
        """
        answer = await self._ask_detail("GET", job_id)
        if self._detail.is_lacking("GET", answer):
            return await self.any_job(job_id)
        return answer.job()

    async def any_job(self, job_id: int) -> Job:
        """Return the job, whosever it is, archived or not.  Raises Gone and ServerError."""
        return (await self._ask("GET", f"jobs/{job_id}/")).job()

    async def report(self, job: Job, total: int, rate: str | None) -> None:
        """
        Write total, rate (posts a second, None for none yet) and the date now.  Raises Gone and
        ServerError.
        """
        now = _as_date(self._wall())
        await self._patch(job, {"total_count": total, "rate": rate, "ping_date": now})

    async def set_status(self, job: Job, status: int) -> None:
        """Write the status.  Raises Gone and ServerError."""
        await self._patch(job, {"status": status})

    async def update(self, job_id: int, update: CountUpdate) -> None:
        """
        Add a row to the job's history.  Raises ServerError; unless that has `refused`, the server
        may have stored the row all the same.
        """
        fields: dict[str, object] = {"job": job_id, "count": update.count}
        fields |= {"total_count": update.total, "rate": update.rate}
        answer = await self._ask("POST", "update/", fields)
        if answer.status != 201:
            raise answer.error()
        answer.check_row_of(job_id)

    async def newest_updates(self, job_id: int) -> list[Row]:
        """
        Return what the newest updates of all jobs have for this one, the last one last.  Nothing if
        the server does not show updates.  Raises ServerError.
        """
        try:
            count, *_ = await self._page("update", 0, 1)
            _, rows, _ = await self._page("update", max(0, count - PAGE), PAGE)
        except ServerError as e:
            if e.refused:
                return []
            raise
        return rows_of(job_id, rows)

    async def _patch(self, job: Job, fields: dict[str, object]) -> None:
        """Write these members of a job, by the endpoint that the server has for that."""
        answer = await self._ask_detail("PATCH", job.id, fields)
        if self._detail.is_lacking("PATCH", answer):
            answer = await self._patch_elsewhere(job, fields, answer)
        if answer.status == 404:
            raise Gone()  # whoever says so, it is asked about once more
        # The server answers a write with the job; whatever else says 200 is not this server.
        written = answer.job()
        if written.id != job.id:
            raise ServerError("the answer is another job", answer.status)
        if written.lost_since(job):
            raise Gone()

    async def _patch_elsewhere(
        self, job: Job, fields: dict[str, object], refusal: Answer
    ) -> Answer:
        """
        Write these members by jobs/<id>/, and return the answer; return the `refusal` of the usual
        endpoint where that turns out to be there.  Raises Gone and ServerError.
        """
        # Without the stored keywords this endpoint fails, and saves nothing (recorded).  They may
        # have been edited since the job was read, and what is written here replaces them.
        now = await self.job(job.id)
        if now.lost_since(job):
            raise Gone()
        if not self._detail.is_lacking("PATCH", refusal):
            return refusal
        if not self._said_no_detail:
            log.info(
                "The server takes no writes at activejobs/<id>/: jobs/<id>/ is written to instead, "
                "together with the stored keywords as they were read just before."
            )
        self._said_no_detail = True
        stored = {now.keywords_member: now.keywords} if now.keywords else {}
        return await self._ask("PATCH", f"jobs/{job.id}/", {**fields, **stored})

    async def _ask_detail(
        self, method: str, job_id: int, fields: dict[str, object] | None = None
    ) -> Answer:
        """Return the answer of activejobs/<id>/.  Raises ServerError if there is none."""
        answer = await self._ask(method, f"activejobs/{job_id}/", fields)
        self._detail.heard(method, answer)
        return answer

    async def _page(
        self, of: str, offset: int, most: int = PAGE
    ) -> tuple[int, list[object], str | None]:
        """
        Return how long the list `of` is, at most so many of its rows, from `offset` on, and what
        the server calls itself.
        """
        answer = await self._ask("GET", f"{of}/?limit={most}&offset={offset}")
        return answer.page()

    async def _ask(self, method: str, path: str, fields: dict[str, object] | None = None) -> Answer:
        """Return the answer to one request.  Raises ServerError if there is none."""
        exchange = Deferred.fromCoroutine(self._exchange(method, path, fields))
        try:
            return await exchange.addTimeout(TIMEOUT, self._clock)
        except TooLong:
            raise ServerError("the answer is too long") from None
        except Exception:
            failure = Failure()
            raise ServerError(self._without_token(explain(failure))) from failure.value

    async def _exchange(self, method: str, path: str, fields: dict[str, object] | None) -> Answer:
        """Return the answer.  A redirect is not followed: a write would lose its body."""
        body = None if fields is None else json.dumps(fields).encode()
        of_body = {"Content-Length": ["0"]} if body is None else {"Content-Type": [JSON]}
        headers = {
            "Authorization": [f"Token {self._token.reveal()}"],
            "Accept": [JSON],
            "User-Agent": [self._agent],
        }
        asked = self._wall()
        response = await self._client.request(
            method,
            AsItIs.from_text(self._base_url + path),
            headers=Headers(headers | of_body),
            data=body,  # treq sends its length: a chunked body is taken for empty (recorded)
            allow_redirects=False,
            unbuffered=True,
        )
        self.clock_offset = offset(asked, self._wall(), response.headers.getRawHeaders("Date"))
        location = response.headers.getRawHeaders("Location", [""])[0]
        body = await read_body(response, MOST_BYTES)
        if response.code >= 300:
            # Our errors quote both, and debugging pages repeat the request's headers.
            body = body.replace(self._token.reveal().encode(), b"...")
            location = self._without_token(location)
        return Answer(response.code, body, location)

    def _without_token(self, text: str) -> str:
        return text.replace(self._token.reveal(), "...")


def _as_date(seconds: float) -> str:
    """Return epoch seconds as the server writes dates."""
    now = datetime.fromtimestamp(seconds, UTC)
    return now.isoformat(timespec="microseconds").replace("+00:00", "Z")
