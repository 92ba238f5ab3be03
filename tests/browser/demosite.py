"""
A site with captures in each state, by `python -m tests.browser.demosite FOLDER`: on a port of
loopback that it prints, until a signal.  Clients that are said to be here stay so.
"""

import json
import os
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

from tcclient.ledger.entries import moment
from tcserver.keys import make_keys

PASSWORD = "correct horse"
POSTS = (
    ("@citydesk", "Queues at three polling stations in the north; all stay open until nine."),
    ("@ann_k", "Counted the same ballot box twice tonight. Same number both times. Going to bed."),
    ("@observer", "Recount asked for in district 7: the margin is 112 ballots"),
)
TOKEN = "0123456789" * 4
"""Of the client lab-1."""


def main(folder: str) -> None:
    """Make the site in an empty folder, and serve it."""
    make_keys(Path(folder))
    os.environ |= {"TCSERVER_DATA": folder, "DJANGO_SETTINGS_MODULE": "tcserver.settings"}
    import django

    django.setup()
    from django.core.management import call_command

    from tcserver.serving import serve_at

    call_command("migrate", verbosity=0, interactive=False)
    here = populate()
    threading.Thread(target=keep_here, args=[here], daemon=True).start()
    serve_at("127.0.0.1", 0, lambda host, port: print(f"port {port}", flush=True))


def keep_here(client: int) -> None:
    """Note a contact of a client now and then, and show posts of its captures to who looks."""
    from django.utils import timezone

    from tcclient.control.reports import Glimpse, Glimpses
    from tcserver.captures.glimpses import keep
    from tcserver.captures.models import CaptureRecord
    from tcserver.fleet.models import Token

    while True:
        now = timezone.now()
        Token.objects.filter(client=client).update(contact_at=now)
        posts = tuple(Glimpse(text, author, now) for author, text in POSTS)
        for number in CaptureRecord.objects.filter(client=client).values_list("pk", flat=True):
            keep(client, Glimpses(number, posts))
        threading.Event().wait(2)


def populate() -> int:
    """Make people, clients and captures; return the number of the client that is here."""
    from django.utils import timezone

    from tcserver.fleet.models import Client, Token
    from tcserver.fleet.services.clients import create_client
    from tcserver.fleet.services.tokens import issue
    from tcserver.history.acts import Act, Party, by_server
    from tcserver.people.models import Project, Role
    from tcserver.people.services.first import first_start
    from tcserver.people.services.people import create_person, give_role

    now = timezone.now()
    server = by_server(now - timedelta(days=30))
    first_start(PASSWORD, server)
    project = Project.objects.get()
    people = {}
    for name, role in [("rita", Role.RESEARCHER), ("vera", Role.VIEWER)]:
        people[name] = create_person(name, PASSWORD, server)
        give_role(people[name], project.pk, role, server)
    clients = {}
    for name in ("lab-1", "lab-2", "field"):
        clients[name] = create_client(name, [project.pk], server).pk
        issue(clients[name], server, token=TOKEN if name == "lab-1" else "")
    Token.objects.filter(client=clients["lab-1"]).update(contact_at=now)
    Token.objects.filter(client=clients["lab-2"]).update(contact_at=now - timedelta(hours=5))
    Client.objects.filter(pk=clients["lab-1"]).update(
        host_reported_at=now,
        version="1.1.0",
        host="lab-1.example.org",
        disk_free=412 << 30,
        disk_size=1 << 40,
        disk_daily=3 << 30,
        clock_offset=0.04,
        post_price=0.005,
        budget={
            "day": {"spent": 61_204, "limit": 200_000, "until": str(midnight(now))},
            "month": {"spent": 1_688_431, "limit": 2_000_000, "until": str(month_end(now))},
        },
    )
    Client.objects.filter(pk=clients["lab-2"]).update(
        host_reported_at=now - timedelta(hours=5),
        version="0.9.2",
        host="lab-2.example.org",
        disk_free=9 << 30,
        disk_size=512 << 30,
        disk_daily=6 << 30,
        clock_offset=-42.0,
    )
    rita = Act(Party.PERSON, people["rita"].pk, "rita", now - timedelta(days=21))
    make_captures(project.pk, clients, rita, now)
    make_alerts(server, now)
    return clients["lab-1"]


def midnight(now: Any) -> Any:
    """The end of a day in UTC."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def month_end(now: Any) -> Any:
    """The end of a month in UTC."""
    return midnight(now.replace(day=1) + timedelta(days=31)).replace(day=1)


def make_alerts(server: Any, now: Any) -> None:
    """Have what is wrong be seen, something be over, and somebody be told of it."""
    from tcclient.health.health import Level
    from tcserver.alerts.conditions import AlertKind, AlertVerdict
    from tcserver.alerts.models import ChannelKind, DigestRhythm
    from tcserver.alerts.services.channels import NewChannel, create_channel
    from tcserver.alerts.services.look import look, verdicts
    from tcserver.alertsettings import AlertSettings
    from tcserver.captures.models import CaptureRecord

    for kind, target in (
        (ChannelKind.EMAIL, "ann@example.org"),
        (ChannelKind.WEBHOOK, "https://hooks.example.org/T0/secret"),
    ):
        create_channel(NewChannel(kind, target, True, DigestRhythm.DAILY), server)
    demo = CaptureRecord.objects.get(name="elections")
    gap = AlertKind.GAP, "capture", demo.pk, demo.name
    why = "'elections' lacks 3 h of posts: no byte came for 90 s."
    for minutes, state, reason in (
        (1020, Level.DOWN, why),
        (960, Level.OK, ""),
        (957, Level.OK, ""),
    ):
        look([AlertVerdict(*gap, state, reason)], now - timedelta(minutes=minutes))
    for minutes in (40, 30):
        look(verdicts(AlertSettings().longest_gap, now), now - timedelta(minutes=minutes))


def make_captures(project: int, clients: dict[str, int], rita: Any, now: Any) -> None:
    """Make a capture in each state."""
    from attrs import evolve

    from tcclient.control.jobs import Status
    from tcserver.captures.models import CaptureRecord
    from tcserver.captures.services.archive import archive
    from tcserver.captures.services.create import NewCapture, create
    from tcserver.captures.services.edit import edit
    from tcserver.captures.services.report import answer
    from tcserver.captures.services.stop import stop
    from tcserver.captures.status import Wanted
    from tcserver.history.acts import Act, Party

    def make(name: str, keywords: str, client: str = "lab-1", **columns: Any) -> Any:
        wanted = columns.pop("wanted", Wanted.RUN)
        new = NewCapture(project, name, keywords, client=clients[client], wanted=wanted)
        capture = create(new, rita)
        later = Act(Party.CLIENT, clients[client], client, rita.at + timedelta(seconds=12))
        if wanted == Wanted.RUN and columns.pop("runs", True):
            answer(capture.pk, clients[client], Status.STARTED, {}, later)
        CaptureRecord.objects.filter(pk=capture.pk).update(**columns)
        return capture

    well = {"condition": "ok", "rate": 47_300, "applied_revision": 1}
    elections = make("elections", "ballot, polling station", total=8_412_003, **well)
    make(
        "floods",
        "flood, river level",
        total=120_440,
        rate=0,
        condition="duplicate",
        reason="X says that the app's one connection is taken by another client",
        condition_since=now - timedelta(minutes=42),
    )
    make(
        "heat wave",
        "heatwave, #hitze",
        total=55_103,
        rate=120,
        condition="terms_refused",
        reason="1 term is left out: X takes no more than 5 words together",
        condition_since=now - timedelta(hours=3),
    )
    make("night buses", "night bus", client="lab-2", total=9_120, rate=800)
    make("museums", "museum", client="field", runs=False)
    make("strikes", "strike", runs=False)
    make("draft", "to be decided", wanted=Wanted.NOTHING)
    ended = make("carnival", "carnival", total=733_019)
    stop(ended.pk, evolve(rita, at=now - timedelta(days=2)))
    answer(ended.pk, clients["lab-1"], Status.STOPPED, {}, evolve(rita, at=now - timedelta(days=2)))
    archive(make("pilot study", "test", total=1_204).pk, evolve(rita, at=now - timedelta(days=9)))
    edit(
        elections.pk,
        evolve(rita, at=now - timedelta(hours=5)),
        keywords="ballot, polling station, recount",
    )
    CaptureRecord.objects.filter(pk=elections.pk).update(applied_revision=2)
    fill(elections.pk, clients["lab-1"], now)


def fill(capture: int, client: int, now: Any) -> None:
    """Give a capture three weeks of posts, with a gap last night and one today, and its ledger."""
    from tcserver.accounts.services.counts import add_counts
    from tcserver.accounts.services.fold import fold_some
    from tcserver.accounts.services.ledger import append
    from tcserver.history.acts import by_server

    end = int(now.timestamp())
    begin = end - 21 * 86_400
    gaps = [(end - 20 * 3600, end - 17 * 3600, "stall"), (end - 9000, end - 7800, "disconnect")]
    counts = {}
    for at in range(begin - begin % 300, end, 300):
        if not any(a <= at < b for a, b, _ in gaps):
            hour = at // 3600 % 24
            counts[capture, at] = 300 * (12 + 3 * min(hour, 24 - hour)) + at % 977 * 2
    add_counts(counts)

    def told(at: float, **members: Any) -> bytes:
        return json.dumps({"at": moment(at), "job": capture} | members).encode() + b"\n"

    since = moment(begin + 2)
    lines = told(begin, kind="ledger_begin", ledger="demo")
    lines += told(begin, kind="capture_start", because="started", status=3)
    lines += told(begin, kind="keywords", before=None, after="ballot, polling station")
    lines += told(begin + 2, kind="keywords_in_force", text="ballot, polling station", since=since)
    for a, b, cause in [(begin, begin + 2, "start"), *gaps]:
        lines += told(
            b,
            kind="gap",
            begin=moment(a),
            end=moment(b),
            seconds=b - a,
            cause=cause,
            detail="no byte came for 90 s",
            attempts=3,
            keywords="ballot",
        )
    later = "ballot, polling station, recount"
    lines += told(end - 18_000, kind="keywords", before="ballot, polling station", after=later)
    lines += told(end - 17_990, kind="keywords_in_force", text=later, since=moment(end - 17_990))
    append(client, "demo", capture, 0, lines, by_server(now))
    while fold_some():
        pass


if __name__ == "__main__":
    main(sys.argv[1])
