"""
Everybody who may ask: three people in three roles, the clients of two projects, and nobody.

Knows a world of which strangers may know nothing; knows no address.
"""

from datetime import timedelta
from enum import StrEnum
from itertools import product

import attrs

from tcclient.health.health import Level
from tcserver.accounts.models import LedgerRecord
from tcserver.alerts.conditions import AlertKind, AlertVerdict
from tcserver.alerts.services.channels import NewChannel, create_channel
from tcserver.alerts.services.look import look
from tcserver.captures.models import CaptureRecord
from tcserver.captures.services.create import NewCapture, create
from tcserver.captures.status import Wanted
from tcserver.fleet.models import Token
from tcserver.fleet.services.clients import create_client
from tcserver.fleet.services.tokens import issue
from tcserver.history.acts import by_server
from tcserver.people.models import ApiKey, Role, User
from tcserver.people.services.keys import issue_key
from tcserver.people.services.people import create_person, give_role, make_administrator
from tests.tcserver.sentledgers import fold_all, gap, send, told_at
from tests.tcserver.world import START, World

HIDDEN = "Hidden"
"""In all names of what strangers may not know of."""


class Who(StrEnum):
    """Whose person it is."""

    OWNER = "owner"
    COLLEAGUE = "colleague"
    STRANGER = "stranger"


class What(StrEnum):
    """What the person may do: in the owner's project, or in the stranger's own."""

    VIEWER = "viewer"
    RESEARCHER = "researcher"
    ADMINISTRATOR = "administrator"


@attrs.frozen
class PersonAsks:
    """A person of the matrix."""

    who: Who
    what: What

    @property
    def administers(self) -> bool:
        """Whether everything may be done."""
        return self.what == What.ADMINISTRATOR

    @property
    def sees(self) -> bool:
        """Whether the hidden project may be known of."""
        return self.administers or self.who != Who.STRANGER

    @property
    def changes(self) -> bool:
        """Whether captures of the hidden project may be changed."""
        return self.administers or (self.sees and self.what == What.RESEARCHER)


PEOPLE = [PersonAsks(who, what) for who, what in product(Who, What)]


class HiddenWorld:
    """A project with a client, a capture and a member with a key, all with hidden names."""

    def __init__(self, world: World) -> None:
        self.world, act = world, by_server(START)
        self.project, self.other = world.project, world.other
        self.project.name = f"{HIDDEN} project"
        self.project.save()
        self.people = {one: self._person(one) for one in PEOPLE}
        self.member = create_person(f"{HIDDEN}-member", None, act)
        give_role(self.member, self.project.pk, Role.VIEWER, act)
        issue_key(self.member, f"{HIDDEN} key", act, may_write=False)
        self.key = ApiKey.objects.get(person=self.member)
        self.client = create_client(f"{HIDDEN} client", [self.project.pk], act)
        self.token = issue(self.client.pk, act)
        self.token_row = Token.objects.get(client=self.client)
        new = NewCapture(
            self.project.pk, f"{HIDDEN} cats", f"{HIDDEN} words", f"{HIDDEN} text",
            client=self.client.pk, wanted=Wanted.RUN,
        )  # fmt: skip
        self.capture = create(new, act)
        to = NewChannel("webhook", f"https://hooks.example/{HIDDEN}", True, "none")
        self.channel = create_channel(to, act)
        for subject, kind in (("client", AlertKind.DISK), ("capture", AlertKind.GAP)):
            one = self.client if subject == "client" else self.capture
            bad = AlertVerdict(kind, subject, one.pk, one.name, Level.DOWN, f"{HIDDEN} reason")
            for minute in range(2):
                look([bad], START + timedelta(minutes=minute))
        send(self.client, "hidden", self.capture, told_at(0, gap(0, 1), self.capture.pk))
        fold_all()
        self.ledger = LedgerRecord.objects.get(client=self.client)

    def owned_by(self, one: PersonAsks) -> None:
        """Have the capture be this person's, where that is an owner."""
        if one.who == Who.OWNER:
            rows = CaptureRecord.objects.filter(pk=self.capture.pk)
            rows.update(created_by=self.people[one], changed_by=self.people[one])

    def _person(self, one: PersonAsks) -> User:
        act = by_server(START)
        person = create_person(f"{one.who}-{one.what}", None, act)
        if one.administers:
            make_administrator(person.pk, act)
            return person
        project = self.other if one.who == Who.STRANGER else self.project
        give_role(person, project.pk, Role(one.what.value), act)
        return person
