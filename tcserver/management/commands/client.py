"""`tcserver client NAME`: a ready settings file for a new capture client."""

import re
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from tcserver.fleet.services.clients import ClientNameTaken, create_client
from tcserver.fleet.services.tokens import issue
from tcserver.fleet.settingsfile import settings_file
from tcserver.history.acts import by_server
from tcserver.management.commands.up import LISTEN
from tcserver.people.models import Project


class Command(BaseCommand):
    """Makes a client that serves all projects, and prints its settings with a new token."""

    help = "Print a ready settings.json for a new capture client, with its token, shown once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the name, and where the client finds the server."""
        parser.add_argument("name")
        parser.add_argument(
            "--server",
            default=settings.ENVIRONMENT.origin,
            metavar="URL",
            help="the address at which the client finds this server",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it, and print the settings."""
        name = options["name"].strip()
        if not re.fullmatch(r"[^\x00-\x1f]{1,64}", name):
            raise CommandError("A client's name has 1 to 64 characters.")
        act = by_server(timezone.now())
        projects = list(Project.objects.values_list("pk", flat=True))
        try:
            with transaction.atomic():
                client = create_client(name, projects, act)
                token = issue(client.pk, act)
        except ClientNameTaken:
            raise CommandError(f"There is a client {name!r} already.") from None
        server = options["server"]
        if server is None:
            server = f"http://{LISTEN}"
            self.stderr.write(
                f"The client is to find the server at {server}: if that is not its address, write "
                "the right one into base_url; next time name it by --server or SITE_URL."
            )
        self.stdout.write(settings_file(server, client.pk, token), ending="")
