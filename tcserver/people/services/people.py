"""To make a person, to say who may log in and who administers, and to make one a member."""

from typing import Any

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import transaction

from tcserver.hints import CAPTURES, hint
from tcserver.history.acts import Act
from tcserver.history.models import Concerned, note
from tcserver.people.askers import NotFound
from tcserver.people.models import Membership, Role, User


class PersonNameTaken(Exception):
    """Raised where another person has the name, be it in other letters, as Rita for rita."""


class LastAdministrator(Exception):
    """Raised where nobody would be left who can log in and administer."""


def create_person(
    name: str, password: str | None, act: Act, *, administrator: bool = False
) -> User:
    """
    Make a person who can log in; without a password once one was chosen by a link.  Raises
    PersonNameTaken.
    """
    with transaction.atomic():
        # Everybody who makes people waits here, so that no two find the name free.
        list(_administrators())
        if User.objects.filter(username__iexact=name).exists():
            raise PersonNameTaken
        person = User(username=name, is_superuser=administrator, is_staff=administrator)
        person.set_password(password)
        person.save()
        note(act, "created", _subject(person), None, {"administrator": (None, administrator)})
        return person


def activate(person_id: int, act: Act) -> None:
    """Have a person be able to log in again.  Raises NotFound."""
    _change(person_id, "activated", act, is_active=True)


def deactivate(person_id: int, act: Act) -> None:
    """
    Have a person log in no more: sessions, keys and links open nothing.  Raises NotFound and
    LastAdministrator.
    """
    _change(person_id, "deactivated", act, is_active=False)


def make_administrator(person_id: int, act: Act) -> None:
    """Have a person administer.  Raises NotFound."""
    _change(person_id, "made administrator", act, is_superuser=True)


def make_no_administrator(person_id: int, act: Act) -> None:
    """Have a person administer no more.  Raises NotFound and LastAdministrator."""
    _change(person_id, "made no administrator", act, is_superuser=False)


def give_role(person: User, project: int, role: Role | None, act: Act) -> None:
    """Have a person be this in a project; None: no member any more."""
    with transaction.atomic():
        rows = Membership.objects.select_for_update().filter(person=person, project=project)
        found = rows.first()
        before = None if found is None else found.role
        if before == role:
            return
        if role is None:
            rows.delete()
        else:
            Membership.objects.update_or_create(
                person=person, project_id=project, defaults={"role": role}
            )
        note(act, "role given", _subject(person), project, {"role": (before, role)})
        hint(CAPTURES)


def set_email(person_id: int, email: str, act: Act) -> None:
    """
    Have links be mailed to this address, to none where it is "".  Links that were mailed before
    are over.  History says that it was changed, not which it is: people may want it forgotten.
    Raises NotFound.
    """
    with transaction.atomic():
        person = User.objects.select_for_update().filter(pk=person_id).first()
        if person is None:
            raise NotFound
        if person.email != email:
            User.objects.filter(pk=person_id).update(email=email)
            note(act, "e-mail changed", _subject(person), None, {})


def _change(person_id: int, name: str, act: Act, **members: bool) -> None:
    """Change flags of a person, where they are not so already; note it."""
    with transaction.atomic():
        # Two who remove one another wait for each other here.
        administrators = list(_administrators())
        person = User.objects.select_for_update().filter(pk=person_id).first()
        if person is None:
            raise NotFound
        before: dict[str, Any] = {member: getattr(person, member) for member in members}
        if before == members:
            return
        if not all(members.values()) and administrators == [person]:
            raise LastAdministrator
        if "is_superuser" in members:
            members["is_staff"] = members["is_superuser"]
        User.objects.filter(pk=person_id).update(**members)
        changes = {
            {"is_active": "active", "is_superuser": "administrator"}[member]: (old, members[member])
            for member, old in before.items()
        }
        note(act, name, _subject(person), None, changes)
        hint(CAPTURES)


def _administrators() -> Any:
    """Those who can log in and administer, locked: not who has yet to choose a password."""
    rows = User.objects.select_for_update().filter(is_superuser=True, is_active=True)
    return rows.exclude(password__startswith=UNUSABLE_PASSWORD_PREFIX).order_by("pk")


def _subject(person: User) -> tuple[Concerned, int, str]:
    return Concerned.PERSON, person.pk, person.username
