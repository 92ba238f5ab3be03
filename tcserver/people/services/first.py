"""What the first start makes: the server's id, a project, an administrator."""

from django.db import transaction

from tcserver.history.acts import Act
from tcserver.history.models import Concerned, note
from tcserver.people.models import Project, SiteIdentity, User
from tcserver.people.services.people import create_person

PROJECT = "Captures"
ADMINISTRATOR = "admin"


def first_start(password: str, act: Act) -> bool:
    """
    Make what is missing of them; the administrator has this password.  Return whether the
    administrator was made: not where there is somebody already.
    """
    with transaction.atomic():
        SiteIdentity.objects.get_or_create(pk=1)
        if not Project.objects.exists():
            project = Project.objects.create(name=PROJECT, created_at=act.at)
            subject = (Concerned.PROJECT, project.pk, project.name)
            note(act, "created", subject, project.pk, {"name": (None, project.name)})
        if User.objects.exists():
            return False
        create_person(ADMINISTRATOR, password, act, administrator=True)
        return True
