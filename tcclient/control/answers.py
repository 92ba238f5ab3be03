"""
What an answer of the capture server means: a job, that something is lacking, or an error; and how a
refusal reads, and whose it is.
"""

import re
from collections import Counter, defaultdict
from functools import cached_property

from msgspec import UNSET, Struct, UnsetType

from tcclient.control.jobs import Job
from tcclient.control.listpage import ListPage
from tcclient.http.dates import epoch_of
from tcclient.http.explanations import title_of
from tcclient.http.jsontext import loads
from tcclient.ledger.counters import Row
from tcclient.runtime.failures import one_line

_BY_STATUS = {
    404: "nothing is there",
    413: "something in front of it takes no body of that length: raise the limit there",
    502: "the proxy in front of it does not reach it",
    503: "it is overloaded, or down for maintenance",
    504: "it gives the proxy in front of it no answer in time",
}
_PAGE = 1 << 16
"""Bytes of a page in which its title is looked for."""
_NO_CREDENTIALS = "(?i)credentials were not provided"
_SPEAKS_TLS = rb"(?i)plain HTTP (?:request was sent )?to (?:an? )?(?:SSL|HTTPS)"


def refusal_clause(status: int, body: bytes, content: object | None, location: str) -> str:
    """
    Return a clause that says how an answer refuses, in the server's own words where these are JSON
    and by the title of a page, and what to do.  `content` is the decoded body, None if that is not
    JSON, and `location` the target of a redirect.
    """
    if 300 <= status < 400:
        return f"it redirects to {location[:200]!r}: put the right address into server.base_url"
    words = _words(body, content)
    said = f"it answers {status}" + (f" ({words})" if words else "")
    cure = _cure(status, body, words, is_json=content is not None)
    return f"{said}: {cure}" if cure else said


def _words(body: bytes, content: object | None) -> str:
    """Return what an answer says to people, on one line, cut."""
    if content is None:
        return title_of(body[:_PAGE].decode("utf-8", "replace"))[:200]
    said = content.get("detail") if isinstance(content, dict) else content
    text = said if isinstance(said, str) else body[:2000].decode("utf-8", "replace")
    return one_line(text)[:200]


def _cure(status: int, body: bytes, words: str, *, is_json: bool) -> str:
    """Return what to do about an answer, a clause; empty where only the server knows."""
    if re.search(_SPEAKS_TLS, body):
        return "begin server.base_url with https://"
    if status not in (401, 403):
        return "" if is_json else _BY_STATUS.get(status, "")
    if re.search(_NO_CREDENTIALS, words):
        return "the token does not arrive: a proxy in between drops the header Authorization"
    if not is_json:
        return "that is a proxy's or a login page's own answer: let clients past it"
    return "check server.auth_token"


_NO_ROW = "Invalid pk "
"""How Django says of the number of a row that there is no such row."""
LONGEST_REST = 600.0
"""
Most seconds for which a server is not asked because it wants that: a researcher's click on Stop
waits so long.
"""

REFUSALS = 3
"""In a row, about one job, until what has answered before is taken for no longer there."""


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

    retry_after: float | None = None
    """Seconds after which the server wants to be asked again, if it says so."""


class AnswerTooLong(ServerError):
    """Raised where an answer has more bytes than are read: what is asked may be asked in parts."""


class Gone(Exception):
    """Raised where the server says that the job is archived, deleted or another client's."""

    refused = True
    """The server has certainly not done what was asked."""


class Stale(Exception):
    """Raised where a job has changed since it was read: nothing was written."""


class Answer(Struct, frozen=True, dict=True):
    """
    An answer of the server; `location` is its redirect's target, empty if it has none, and
    `retry_after` the seconds after which it wants to be asked again, None if it does not say.
    """

    status: int
    body: bytes
    location: str
    retry_after: float | None = None

    @cached_property
    def content(self) -> object | UnsetType:
        """The decoded body; UNSET if that is not JSON, was cut, or would take too much memory."""
        try:
            found: object = loads(self.body)
        except ValueError:
            return UNSET
        return found

    @property
    def rest(self) -> float:
        """Seconds for which the server is to be left alone, as it says so; LONGEST_REST at most."""
        return min(self.retry_after or 0.0, LONGEST_REST) if self.status in (429, 503) else 0.0

    @property
    def means_no_such_endpoint(self) -> bool:
        """Whether the server lacks the endpoint; a 404 in JSON means that it lacks the job."""
        return self.status == 405 or (self.status == 404 and self.content is UNSET)

    @property
    def says_no_such_job(self) -> bool:
        """Whether a row was refused because there is no job with the number that it names."""
        about = self.content.get("job") if isinstance(self.content, dict) else None
        said = about[0] if isinstance(about, list) and about else about
        return self.status == 400 and str(said).startswith(_NO_ROW)

    def json(self) -> object:
        """Return the decoded body.  Raises ServerError if there is none."""
        try:
            return loads(self.body) if self.content is UNSET else self.content
        except ValueError as e:
            raise ServerError(str(e), self.status) from None

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

    def page(self) -> ListPage:
        """Return the page of a list that the answer is.  Raises ServerError where it is none."""
        if self.status == 404 and self.content is UNSET:
            raise ServerError(
                "it answers 404: the address of its API is wrong, which mostly ends in /api/: "
                "check server.base_url",
                self.status,
                refused=True,
            )
        if self.status != 200:
            raise self.error()
        return ListPage(self.body)

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
        content = None if self.content is UNSET else self.content
        said = refusal_clause(self.status, self.body, content, self.location)
        if self.rest:
            said = resting(said, self.rest)
        error = ServerError(said, self.status, refused=300 <= self.status < 500)
        error.retry_after = self.retry_after
        return error


class DetailEndpoint:
    """
    Remembers by which methods activejobs/<id>/ has given a job: what has answered is there, until
    it refuses the same job so often in a row that the server must be another one by now.
    """

    def __init__(self) -> None:
        self._methods: set[str] = set()
        self._refusals: defaultdict[str, Counter[int]] = defaultdict(Counter)

    def heard(self, method: str, job_id: int, answer: Answer) -> None:
        """Take an answer of the endpoint to a method, about a job."""
        if answer.status == 200 and isinstance(answer.content, dict) and "id" in answer.content:
            self._methods.add(method)
            self._refusals.pop(method, None)
        elif answer.means_no_such_endpoint:
            refusals = self._refusals[method]
            refusals[job_id] += 1
            if refusals[job_id] >= REFUSALS:
                self._methods -= {method} if answer.status == 405 else set(self._methods)

    def is_lacking(self, method: str, answer: Answer) -> bool:
        """
        Return whether the server lacks this method of the endpoint, or all of it: one refusal of
        what has answered may well be the word of something in front of the server.
        """
        known = method in self._methods if answer.status == 405 else bool(self._methods)
        return answer.means_no_such_endpoint and not known


def seconds_of(header: str | None, now: float | None = None) -> float | None:
    """
    Return the seconds of a Retry-After, at most a day; None for anything else.  A date means
    something where it is known what the server takes for `now`, in epoch seconds.
    """
    if header is None:
        return None
    if re.fullmatch("[0-9]{1,9}", header.strip(), re.ASCII):
        return min(float(header), 86_400.0)
    date = epoch_of(header)
    return None if date is None or now is None else max(0.0, min(date - now, 86_400.0))


def resting(reason: str, seconds: float) -> str:
    """Return a clause: the server refuses for `reason`, and is to be left alone for `seconds`."""
    return f"{reason}, and asks not to be asked for {seconds:.0f} s"


def row_of(job_id: int, value: object) -> Row | None:
    """Return what a row of a list of updates has for a job, None if it is about another one."""
    if not isinstance(value, dict) or value.get("job") != job_id:
        return None
    count, total = value.get("count"), value.get("total_count")
    return (count, total, value.get("rate")) if type(count) is type(total) is int else None
