"""What the first start makes: the server's id, a project, an administrator."""

from django.db import transaction

from tcserver.history.acts import Act
from tcserver.people.models import Project, SiteIdentity, User
from tcserver.people.services.people import create_person
from tcserver.people.services.projects import create_project

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
            create_project(PROJECT, act)
        if User.objects.exists():
            return False
        create_person(ADMINISTRATOR, password, act, administrator=True)
        return True
