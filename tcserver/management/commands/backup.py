"""`tcserver backup FILE`: database and secrets in one file, also while the server runs."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandParser

from tcserver.environment import DATABASE, SetupError
from tcserver.management.archive import write_backup


class Command(BaseCommand):
    """Writes a backup of an installation whose database is a file."""

    help = "Write database and secrets to one file, consistent also while the server runs."
    requires_system_checks: list[str] = []  # noqa: RUF012 - as Django declares it

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the name of the file."""
        parser.add_argument("file", metavar="FILE", help="as in site.tar.gz; made or replaced")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it."""
        environment = settings.ENVIRONMENT
        if environment.database["ENGINE"] != "tcserver.sqlite":
            raise SetupError(
                f"The database is PostgreSQL: copy secrets.json, and run pg_dump --format=custom "
                f'--file=FILE "${DATABASE}".'
            )
        assert environment.data is not None, "the command has named a folder"
        file = Path(options["file"]).absolute()
        write_backup(environment.data, file)
        self.stdout.write(f"Database and secrets are in {file}: whoever reads it has both.")
