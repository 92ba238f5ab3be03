"""
The calls of the capture server's REST interface, one method for each.

Knows the contract and its traps; decides nothing.  Whatever is not a clear answer raises
ServerError, so that a failure to ask is never taken for an answer.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from msgspec import Struct
from twisted.logger import Logger

from tcclient.control.answers import (
    Answer,
    AnswerTooLong,
    DetailEndpoint,
    Gone,
    ServerError,
    Stale,
    row_of,
)
from tcclient.control.exchange import ServerExchange
from tcclient.control.jobs import Job
from tcclient.control.listpage import ListPage
from tcclient.ledger.counters import CountUpdate, Row
from tcclient.runtime.turns import Breath

log = Logger()

PAGE = 1000
"""How many jobs or updates are asked for at once."""
MOST_PAGES = 1000
"""Most pages of a list of jobs: the length of the list is what the server says it is."""

BETWEEN = 64
"""Rows between two looks whether the reactor is to turn."""


class JobList(Struct, frozen=True):
    """
    The jobs of this client that could be read, and the clauses about those that could not, with how
    many each is about.  `server_id` is what the server calls itself under any address, None where
    it has no name; `looks` are the jobs at whose posts somebody looks.
    """

    jobs: tuple[Job, ...]
    problems: Mapping[str, int] = {}
    server_id: str | None = None
    looks: tuple[int, ...] = ()


class ControlServer:
    """One server, asked by an exchange."""

    def __init__(self, exchange: ServerExchange) -> None:
        self.exchange = exchange
        self._said_no_detail = False
        self._rows = PAGE  # of a list of jobs, or fewer where those are too much for one answer
        self._detail = DetailEndpoint()

    async def active_jobs(self) -> JobList:
        """
        Return all jobs that are assigned to this client, whatever their status.  A job that cannot
        be read is one of the list's problems.  Raises ServerError if the list is not complete.
        """
        jobs: dict[int, Job] = {}
        problems: Counter[str] = Counter()

        def take(value: object) -> None:
            try:
                job = Job.from_json(value)
                jobs[job.id] = job
            except ValueError as e:
                problems[str(e)] += 1

        looks: tuple[int, ...] = ()
        read = 0
        for _ in range(MOST_PAGES):
            try:
                page, rows = await self._page("activejobs", read, self._rows, take)
            except AnswerTooLong:
                if self._rows == 1:
                    self._rows = PAGE
                    raise ServerError(
                        f"job {read + 1} of the list is too long by itself: shorten its keywords"
                    ) from None
                self._rows //= 2
                continue
            # A server may give fewer at once than it was asked for.
            read += rows
            looks += page.looks
            if read >= page.length:
                return JobList(tuple(jobs.values()), problems, page.server_id, looks)
            if not rows:
                raise ServerError(f"the list of jobs ends after {read} of {page.length}")
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
        return (await self.exchange.ask("GET", f"jobs/{job_id}/")).job()

    async def why_lost(self, known: Job) -> str:
        """Return how a job was lost, a clause: jobs/<id>/ has it, whosever it is by now."""
        try:
            because = (await self.any_job(known.id)).lost_because(known)
        except Gone:
            return "was deleted for good"
        except ServerError:
            because = ""
        return because or "is archived, deleted, or another client's"

    async def report(self, job: Job, total: int, rate: str | None) -> None:
        """
        Write total, rate (posts a second, None for none yet) and the date now.  Raises Gone and
        ServerError.
        """
        now = _as_date(self.exchange.wall())
        await self._patch(job, {"total_count": total, "rate": rate, "ping_date": now})

    async def set_status(self, job: Job, status: int) -> None:
        """Write the status.  Raises Gone, ServerError, and Stale if `job` is not the newest."""
        stale = {} if job.revision is None else {"revision": job.revision}
        await self._patch(job, {"status": status, **stale})

    @property
    def takes_late_updates(self) -> bool:
        """Whether the server puts an update where it says that it belongs."""
        return self.exchange.takes_reports

    async def update(self, job_id: int, update: CountUpdate, age: float | None = None) -> None:
        """
        Add a row to the job's history; one of some `age`, in seconds, says when that was, by the
        server's clock as far as it is known.

        Raises Gone where there is no such job, and ServerError; unless that has `refused`, the
        server may have stored the row all the same.
        """
        fields: dict[str, object] = {"job": job_id, "count": update.count}
        fields |= {"total_count": update.total, "rate": update.rate}
        if age is not None:
            ahead = self.exchange.clock_offset or 0.0
            fields["at"] = _as_date(self.exchange.wall() - ahead - age)
        answer = await self.exchange.ask("POST", "update/", fields)
        if answer.says_no_such_job:
            raise Gone()
        if answer.status != 201:
            raise answer.error()
        answer.check_row_of(job_id)

    async def newest_updates(self, job_id: int) -> list[Row]:
        """
        Return what the newest updates of all jobs have for this one, the last one last.  Nothing if
        the server does not show updates.  Raises ServerError.
        """
        found: list[Row] = []

        def take(value: object) -> None:
            row = row_of(job_id, value)
            if row is not None:
                found.append(row)

        try:
            page, _ = await self._page("update", 0, 1, lambda value: None)
            await self._page("update", max(0, page.length - PAGE), PAGE, take)
        except ServerError as e:
            if e.refused and e.status not in (429, 503):
                return []
            raise
        return found

    async def _patch(self, job: Job, fields: dict[str, object]) -> None:
        """Write these members of a job, by the endpoint that the server has for that."""
        answer = await self._ask_detail("PATCH", job.id, fields)
        if self._detail.is_lacking("PATCH", answer):
            answer = await self._patch_elsewhere(job, fields, answer)
        if answer.status == 404:
            raise Gone()  # whoever says so, it is asked about once more
        if answer.status == 409 and "revision" in fields:
            raise Stale()
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
        return await self.exchange.ask("PATCH", f"jobs/{job.id}/", {**fields, **stored})

    async def _ask_detail(
        self, method: str, job_id: int, fields: dict[str, object] | None = None
    ) -> Answer:
        """Return the answer of activejobs/<id>/.  Raises ServerError if there is none."""
        answer = await self.exchange.ask(method, f"activejobs/{job_id}/", fields)
        self._detail.heard(method, job_id, answer)
        return answer

    async def _page(
        self, of: str, offset: int, most: int, take: Callable[[object], None]
    ) -> tuple[ListPage, int]:
        """
        Have `take` called with each row of the list `of` from `offset` on, of which at most so many
        are asked for; let the reactor turn meanwhile.  Return the page, and how many rows it had.
        """
        answer = await self.exchange.ask("GET", f"{of}/?limit={most}&offset={offset}")
        page, rows, breath = answer.page(), 0, Breath(self.exchange.clock)
        try:
            for value in page.rows():
                take(value)
                rows += 1
                if rows % BETWEEN == 0:
                    await breath.pause()
        except ValueError as e:
            raise ServerError(str(e), answer.status) from None
        return page, rows


def _as_date(seconds: float) -> str:
    """Return epoch seconds as the server writes dates."""
    now = datetime.fromtimestamp(seconds, UTC)
    return now.isoformat(timespec="microseconds").replace("+00:00", "Z")
