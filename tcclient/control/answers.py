"""What an answer of the capture server means: a job, that something is lacking, or an error."""

import json
import re
from functools import cached_property

from msgspec import UNSET, Struct, UnsetType

from tcclient.control.jobs import Job
from tcclient.ledger.counters import Row
from tcclient.runtime.failures import one_line

_SERVER_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
"""What a server may call itself."""


class ServerError(Exception):
    """
    Raised where there is no clear answer.  str() is a clause; `status` is the HTTP status of the
    answer, None where none is known; `refused` says that the server has certainly not done what was
    asked.
    """

    def __init__(self, reason: str, status: int | None = None, *, refused: bool = False) -> None:
        super().__init__(reason)
        self.status = status
        self.refused = refused


class Gone(Exception):
    """Raised where the server says that the job is archived, deleted or another client's."""


class Answer(Struct, frozen=True, dict=True):
    """An answer of the server; `location` is its redirect's target, empty if it has none."""

    status: int
    body: bytes
    location: str

    @cached_property
    def content(self) -> object | UnsetType:
        """The decoded body; UNSET if that is not JSON, or was cut."""
        try:
            found: object = json.loads(self.body)
        except (ValueError, RecursionError):
            return UNSET
        return found

    @property
    def means_no_such_endpoint(self) -> bool:
        """Whether the server lacks the endpoint; a 404 in JSON means that it lacks the job."""
        return self.status == 405 or (self.status == 404 and self.content is UNSET)

    def json(self) -> object:
        """Return the decoded body.  Raises ServerError if it is not JSON, or was cut."""
        if self.content is UNSET:
            raise ServerError("the answer is not JSON, or cut", self.status)
        return self.content

    def job(self) -> Job:
        """Return the job that is the answer.  Raises Gone and ServerError."""
        if self.status == 404 and self.content is not UNSET:
            raise Gone()
        if self.status != 200:
            raise self.error()
        try:
            return Job.from_json(self.json())
        except ValueError as e:
            raise ServerError(str(e), self.status) from e

    def page(self) -> tuple[int, list[object], str | None]:
        """
        Return how long a list is, the rows of it that came, and what the server calls itself.
        Raises ServerError.
        """
        if self.status != 200:
            raise self.error()
        page = self.json()
        if not isinstance(page, dict):
            raise ServerError("the list is not an object", self.status)
        count, results = page.get("count"), page.get("results")
        if type(count) is not int or not isinstance(results, list):
            raise ServerError("the list has no count or no results", self.status)
        name = page.get("server_id")
        is_name = isinstance(name, str) and _SERVER_ID.fullmatch(name)
        return count, results, name if is_name else None

    def check_row_of(self, job_id: int) -> None:
        """
        Raise ServerError if the answer is no row of the job's history: whatever else says that the
        row was made may have stored none.
        """
        row = self.json()
        if not isinstance(row, dict) or str(row.get("job")) != str(job_id):
            raise ServerError("the answer is not the update that was sent", self.status)

    def error(self) -> ServerError:
        """Return what is wrong, in the server's own words where its answer is JSON, cut."""
        said = self.content.get("detail") if isinstance(self.content, dict) else self.content
        text = said if isinstance(said, str) else self.body[:2000].decode("utf-8", "replace")
        detail = "" if self.content is UNSET else f" ({one_line(text)[:200]})"
        said = f"it answers {self.status}{detail}"
        if 300 <= self.status < 400:
            target = repr(self.location[:200])
            said = f"it redirects to {target}: put the right address into server.base_url"
        elif self.status in (401, 403):
            said += ": check server.auth_token"
        return ServerError(said, self.status, refused=300 <= self.status < 500)


class DetailEndpoint:
    """Remembers by which methods activejobs/<id>/ has given a job: what has answered is there."""

    def __init__(self) -> None:
        self._methods: set[str] = set()

    def heard(self, method: str, answer: Answer) -> None:
        """Take an answer of the endpoint."""
        if answer.status == 200 and isinstance(answer.content, dict) and "id" in answer.content:
            self._methods.add(method)

    def is_lacking(self, method: str, answer: Answer) -> bool:
        """
        Return whether the server lacks this method of the endpoint, or all of it: what has answered
        once is there, whatever something in front of the server may say.
        """
        known = method in self._methods if answer.status == 405 else bool(self._methods)
        return answer.means_no_such_endpoint and not known


def rows_of(job_id: int, rows: list[object]) -> list[Row]:
    """Return what the rows of a list of updates have for a job, in their order."""
    own = [row for row in rows if isinstance(row, dict) and row.get("job") == job_id]
    found = [(row.get("count"), row.get("total_count"), row.get("rate")) for row in own]
    return [row for row in found if type(row[0]) is int and type(row[1]) is int]
