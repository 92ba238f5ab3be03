"""How a body becomes values for a job or an update, or a sentence on each failing member."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeAlias

from tcsandbox.server import fields
from tcsandbox.server.fields import ABSENT, Field, Invalid, RequestBody
from tcsandbox.server.jobstore import JobStore
from tcsandbox.server.rows import JobRow

Errors: TypeAlias = dict[str, list[str]]

_MOMENTS = "first_started started stopped ping_date archived_date deleted_date"
MOMENTS: Final = tuple(_MOMENTS.split())
USERS: Final = ("assigned_worker", "created_by", "modified_by", "deleted_by")


class InvalidMembers(Exception):
    """Raised when members are refused; `errors` maps each to its sentences."""

    def __init__(self, errors: Errors) -> None:
        super().__init__(errors)
        self.errors = errors


class Forms:
    """Reads bodies against the rows of `store`; `integer` reads what the database can hold."""

    def __init__(
        self, store: JobStore, integer: Callable[[object], int] = fields.whole_number
    ) -> None:
        self._store = store
        self._job = {
            "name": Field(fields.job_name, nullable=False, required=True),
            "description": Field(fields.text),
            "keywords": Field(fields.text),
            "status": Field(fields.status, nullable=False, required=True),
            "task_id": Field(integer),
            "total_count": Field(integer),
            "rate": Field(fields.rate),
            **{member: Field(fields.moment) for member in MOMENTS},
            **{member: Field(partial(_existing, store.users)) for member in USERS},
        }
        self._update = {
            "job": Field(partial(_existing, store.jobs), nullable=False, required=True),
            "count": Field(integer),
            "total_count": Field(integer),
            "rate": Field(fields.rate),
        }

    def whole_job(self, job: JobRow | None, body: RequestBody) -> dict[str, object]:
        """Return the values of a new job or of a PUT over `job`; raise InvalidMembers."""
        return self._read(self._job, body, check=lambda m, v: self._check_job(job, m, v))

    def part_of_job(self, job: JobRow, body: RequestBody) -> dict[str, object]:
        """Return the values of a PATCH over `job`; raise InvalidMembers."""
        return self._read(self._job, body, True, lambda m, v: self._check_job(job, m, v))

    def update(self, body: RequestBody) -> dict[str, object]:
        """Return the values of an update, which needs only the job; raise InvalidMembers."""
        return self._read(self._update, body)

    def _read(
        self,
        members: Mapping[str, Field],
        body: RequestBody,
        partial: bool = False,
        check: Callable[[str, object], None] = lambda _member, _value: None,
    ) -> dict[str, object]:
        values: dict[str, object] = {}
        errors: Errors = {}
        for member, field in members.items():
            try:
                value = field.read(body, member, partial)
                if value is not ABSENT:
                    check(member, value)
                    values[member] = value
            except Invalid as e:
                errors[member] = e.messages
        if errors:
            raise InvalidMembers(errors)
        return values

    def _check_job(self, job: JobRow | None, member: str, value: object) -> None:
        others = [other for other in self._store.jobs.values() if other is not job]
        if member == "name" and any(other.name == value for other in others):
            raise Invalid("Job with this name already exists.")
        if member != "assigned_worker" or (job is not None and job.assigned_worker == value):
            return
        if value is None:
            raise Invalid("This job must be assigned to a valid client.")
        # A new job is not checked for this, so one client may well have several jobs.
        if job is not None and any(
            other.assigned_worker == value and other.archived_date is None for other in others
        ):
            raise Invalid("Client is already assigned, choose another job")


def _existing(rows: Mapping[int, object], value: object) -> int:
    """Return the id that `value` gives; raise Invalid unless `rows` has it."""
    row = fields.row_id(value)
    if row not in rows:
        raise Invalid(f'Invalid pk "{row}" - object does not exist.')
    return row
