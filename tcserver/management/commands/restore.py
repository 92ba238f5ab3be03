"""`tcserver restore FILE`: an installation as it was when the backup was written."""

import os
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandParser

from tcserver.environment import DATABASE, SetupError
from tcserver.management.archive import REPLACED, restore_backup


class Command(BaseCommand):
    """Makes the folder of an installation from a backup."""

    help = "Make the folder of an installation from a backup."
    requires_system_checks: list[str] = []  # noqa: RUF012 - as Django declares it

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the file, the folder, and whether something may stand there."""
        parser.add_argument("file", metavar="FILE", help="what tcserver backup has written")
        parser.add_argument("--data", metavar="DIR", required=True, help="the folder")
        parser.add_argument(
            "--replace", action="store_true", help=f"keep what is there as *{REPLACED}"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it."""
        if os.environ.get(DATABASE):
            raise SetupError(
                "The database is PostgreSQL: put the copy of secrets.json into the folder, and run "
                f'pg_restore --clean --if-exists --dbname="${DATABASE}" FILE.'
            )
        data = Path(options["data"])
        there = restore_backup(Path(options["file"]).absolute(), data, replace=options["replace"])
        kept = f" What was there is kept as *{REPLACED}." if there else ""
        self.stdout.write(f"{data} is as the backup has it.{kept} tcserver up serves it.")
