"""`tcserver alerts`: the alerts by themselves, which also run inside of `tcserver up`."""

from typing import Any

from django.core.management import BaseCommand, CommandParser
from django.utils import timezone

from tcserver.alerting import alerting
from tcserver.working import until_signal


class Command(BaseCommand):
    """Looks, tells and delivers until a signal, or once."""

    help = "Look what is wrong, tell the channels and deliver, until a signal; or once."
    requires_system_checks: list[str] = []  # noqa: RUF012 - as Django declares it

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the option for cron."""
        parser.add_argument("--once", action="store_true", help="do what is to be done, and end")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        work = alerting()
        if not options["once"]:
            until_signal(work)
            return
        while work.turn(timezone.now()):
            pass
