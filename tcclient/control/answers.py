"""What an answer of the capture server means: a job, that something is lacking, or an error."""

import json
from functools import cached_property

from msgspec import UNSET, Struct, UnsetType

from tcclient.control.jobs import Job
from tcclient.runtime.failures import one_line


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
