"""
What each address of the API does, once the request is understood.

Knows how this kind of server reads bodies, which rows an address shows, and what its methods write;
knows no routing.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import attrs

from tcsandbox.server import fields, views
from tcsandbox.server.fields import RequestBody, written_moment
from tcsandbox.server.forms import Forms
from tcsandbox.server.jobstore import Crash, JobStore, NoSuchJob
from tcsandbox.server.negotiation import ApiError, ApiRequest, parse_body
from tcsandbox.server.quirks import Quirks
from tcsandbox.server.rows import RESEARCHER_ID, JobRow, UserAccount
from tcsandbox.server.views import Members, update_members

# The status, and the object that becomes JSON.
EndpointResult: TypeAlias = tuple[int, object]


@attrs.define
class ApiCall:
    """A request to an endpoint; `row` and `suffix` are the id and the format in the address."""

    request: ApiRequest
    store: JobStore
    quirks: Quirks
    row: str | None
    query: Mapping[str, str]
    suffix: str | None
    user: UserAccount = attrs.field(init=False)  # set once the token is checked

    @property
    def format(self) -> str | None:
        """The format that the address asks for, which wins over the Accept header."""
        return self.suffix or self.query.get("format")

    @property
    def forms(self) -> Forms:
        """The reader of the body's members, as this server's database can hold them."""
        mysql = self.quirks.database == "mysql"
        return Forms(self.store, fields.mysql_number if mysql else fields.whole_number)

    def body(self) -> RequestBody:
        """Return the body, its members under their present names; raise ApiError 400 and 415."""
        body = parse_body(self.request)
        values = dict(body.values)
        if self.quirks.keywords_member != "keywords":
            values.pop("keywords", None)
            if self.quirks.keywords_member in values:
                values["keywords"] = values.pop(self.quirks.keywords_member)
        return RequestBody(values, body.form)

    def job(self, job: JobRow, naive: frozenset[str] = frozenset()) -> Members:
        """Return a job as this server and this request want it written."""
        members = views.job_members(job, self.store, self._url(job), naive)
        return self.renamed(members)

    def renamed(self, members: Mapping[str, object]) -> Members:
        """Return `members` under the names that this server gives them."""
        return {
            self.quirks.keywords_member if member == "keywords" else member: value
            for member, value in members.items()
        }

    def page(self, rows: list[Members]) -> EndpointResult:
        """Return one page of a list."""
        name = self.quirks.server_id
        page = views.page(rows, self.request.base + self.request.target, self.query)
        return 200, page if name is None else {**page, "server_id": name}

    def job_id(self) -> int:
        """Return the number in the address; raise NoSuchJob, or Crash beyond what SQLite holds."""
        if not re.fullmatch(r"-?\d+", self.row or "", re.ASCII):
            raise NoSuchJob(self.row)
        number = int(self.row or "")
        if not -(2**63) <= number < 2**63:
            raise Crash("integer too large")
        return number

    def allow(self, *methods: str) -> str:
        """Return the method, GET for HEAD; raise ApiError 405 unless it is one of `methods`."""
        method = "GET" if self.request.method == "HEAD" else self.request.method
        if method not in methods:
            raise ApiError(405, f'Method "{self.request.method}" not allowed.')
        return method

    def _url(self, job: JobRow) -> str:
        # The format asked for leaks into the addresses, as it does from the real server.
        tail = f".{self.suffix}" if self.suffix else "/"
        wanted = f"?format={self.query['format']}" if self.query.get("format") else ""
        return f"{self.request.base}/api/jobs/{job.id}{tail}{wanted}"


Endpoint: TypeAlias = Callable[[ApiCall], EndpointResult]


def find_endpoint(name: str | None, row: str | None, quirks: Quirks) -> Endpoint | None:
    """Return what answers /api/<name>/<row>/, or None where there is no such page."""
    if name == "activejobs" and row and quirks.without_activejobs_detail == 404:
        return None
    if name is None:
        return _root
    return (_ROWS if row else _LISTS).get(name)


def _root(call: ApiCall) -> EndpointResult:
    call.allow("GET")
    if not call.user.staff:
        raise ApiError(403, "You do not have permission to perform this action.")
    return 200, {name: f"{call.request.base}/api/{name}/" for name in sorted(_LISTS)}


def _all_jobs(call: ApiCall) -> EndpointResult:
    jobs = list(call.store.jobs.values())
    wanted = call.query.get("active")
    if wanted in ("true", "True"):
        jobs = [job for job in jobs if job.archived_date is None]
    elif wanted == "False":
        jobs = [job for job in jobs if job.archived_date is not None]
    return _jobs(call, jobs)


def _active_jobs(call: ApiCall) -> EndpointResult:
    return _jobs(call, call.store.active(call.user.id))


def _jobs(call: ApiCall, jobs: list[JobRow]) -> EndpointResult:
    if call.allow("GET", "POST") == "GET":
        return call.page([call.job(job) for job in jobs])
    return 201, call.job(call.store.insert(call.forms.whole_job(None, call.body())))


def _job(call: ApiCall) -> EndpointResult:
    """Answer jobs/<id>/, any job of anyone: a write crashes over keywords and is a heartbeat."""
    method = call.allow("GET", "PUT", "PATCH", "DELETE")
    job = call.store.get(call.job_id())
    if method == "GET":
        return 200, call.job(job)
    if method == "DELETE":
        call.store.mark_deleted(job.id, call.user.id)
        return 204, None
    naive = call.store.write_and_ping(job.id, _written(call, job), call.user.id)
    return 200, call.job(job, naive)


def _active_job(call: ApiCall) -> EndpointResult:
    """
    Answer activejobs/<id>/: one of the asker's own jobs.

    A write is only a write here, and DELETE really deletes.
    """
    read_only = call.quirks.without_activejobs_detail == 405
    method = call.allow("GET", *(() if read_only else ("PUT", "PATCH", "DELETE")))
    job = call.store.get(call.job_id())
    if job not in call.store.active(call.user.id):
        raise NoSuchJob(job.id)
    if method == "GET":
        return 200, call.job(job)
    if method == "DELETE":
        call.store.delete(job.id)
        return 204, None
    naive = call.store.write(job.id, _written(call, job))
    return 200, call.job(job, naive)


def _written(call: ApiCall, job: JobRow) -> dict[str, object]:
    """Return the values that a PUT or PATCH of `job` writes."""
    if call.request.method == "PUT":
        return call.forms.whole_job(job, call.body())
    return call.forms.part_of_job(job, call.body())


def _updates(call: ApiCall) -> EndpointResult:
    if call.allow("GET", "POST") == "GET":
        rows = sorted(
            (row for rows in call.store.updates.values() for row in rows), key=lambda row: row.id
        )
        return call.page([update_members(row) for row in rows])
    return 201, update_members(call.store.add_update(call.forms.update(call.body())))


def _modifications(call: ApiCall) -> EndpointResult:
    call.allow("GET")
    wanted = call.query.get("job")
    return call.page(
        [
            {
                "id": number,
                "changes": row.changes,
                "job": row.job,
                "modified_by": row.modified_by,
                "modified_by_username": call.store.users[row.modified_by].username,
            }
            for number, row in enumerate(call.store.history, 1)
            if wanted in (None, str(row.job))
        ]
    )


def _users(call: ApiCall) -> EndpointResult:
    return _people(call, call.store.users, lambda user: {"id": user.id, "username": user.username})


def _clients(call: ApiCall) -> EndpointResult:
    clients = {id: user for id, user in call.store.users.items() if id != RESEARCHER_ID}
    return _people(call, clients, lambda user: _client_members(call, user))


def _people(
    call: ApiCall, users: Mapping[int, UserAccount], members: Callable[[UserAccount], Members]
) -> EndpointResult:
    """
    Answer a list of users, or the one whose id is in the address; raise ApiError 404.

    The server looks for users/current/ before the token, so with a token it is not there.
    """
    call.allow("GET")
    if call.row is None:
        return call.page([members(user) for user in users.values()])
    try:
        return 200, members(users[int(call.row)])
    except (ValueError, KeyError):
        raise ApiError(404, "Not found.") from None


def _client_members(call: ApiCall, user: UserAccount) -> Members:
    """Return a client's members, its token included: any token may read any client's."""
    return {
        "id": user.id,
        "username": user.username,
        "last_login": None,
        "active_jobs": [call.job(job) for job in call.store.active(user.id)],
        "auth_token": {"key": user.token, "created": written_moment(call.store.since)},
    }


_LISTS: Final[dict[str, Endpoint]] = {
    "activejobs": _active_jobs,
    "clients": _clients,
    "jobmodifications": _modifications,
    "jobs": _all_jobs,
    "update": _updates,
    "users": _users,
}
_ROWS: Final[dict[str, Endpoint]] = {
    "activejobs": _active_job,
    "clients": _clients,
    "jobs": _job,
    "users": _users,
}
