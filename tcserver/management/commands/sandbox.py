"""`tcserver sandbox`: the server of a sandbox, told what to be on its standard input."""

import os
import signal
import sys
import threading
from typing import Any

import msgspec
from django.conf import settings
from django.core.management import BaseCommand, call_command
from django.db import transaction
from django.utils import timezone

from tcserver.alerting import alerting
from tcserver.captures.models import CaptureRecord
from tcserver.captures.services.create import NewCapture, create
from tcserver.captures.status import Wanted
from tcserver.fleet.models import Client, Token
from tcserver.fleet.services.clients import create_client
from tcserver.fleet.services.tokens import issue
from tcserver.history.acts import Act, by_server
from tcserver.housekeeping import Housekeeping
from tcserver.insandbox import KEY, LOGIN, PASSWORD, SOCKET, SandboxPlan
from tcserver.people.models import ApiKey, Project, User
from tcserver.people.services.first import first_start
from tcserver.people.services.keys import issue_key
from tcserver.people.tokens import digest
from tcserver.serving import serve_on
from tcserver.working import WorkThread

CLIENT = "sandbox"


class Command(BaseCommand):
    """Serves a sandbox until whoever started it is gone."""

    help = "Serve a sandbox; started by twistd -n tcc --sandbox DIR."
    requires_system_checks: list[str] = []  # noqa: RUF012 - as Django declares it

    def handle(self, *args: Any, **options: Any) -> None:
        """Make what is missing, and serve."""
        # Ctrl-C goes to the whole group: the client has a last report to send first.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        plan = msgspec.json.decode(sys.stdin.buffer.readline(), type=SandboxPlan)
        call_command("migrate", verbosity=0, interactive=False)
        act = by_server(timezone.now())
        with transaction.atomic():
            first_start(PASSWORD, act)
            _make(plan, act)
        threading.Thread(target=_end_with_parent, daemon=True).start()
        with WorkThread(Housekeeping(settings.ENVIRONMENT)), WorkThread(alerting()):
            serve_on(SOCKET, lambda host, port: None)


def _make(plan: SandboxPlan, act: Act) -> None:
    """Make what the plan names, where an earlier sandbox in the folder has not made it."""
    project = Project.objects.order_by("pk")[0]
    client = Client.objects.filter(name=CLIENT).first()
    if client is None:
        client = create_client(CLIENT, [project.pk], act)
    if not Token.objects.filter(digest=digest(plan.token)).exists():
        issue(client.pk, act, token=plan.token)
    if not ApiKey.objects.filter(digest=digest(KEY)).exists():
        person = User.objects.get(username=LOGIN)
        issue_key(person, "lines to paste", act, may_write=True, key=KEY)
    for name, keywords in plan.captures.items():
        if not CaptureRecord.objects.filter(name=name).exists():
            new = NewCapture(project.pk, name, keywords, client=client.pk, wanted=Wanted.RUN)
            create(new, act)


def _end_with_parent() -> None:
    """End this process once nobody holds the other end of its standard input."""
    # Not by sys.stdin, whose lock this thread would hold when the process ends.
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
