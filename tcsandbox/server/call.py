"""
One request on its way to an endpoint, with what endpoints ask of it.

Knows how this kind of server reads bodies and writes jobs; knows no addresses.
"""

import re
from collections.abc import Mapping
from typing import TypeAlias

import attrs

from tcsandbox.server import fields, views
from tcsandbox.server.fields import RequestBody
from tcsandbox.server.forms import Forms
from tcsandbox.server.jobstore import Crash, JobStore, NoSuchJob
from tcsandbox.server.negotiation import ApiError, ApiRequest, parse_body
from tcsandbox.server.quirks import Quirks
from tcsandbox.server.rows import JobRow, UserAccount
from tcsandbox.server.views import Members

# The status, and the object that becomes JSON.
EndpointResult: TypeAlias = tuple[int, object]


@attrs.define
class ApiCall:
    """
    A request to an endpoint.

    `row` is the id in the address, `suffix` the format in it; `user` is set once the token is
    checked.
    """

    request: ApiRequest
    store: JobStore
    quirks: Quirks
    row: str | None
    query: Mapping[str, str]
    suffix: str | None
    user: UserAccount = attrs.field(init=False)

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
        url = self.request.base + self.request.target
        return 200, views.page(rows, url, self.query)

    def job_id(self) -> int:
        """
        Return the number in the address.

        Raise NoSuchJob where there is none, and Crash for a number beyond what SQLite
        holds.
        """
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
        wanted = self.query.get("format")
        return f"{self.request.base}/api/jobs/{job.id}{tail}" + (
            f"?format={wanted}" if wanted else ""
        )
