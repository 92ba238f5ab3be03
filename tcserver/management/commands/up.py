"""`tcserver up`: makes what is missing, and serves."""

import secrets
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandParser, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from tcserver.alerting import alerting
from tcserver.environment import SetupError, listening
from tcserver.history.acts import by_server
from tcserver.housekeeping import Housekeeping
from tcserver.management.soundness import is_newer
from tcserver.people.services.first import ADMINISTRATOR, first_start
from tcserver.serving import serve_at
from tcserver.working import WorkThread

LISTEN = "127.0.0.1:8000"


class Command(BaseCommand):
    """Makes the database, the secrets and the first administrator where there are none; serves."""

    help = "Make database, secrets and the first administrator where there are none, and serve."
    requires_system_checks: list[str] = []  # noqa: RUF012 - as Django declares it

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the option that says where to listen."""
        parser.add_argument("--listen", default=LISTEN, metavar="HOST:PORT", help=LISTEN)

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until a signal."""
        host, port = listening(options["listen"])
        if settings.ENVIRONMENT.host is None and host not in ("0.0.0.0", "::"):
            settings.ALLOWED_HOSTS.append(f"[{host}]" if ":" in host else host)
        if is_newer(MigrationExecutor(connection)):
            raise SetupError("The database is of a newer release: install that one again.")
        call_command("migrate", verbosity=0, interactive=False)
        password = secrets.token_urlsafe(12)
        made = first_start(password, by_server(timezone.now()))
        with WorkThread(Housekeeping(settings.ENVIRONMENT)), WorkThread(alerting()):
            serve_at(host, port, partial(self._say, password if made else None))

    def _say(self, password: str | None, host: str, port: int) -> None:
        """Say where the server is, and at the first start who can log in."""
        lines = [f"The capture server is at {settings.ENVIRONMENT.origin or address(host, port)}/"]
        if password is not None:
            lines += [
                f"Log in as {ADMINISTRATOR} with the password {password}",
                "It is shown this once: keep it, or change it on the website.",
            ]
        self.stdout.write("\n".join(lines) + "\n")
        self.stdout.flush()


def address(host: str, port: int) -> str:
    """Return the address of a server that listens there, as it is reached from this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
