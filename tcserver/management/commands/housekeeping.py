"""`tcserver housekeeping`: the housekeeping by itself, which also runs inside of `tcserver up`."""

from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandParser
from django.utils import timezone

from tcserver.housekeeping import Housekeeping
from tcserver.working import until_signal


class Command(BaseCommand):
    """Does the housekeeping until a signal, or once."""

    help = "Take ledgers into accounts and delete what is too old, until a signal; or once."
    requires_system_checks: list[str] = []  # noqa: RUF012 - as Django declares it

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the option for cron."""
        parser.add_argument("--once", action="store_true", help="do what is to be done, and end")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        house = Housekeeping(settings.ENVIRONMENT)
        if options["once"]:
            while house.turn(timezone.now()):
                pass
            house.end(timezone.now())
            return
        until_signal(house)
