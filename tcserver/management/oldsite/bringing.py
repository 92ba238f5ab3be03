"""
Brings over what an old site has: clients with new tokens, captures, updates, history.

One transaction: all of it is here afterwards, or nothing is.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import count
from typing import Any, TypeAlias

import attrs
from django.core.management.color import no_style
from django.db import connection, transaction

from tcserver.accounts.models import UpdateRecord
from tcserver.accounts.services.adopt import adopt_updates
from tcserver.captures.models import CaptureRecord
from tcserver.captures.services.adopt import adopt
from tcserver.environment import SetupError
from tcserver.fleet.models import Client
from tcserver.fleet.services.clients import create_client, retire
from tcserver.fleet.services.tokens import issue
from tcserver.history.acts import Act, Party, by_server
from tcserver.history.models import Concerned, HistoryEntry, note
from tcserver.management.oldsite.changes import Changes, changes_of
from tcserver.management.oldsite.database import OldJob, OldSite, OldUser
from tcserver.management.oldsite.values import free_name
from tcserver.people.models import Project

LARGEST_NUMBER = 2**31
"""Numbers from here on were not given by a site that people used, and are not kept."""
SOMEBODY = "somebody of the old site"

Deed: TypeAlias = tuple[datetime, int | None, str, Mapping[str, tuple[Any, Any]]]
"""When, by which user of the old site, which act, and what was before and after."""


@attrs.define
class Brought:
    """What was brought over, and what could not be as it was; `tokens` by number of the client."""

    clients: int = 0
    captures: int = 0
    updates: int = 0
    entries: int = 0
    tokens: dict[int, tuple[str, str]] = attrs.field(factory=dict, repr=False)
    renamed: list[tuple[str, str]] = attrs.field(factory=list)
    updates_left: int = 0
    entries_left: int = 0


def bring(old: OldSite, project: Project, now: datetime) -> Brought:
    """Bring over all that `old` has to a project.  Raises SetupError the second time."""
    mark = f"old site {old.fingerprint()}"
    act = by_server(now, mark)
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)
        if HistoryEntry.objects.filter(act="imported", note=mark).exists():
            raise SetupError("it was imported already.")
        bringing = Bringing(old, project, act)
        bringing.bring()
        brought = bringing.brought
        counts = {
            name: (None, getattr(brought, name))
            for name in ("clients", "captures", "updates", "entries")
        }
        note(act, "imported", (Concerned.PROJECT, project.pk, project.name), project.pk, counts)
        with connection.cursor() as cursor:
            for sql in connection.ops.sequence_reset_sql(no_style(), [Client, CaptureRecord]):
                cursor.execute(sql)
    return brought


class Bringing:
    """The way of one site's rows to a project; `brought` tells what came."""

    def __init__(self, old: OldSite, project: Project, act: Act) -> None:
        self.brought = Brought()
        self._old = old
        self._project = project
        self._act = act
        self._users: dict[int, OldUser] = {}
        self._clients: dict[int, Client] = {}
        self._captures: dict[int, CaptureRecord] = {}

    def bring(self) -> None:
        """Bring what is referred to before what refers to it."""
        self._bring_clients()
        self._bring_captures()
        self.brought.entries_left += self._old.strays()
        self.brought.updates = adopt_updates(self._updates())

    def _bring_clients(self) -> None:
        names = set(Client.objects.values_list("name", flat=True))
        self._users = {user.id: user for user in self._old.users()}
        clients = [user for user in self._users.values() if user.is_client]
        taken = Client.objects.values_list("pk", flat=True)
        numbers = _numbers([user.id for user in clients], taken)
        for user in clients:
            name = self._name(user.name, user.name, names)
            client = create_client(name, [self._project.pk], self._act, number=numbers[user.id])
            if user.is_active:
                token = issue(client.pk, self._act)
                self.brought.tokens[client.pk] = (client.name, token)
            else:
                retire(client.pk, self._act)
            self._clients[user.id] = client
            self.brought.clients += 1

    def _bring_captures(self) -> None:
        names = set(CaptureRecord.objects.values_list("name", flat=True))
        jobs = list(self._old.jobs())
        taken = CaptureRecord.objects.values_list("pk", flat=True)
        numbers = _numbers([job.id for job in jobs], taken)
        for job in jobs:
            name = self._name(job.given_name, job.name, names)
            capture = adopt(
                self._project.pk,
                name,
                job.status,
                self._act,
                id=numbers[job.id],
                description=job.description,
                keywords=job.keywords,
                client=self._clients.get(job.client or 0),
                created_at=job.created,
                archived_at=job.archived,
                deleted_at=job.deleted,
                task=job.task,
                total=job.total,
                rate=job.rate,
                first_started_at=job.first_started,
                started_at=job.started,
                stopped_at=job.stopped,
                ping_at=job.ping,
            )
            self._captures[job.id] = capture
            self.brought.captures += 1
            self._bring_history(job, capture)

    def _bring_history(self, job: OldJob, capture: CaptureRecord) -> None:
        """Add what was done to a job, from its beginning to its way here."""
        current: dict[str, str | None] = {
            "name": job.name,
            "description": job.description,
            "keywords": job.keywords,
        }
        done: list[Deed] = []
        for entry in self._old.modifications(job.id):
            changes = changes_of(entry.changes, current)
            if not changes:
                self.brought.entries_left += 1
                continue
            current |= {name: before for name, (before, _) in changes.items()}
            name = "re-keyed" if "keywords" in changes else "edited"
            done.append((entry.at or capture.created_at, entry.by, name, changes))
        begun: Changes = {name: (None, value) for name, value in current.items()}
        done.append((capture.created_at, job.created_by, "created", begun))
        done.reverse()
        for at, by, member in (
            (job.archived, job.archived_by, "archived"),
            (job.deleted, job.deleted_by, "deleted"),
        ):
            if at is not None:
                done.append((at, by, member, {member: (False, True)}))
        subject = (Concerned.CAPTURE, capture.pk, capture.name)
        for at, by, name, told in sorted(done, key=lambda one: one[0]):
            note(self._by(by, at), name, subject, self._project.pk, told)
        came = {"number": (job.id, capture.pk), "name": (job.given_name, capture.name)}
        note(self._act, "imported", subject, self._project.pk, came)
        self.brought.entries += len(done)

    def _updates(self) -> Iterator[UpdateRecord]:
        """Yield the rows of all updates that have a capture and a date."""
        for told in self._old.updates():
            capture = self._captures.get(told.job)
            if capture is None or told.at is None:
                self.brought.updates_left += 1
                continue
            yield UpdateRecord(
                capture=capture, at=told.at, count=told.count, total=told.total, rate=told.rate
            )

    def _name(self, given: str, wanted: str, taken: set[str]) -> str:
        """Return a name that is free, and note whether it is another one."""
        name = free_name(wanted, taken)
        taken.add(name)
        if name != given:
            self.brought.renamed.append((given, name))
        return name

    def _by(self, number: int | None, at: datetime) -> Act:
        """Return the deed of somebody of the old site, who has no number here but a client's."""
        client = self._clients.get(number or 0)
        if client is not None:
            return Act(Party.CLIENT, client.pk, client.name, at, note=self._act.note)
        user = self._users.get(number or 0)
        name = SOMEBODY if user is None else user.name
        return Act(Party.PERSON, None, name, at, note=self._act.note)


def _numbers(old: Iterable[int], taken: Collection[int]) -> dict[int, int]:
    """
    Return which number each of the old ones becomes: itself, so that a client knows what it has
    captured, or else a higher one, where it is taken or would be the last that there is.
    """
    kept = {one for one in old if 0 < one < LARGEST_NUMBER}.difference(taken)
    free = count(max({*taken, *kept}, default=0) + 1)
    return {one: one if one in kept else next(free) for one in old}
