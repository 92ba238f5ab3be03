"""To make a capture."""

import attrs
from django.db import IntegrityError, transaction

from tcserver.captures.models import Assignment, CaptureRecord
from tcserver.captures.services.rows import InvalidValues, note_changes
from tcserver.captures.status import Wanted
from tcserver.fleet.models import Client
from tcserver.hints import hint_capture
from tcserver.history.acts import Act, Party

TAKEN = "Job with this name already exists."


@attrs.frozen
class NewCapture:
    """What is to be captured, for which project, and by which client."""

    project: int
    name: str
    keywords: str | None = None
    description: str | None = None
    client: int | None = None
    wanted: Wanted = Wanted.NOTHING


def create(new: NewCapture, act: Act) -> CaptureRecord:
    """Make it.  Raises InvalidValues."""
    try:
        with transaction.atomic():
            capture = CaptureRecord.objects.create(
                project_id=new.project,
                name=new.name,
                description=new.description,
                keywords=new.keywords,
                client=None if new.client is None else client_for(new.project, new.client),
                wanted=new.wanted,
                created_at=act.at,
                modified_at=act.at,
                created_by_id=act.number if act.party == Party.PERSON else None,
            )
            if new.client is not None:
                note_assignment(capture, new.client, act)
            note_changes(capture, act, "created", {})
            hint_capture(capture.pk, new.client)
            return capture
    except IntegrityError:
        raise InvalidValues({"name": [TAKEN]}) from None


def client_for(project: int, client: int) -> Client:
    """Return the client.  Raises InvalidValues unless it serves the project."""
    found = Client.objects.filter(pk=client, retired_at=None, projects=project).first()
    if found is None:
        raise InvalidValues(
            {"assigned_worker": [f'Invalid pk "{client}" - object does not exist.']}
        )
    return found


def note_assignment(capture: CaptureRecord, client: int, act: Act) -> None:
    """Note that a client has the capture: it may report on it from now on."""
    Assignment.objects.get_or_create(capture=capture, client_id=client, defaults={"since": act.at})
