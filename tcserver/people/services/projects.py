"""To make a project, and to rename one."""

from django.db import IntegrityError, transaction

from tcserver.history.acts import Act
from tcserver.history.models import Concerned, note
from tcserver.people.askers import NotFound
from tcserver.people.models import Project


class ProjectNameTaken(Exception):
    """Raised where another project has the name."""


def create_project(name: str, act: Act) -> Project:
    """Make a project without members.  Raises ProjectNameTaken."""
    try:
        with transaction.atomic():
            project = Project.objects.create(name=name, created_at=act.at)
            _note(act, "created", project, (None, name))
            return project
    except IntegrityError:
        raise ProjectNameTaken from None


def rename_project(project_id: int, name: str, act: Act) -> None:
    """Give a project another name.  Raises NotFound and ProjectNameTaken."""
    try:
        with transaction.atomic():
            project = Project.objects.select_for_update().filter(pk=project_id).first()
            if project is None:
                raise NotFound
            before = project.name
            if before == name:
                return
            Project.objects.filter(pk=project_id).update(name=name)
            project.name = name
            _note(act, "renamed", project, (before, name))
    except IntegrityError:
        raise ProjectNameTaken from None


def _note(act: Act, name: str, project: Project, names: tuple[str | None, str]) -> None:
    subject = (Concerned.PROJECT, project.pk, project.name)
    note(act, name, subject, project.pk, {"name": names})
