"""
What answers at which address below /api/, with what is sent and given there.

The one table: requests are answered by it, and the description of the interface is made of it.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import attrs
from msgspec import UNSET

from tcclient.control.reports import Glimpses, Held, Host, State
from tcserver.api import captures, people, reports
from tcserver.api.answers import EndpointAnswer
from tcserver.api.asking import Call
from tcserver.api.captures import JOB_FIELDS, JobPage
from tcserver.api.jobs import JobMembers
from tcserver.api.pages import Page
from tcserver.api.people import ClientMembers, ModificationMembers, RootMembers, UserMembers
from tcserver.api.reports import UPDATE_FIELDS, NotYours, UpdateMembers


@attrs.frozen
class Operation:
    """
    What a method does at an address: `answer` is asked, and gives with `status` a value of the
    type `gives`, or nothing.

    `takes` is the body: a type of JSON, MemberFields by name of JSON or a form, or `bytes` as they
    are.  `query` has the parameters: `object` where what is unfit is passed over, `int`, or [int]
    where it is needed.
    `conflicts` is what status 409 gives, where there is one: a type, or `dict` for sentences.
    """

    answer: Callable[[Call], EndpointAnswer]
    gives: Any = UNSET
    status: int = 200
    takes: Any = UNSET
    query: Mapping[str, Any] = {}
    conflicts: Any = UNSET


Methods: TypeAlias = Mapping[str, Operation]

_PAGE = {"limit": object, "offset": object}
_JOB: Methods = {
    "PUT": Operation(captures.write_job, JobMembers, takes=JOB_FIELDS, conflicts=dict),
    "PATCH": Operation(captures.write_job, JobMembers, takes=JOB_FIELDS, conflicts=dict),
    "DELETE": Operation(captures.delete_job, status=204),
}
LISTS: Mapping[str | None, Methods] = {
    None: {"GET": Operation(people.root, RootMembers)},
    "activejobs": {"GET": Operation(captures.active_jobs, JobPage, query=_PAGE)},
    "clients": {"GET": Operation(people.clients, Page[ClientMembers], query=_PAGE)},
    "glimpses": {"PUT": Operation(reports.put_glimpses, status=204, takes=Glimpses)},
    "host": {"PUT": Operation(reports.put_host, status=204, takes=Host)},
    "jobmodifications": {
        "GET": Operation(
            people.modifications, Page[ModificationMembers], query={**_PAGE, "job": object}
        )
    },
    "jobs": {
        "GET": Operation(captures.all_jobs, JobPage, query={**_PAGE, "active": object}),
        "POST": Operation(captures.new_job, JobMembers, 201, JOB_FIELDS),
    },
    "state": {"PUT": Operation(reports.put_states, NotYours, takes=list[State])},
    "update": {
        "GET": Operation(reports.updates, Page[UpdateMembers], query=_PAGE),
        "POST": Operation(reports.new_update, UpdateMembers, 201, UPDATE_FIELDS),
    },
    "users": {"GET": Operation(people.users, Page[UserMembers], query=_PAGE)},
}
ROWS: Mapping[str, Methods] = {
    "activejobs": {"GET": Operation(captures.active_job, JobMembers), **_JOB},
    "clients": {"GET": Operation(people.clients, ClientMembers)},
    "jobs": {"GET": Operation(captures.job, JobMembers), **_JOB},
    "ledger": {
        "GET": Operation(reports.ledger, Held),
        "PUT": Operation(
            reports.put_ledger,
            Held,
            takes=bytes,
            query={"offset": [int], "job": int},
            conflicts=Held,
        ),
    },
    "users": {"GET": Operation(people.users, UserMembers)},
}
"""What answers /api/<list>/ and /api/<list>/<row>/, by method."""
