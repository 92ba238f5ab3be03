"""To make a person, and to make one a member of a project."""

from django.db import transaction

from tcserver.history.acts import Act
from tcserver.history.models import Concerned, note
from tcserver.people.models import Membership, Role, User


def create_person(name: str, password: str, act: Act, *, administrator: bool = False) -> User:
    """Make a person who can log in."""
    with transaction.atomic():
        person = User(username=name, is_superuser=administrator, is_staff=administrator)
        person.set_password(password)
        person.save()
        subject = (Concerned.PERSON, person.pk, name)
        note(act, "created", subject, None, {"administrator": (None, administrator)})
        return person


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
        subject = (Concerned.PERSON, person.pk, person.username)
        note(act, "role given", subject, project, {"role": (before, role)})
