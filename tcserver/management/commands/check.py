"""`tcserver check`: whether an installation is fit to be used, one line each."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandParser
from django.utils import timezone

from tcserver.environment import DATA, Environment, read
from tcserver.management.findings import CheckLevel, CheckLine, disk, of_files
from tcserver.management.proxy import of_proxy
from tcserver.management.redisline import of_redis
from tcserver.management.soundness import of_database
from tcserver.management.telling import of_mail


class Command(BaseCommand):
    """Looks at everything, and says how it is; in the place of Django's own check."""

    help = (
        "Say in a line each whether folder, secrets, TLS, mail, database, clock, Redis and disk "
        "are well."
    )
    requires_system_checks: list[str] = []  # noqa: RUF012 - as Django declares it

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the folder, whose secrets may be what is wrong."""
        parser.add_argument("--data", metavar="DIR", required=True, help="the folder")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the lines.  Raises SystemExit, with status 1 if there is a problem."""
        data = Path(options["data"])
        environment = read({**os.environ, DATA: str(data)})
        worst = False
        for finding in _look(environment, data):
            self.stdout.write(str(finding))
            self.stdout.flush()
            worst = worst or finding.level == CheckLevel.PROBLEM
        sys.exit(1 if worst else 0)


def _look(environment: Environment, data: Path) -> Iterator[CheckLine]:
    """Yield all that is found."""
    yield from of_files(environment, data)
    if environment.origin is not None and environment.secure:
        yield of_proxy(environment.origin)
    yield of_mail(environment.alerts)
    yield from of_database(environment, timezone.now())
    yield of_redis(environment.redis)
    if data.is_dir():
        usage = shutil.disk_usage(data)
        yield disk(usage.free, usage.total)
