"""
The capture server's REST interface, one call a method.

Knows the contract and its traps; decides nothing.  Failing to ask is never an answer: whatever is
not a clear one raises ServerError.
"""

import json
from datetime import UTC, datetime
from typing import Any

import attrs
from treq.client import HTTPClient
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers

from tcclient.control.jobs import Job
from tcclient.http.bodies import TooLong, read_body
from tcclient.http.clients import AsItIs
from tcclient.ledger.counters import CountUpdate
from tcclient.runtime.failures import explain, one_line
from tcclient.runtime.secrets import Secret

log = Logger()

TIMEOUT = 10.0
"""Seconds for a request and its whole answer."""
MOST_BYTES = 16 << 20
"""Of an answer's body; a page of 1,000 jobs with long keyword texts stays far below."""
PAGE = 1000
MOST_PAGES = 100


class ServerError(Exception):
    """
    No clear answer.  str() is a clause; `status` that of the answer if there was one.

    `refused` says that the server has certainly not done what was asked.
    """

    def __init__(self, reason: str, status: int | None = None, *, refused: bool = False) -> None:
        super().__init__(reason)
        self.status = status
        self.refused = refused


class Gone(Exception):
    """The server says that the job is archived, deleted or given to another client."""


@attrs.frozen
class _Answer:
    status: int
    body: bytes
    location: str

    def json(self) -> Any:
        """Raises ServerError for what is not JSON: HTML error pages, cut bodies."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise ServerError("the answer is not JSON, or cut", self.status) from None

    @property
    def is_json(self) -> bool:
        try:
            self.json()
        except ServerError:
            return False
        return True


@attrs.frozen
class JobList:
    """The jobs of this client that could be read, and the ids of those that could not."""

    jobs: tuple[Job, ...]
    problems: tuple[str, ...] = ()


class ControlServer:
    """One server, one token.  `base_url` ends in a slash; `agent` is the User-Agent."""

    def __init__(
        self, client: HTTPClient, base_url: str, token: Secret, agent: str, clock: IReactorTime
    ) -> None:
        self._client = client
        self._base_url = base_url
        self._token = token
        self._headers = {
            "Authorization": [f"Token {token.reveal()}"],
            "Accept": ["application/json"],
            "User-Agent": [agent],
        }
        self._clock = clock
        self._said_no_detail = False

    async def active_jobs(self) -> JobList:
        """
        All jobs that are assigned to this client, whatever their status.

        A job that cannot be read is a problem, not the end of the list.
        """
        jobs: dict[int, Job] = {}
        problems: list[str] = []
        read = 0
        for _ in range(MOST_PAGES):
            count, results = await self._page(read)
            for value in results:
                try:
                    job = Job.from_json(value)
                    jobs[job.id] = job
                except ValueError as e:
                    problems.append(str(e))
            # A server may give fewer at once than it was asked for.
            read += len(results)
            if read >= count:
                return JobList(tuple(jobs.values()), tuple(problems))
            if not results:
                raise ServerError(f"the list of jobs ends after {read} of {count}")
        raise ServerError(f"the list of jobs has more than {MOST_PAGES} pages")

    async def job(self, job_id: int) -> Job:
        """The job as it is now.  Raises Gone where it is no longer ours."""
        answer = await self._ask("GET", f"activejobs/{job_id}/")
        if _means_no_such_endpoint(answer):
            # There the job stays readable for all: its members say whose it is.
            return await self.any_job(job_id)
        return _job(answer)

    async def any_job(self, job_id: int) -> Job:
        """The job, whoever has it now, archived or not.  Raises Gone where it does not exist."""
        return _job(await self._ask("GET", f"jobs/{job_id}/"))

    async def report(self, job: Job, total: int, rate: str) -> None:
        """Write total_count, rate and ping_date.  Raises Gone, ServerError."""
        now = datetime.fromtimestamp(self._clock.seconds(), UTC)
        fields = {
            "total_count": total,
            "rate": rate,
            "ping_date": now.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        }
        await self._patch(job, fields)

    async def set_status(self, job: Job, status: int) -> None:
        """Write the status.  Raises Gone, ServerError."""
        await self._patch(job, {"status": status})

    async def update(self, job_id: int, update: CountUpdate) -> None:
        """
        Add a row to the job's history.  Raises ServerError; where its `refused` is false the server
        may have stored it all the same.
        """
        fields = {
            "job": job_id,
            "count": update.count,
            "total_count": update.total,
            "rate": update.rate,
        }
        answer = await self._ask("POST", "update/", fields)
        if answer.status != 201:
            raise _error(answer)
        # The answer is the row; what else says 201 may not have stored any.
        row = answer.json()
        if not isinstance(row, dict) or str(row.get("job")) != str(job_id):
            raise ServerError("the answer is not the update that was sent", answer.status)

    async def _patch(self, job: Job, fields: dict[str, object]) -> None:
        answer = await self._ask("PATCH", f"activejobs/{job.id}/", fields)
        if _means_no_such_endpoint(answer):
            self._say_no_detail()
            # Without the stored keywords that address fails, and saves nothing (recorded).
            stored = {job.keywords_member: job.keywords} if job.keywords else {}
            answer = await self._ask("PATCH", f"jobs/{job.id}/", {**fields, **stored})
        # The answer to a write is the job; what else says 200 is not this server.
        if _job(answer).id != job.id:
            raise ServerError("the answer is another job", answer.status)

    def _say_no_detail(self) -> None:
        if not self._said_no_detail:
            log.info(
                "The server has no activejobs/<id>/: jobs/<id>/ is written to instead, together "
                "with the stored keywords as they were read."
            )
        self._said_no_detail = True

    async def _page(self, offset: int) -> tuple[int, list[Any]]:
        answer = await self._ask("GET", f"activejobs/?limit={PAGE}&offset={offset}")
        if answer.status != 200:
            raise _error(answer)
        page = answer.json()
        if not isinstance(page, dict):
            raise ServerError("the list of jobs is not an object", answer.status)
        count, results = page.get("count"), page.get("results")
        if type(count) is not int or not isinstance(results, list):
            raise ServerError("the list of jobs has no count or no results", answer.status)
        return count, results

    async def _ask(
        self, method: str, path: str, fields: dict[str, object] | None = None
    ) -> _Answer:
        """One request; redirects are not followed, because a write would lose its body."""
        exchange = Deferred.fromCoroutine(self._exchange(method, path, fields))
        try:
            return await exchange.addTimeout(TIMEOUT, self._clock)
        except TooLong:
            raise ServerError("the answer is too long") from None
        except Exception:
            failure = Failure()
            raise ServerError(self._without_token(explain(failure))) from failure.value

    async def _exchange(self, method: str, path: str, fields: dict[str, object] | None) -> _Answer:
        headers = dict(self._headers)
        body = None
        if fields is None:
            headers["Content-Length"] = ["0"]
        else:
            headers["Content-Type"] = ["application/json"]
            body = json.dumps(fields).encode()
        response = await self._client.request(
            method,
            AsItIs.from_text(self._base_url + path),
            headers=Headers(headers),
            # Bytes make treq send a Content-Length; a chunked body is read as empty (recorded).
            data=body,
            allow_redirects=False,
            unbuffered=True,
        )
        location = response.headers.getRawHeaders("Location", [""])[0]
        body = await read_body(response, MOST_BYTES)
        if response.code >= 300:
            # Error texts quote these, and debugging pages repeat the request's headers.
            body = body.replace(self._token.reveal().encode(), b"...")
            location = self._without_token(location)
        return _Answer(response.code, body, location)

    def _without_token(self, text: str) -> str:
        return text.replace(self._token.reveal(), "...")


def _means_no_such_endpoint(answer: _Answer) -> bool:
    return answer.status == 405 or (answer.status == 404 and not answer.is_json)


def _job(answer: _Answer) -> Job:
    if answer.status != 200:
        raise _gone_or_error(answer)
    try:
        return Job.from_json(answer.json())
    except ValueError as e:
        raise ServerError(str(e), answer.status) from e


def _gone_or_error(answer: _Answer) -> Exception:
    if answer.status == 404 and answer.is_json:
        return Gone()
    return _error(answer)


def _error(answer: _Answer) -> ServerError:
    """What is wrong, with the server's own words where they are a short JSON answer."""
    refused = 400 <= answer.status < 500
    if 300 <= answer.status < 400:
        return ServerError(
            f"it redirects to {answer.location[:200]!r}: put the right address into "
            "server.base_url",
            answer.status,
            refused=True,
        )
    if answer.status in (401, 403):
        return ServerError(
            f"it answers {answer.status}{_detail(answer)}: check server.auth_token",
            answer.status,
            refused=True,
        )
    return ServerError(
        f"it answers {answer.status}{_detail(answer)}", answer.status, refused=refused
    )


def _detail(answer: _Answer) -> str:
    if not answer.is_json:
        return ""
    said = answer.json()
    detail = said.get("detail") if isinstance(said, dict) else said
    text = detail if isinstance(detail, str) else answer.body[:2000].decode("utf-8", "replace")
    return f" ({one_line(text)[:200]})"
