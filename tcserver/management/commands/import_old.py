"""`tcserver import-old OLD.sqlite3`: what a site of the older capture server has, to this one."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandParser
from django.utils import timezone

from tcserver.environment import SetupError
from tcserver.management.oldsite.bringing import Brought, bring
from tcserver.management.oldsite.database import opened
from tcserver.people.models import Project


class Command(BaseCommand):
    """Brings over clients, captures, updates and history, once."""

    help = "Bring clients, captures, updates and history of an older capture site to this one."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the old database, and where its captures go."""
        parser.add_argument("file", metavar="OLD.sqlite3", help="the old site's database")
        parser.add_argument(
            "--project", metavar="NAME", help="whose they become; the first one, if none is named"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Bring all of it, and print the clients' new tokens."""
        project = _project(options["project"])
        now = timezone.now()
        with opened(Path(options["file"]), now) as old:
            brought = bring(old, project, now)
        self.stdout.write("\n".join(_report(brought, project.name)))


def _project(name: str | None) -> Project:
    """Return the project of a name.  Raises SetupError."""
    projects = list(Project.objects.order_by("pk"))
    for project in projects:
        if name is None or project.name == name:
            return project
    if not projects:
        raise SetupError("There is no project yet: start the server once, by tcserver up.")
    known = ", ".join(repr(project.name) for project in projects)
    raise SetupError(f"There is no project {name!r}: there is {known}.")


def _report(brought: Brought, project: str) -> list[str]:
    """Return what there is to say, in lines."""
    lines = [
        f"The project {project} has {brought.clients} clients, {brought.captures} captures, "
        f"{brought.updates} updates and {brought.entries} entries of history more."
    ]
    if brought.updates_left:
        lines.append(f"Left out: {brought.updates_left} updates without a date or a capture.")
    if brought.entries_left:
        lines.append(f"Left out: {brought.entries_left} entries of history that tell of no change.")
    lines += [f"Called {name!r} here: {given!r}." for given, name in brought.renamed]
    if brought.tokens:
        origin = settings.ENVIRONMENT.origin or "http://127.0.0.1:8000"
        lines += [
            "",
            "The clients have new tokens, which are shown this once. Their settings become:",
            f'base_url "{origin}/api/", and for each one',
        ]
        lines += [
            f'{name}: client_id {number}, auth_token "{token}"'
            for number, (name, token) in brought.tokens.items()
        ]
    return lines
