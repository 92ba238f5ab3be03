"""The rows of the capture server: their members and types.  Knows none of the rules."""

from datetime import datetime
from decimal import Decimal
from typing import Final

import attrs

# Tokens that open nothing but a sandbox.
TOKEN: Final = "5a4db0c5" * 5
RESEARCHER_TOKEN: Final = "4e5ea4c4" * 5
RESEARCHER_ID: Final = 1000

CREATED, STARTING, STARTED, STOPPING, STOPPED = range(1, 6)


@attrs.define
class UserAccount:
    """Someone with a token: a capture client, or a researcher (staff)."""

    id: int
    username: str
    token: str | None = None
    active: bool = True
    staff: bool = False


@attrs.define
class JobRow:
    """One job.  Datetimes have a zone and are in UTC."""

    id: int
    name: str
    created_date: datetime
    modified_date: datetime
    status: int = CREATED
    description: str | None = None
    keywords: str | None = None
    task_id: int | None = None
    total_count: int | None = None
    rate: Decimal | None = None
    first_started: datetime | None = None
    started: datetime | None = None
    stopped: datetime | None = None
    ping_date: datetime | None = None
    archived_date: datetime | None = None
    deleted_date: datetime | None = None
    assigned_worker: int | None = None
    created_by: int | None = None
    modified_by: int | None = None
    deleted_by: int | None = None
    archived_by: int | None = None


@attrs.frozen
class UpdateRow:
    """One report of a client: `count` posts since its last one."""

    id: int
    job: int
    date: datetime
    count: int | None = None
    total_count: int | None = None
    rate: Decimal | None = None
