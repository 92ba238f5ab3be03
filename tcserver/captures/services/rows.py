"""A capture under lock, and the writing of what people want of it, with its entry of history."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from tcserver.captures.models import CaptureRecord
from tcserver.hints import hint_capture
from tcserver.history.acts import Act, Party
from tcserver.history.models import Concerned, note
from tcserver.people.askers import NotFound


class Refused(Exception):
    """Raised where an act makes no sense as things are; str() is a sentence for people."""


class InvalidValues(Exception):
    """Raised where values cannot be; `errors` maps each member to its sentences."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__(errors)
        self.errors = errors


class Outdated(Exception):
    """
    Raised where whoever writes has not seen what people want of a capture; `revision` is the
    newest.
    """

    def __init__(self, revision: int) -> None:
        super().__init__(f"The newest revision is {revision}.")
        self.revision = revision


def must_be_newest(capture: CaptureRecord, seen: int | None) -> None:
    """Raise Outdated unless the revision that was seen of a locked capture is the newest one."""
    if seen != capture.revision:
        raise Outdated(capture.revision)


@contextmanager
def locked(capture_id: int) -> Iterator[CaptureRecord]:
    """
    Give the capture to read and write, in a transaction that nobody else writes it in.  Raises
    NotFound.
    """
    with transaction.atomic():
        # SQLite has no lock on rows: there the transaction holds the only lock from its start.
        rows = CaptureRecord.objects.select_for_update(of=("self",))
        rows = rows.select_related("client", "created_by", "changed_by")
        capture = rows.filter(pk=capture_id).first()
        if capture is None:
            raise NotFound
        yield capture


def write(capture: CaptureRecord, act: Act, name: str, /, **columns: Any) -> bool:
    """
    Write what people want of a locked capture, and note the act as `name`.  Return whether
    anything has changed: if not, nothing is written.
    """
    changed = {
        column: value for column, value in columns.items() if getattr(capture, column) != value
    }
    if not changed:
        return False
    before, client = picture(capture), capture.client_id
    if act.party == Party.PERSON:
        changed["changed_by_id"] = act.number
    _save(capture, act, **changed, revision=capture.revision + 1)
    note_changes(capture, act, name, before)
    hint_capture(capture.pk, client, capture.client_id)
    return True


def save(capture: CaptureRecord, act: Act, **columns: Any) -> None:
    """Write these columns of a locked capture, and the time of the write, and nothing else."""
    _save(capture, act, **columns)
    hint_capture(capture.pk)


def _save(capture: CaptureRecord, act: Act, **columns: Any) -> None:
    columns["modified_at"] = act.at
    CaptureRecord.objects.filter(pk=capture.pk).update(**columns)
    for column, value in columns.items():
        setattr(capture, column, value)


def picture(capture: CaptureRecord) -> dict[str, Any]:
    """Return what history has of a capture."""
    return {
        "name": capture.name,
        "description": capture.description,
        "keywords": capture.keywords,
        "client": None if capture.client is None else capture.client.name,
        "status": capture.status.name.lower(),
        "archived": capture.archived_at is not None,
        "deleted": capture.deleted_at is not None,
        "planned_start": capture.planned_start,
        "planned_stop": capture.planned_stop,
    }


def note_changes(capture: CaptureRecord, act: Act, name: str, before: dict[str, Any]) -> None:
    """Add the entry of an act, with what is different from the picture `before`."""
    after = picture(capture)
    changes = {
        member: (before.get(member), value)
        for member, value in after.items()
        if before.get(member) != value
    }
    subject = (Concerned.CAPTURE, capture.pk, capture.name)
    note(act, name, subject, capture.project_id, changes)
