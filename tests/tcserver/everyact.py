"""
All that services do, one after the other, as tests do it: people, clients, the server by itself.
"""

import inspect
import pkgutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from importlib import import_module
from typing import Any

import tcserver
from tcclient.control.jobs import Status
from tcclient.control.reports import Host, State
from tcclient.push.messages import Hello
from tcserver.accounts.models import UpdateRecord
from tcserver.accounts.services.adopt import adopt_updates
from tcserver.accounts.services.counts import count_some
from tcserver.accounts.services.fold import begin_outdated_anew, fold_some
from tcserver.accounts.services.lease import end_lease, hold_lease
from tcserver.accounts.services.ledger import append
from tcserver.accounts.services.prune import prune
from tcserver.accounts.services.seal import seal_some
from tcserver.accounts.services.update import UpdateNumbers, add_update
from tcserver.alerts.models import AlertChannel
from tcserver.alerts.services.channels import (
    NewChannel,
    change_key,
    create_channel,
    remove_channel,
    send_trial,
    switch_off,
    switch_on,
)
from tcserver.alerts.services.deliver import deliver_some
from tcserver.alerts.services.digest import send_digests
from tcserver.alerts.services.forget import forget_some
from tcserver.alerts.services.look import look, verdicts
from tcserver.captures.services.adopt import adopt
from tcserver.captures.services.archive import archive, unarchive
from tcserver.captures.services.assign import assign
from tcserver.captures.services.create import NewCapture, create
from tcserver.captures.services.delete import delete
from tcserver.captures.services.edit import edit
from tcserver.captures.services.note import note_on
from tcserver.captures.services.plan import do_what_is_planned, plan
from tcserver.captures.services.report import answer, report
from tcserver.captures.services.start import start
from tcserver.captures.services.state import state, states_of_many
from tcserver.captures.services.stop import stop
from tcserver.fleet.models import Client, ClientSession, Token
from tcserver.fleet.services.clients import create_client, retire, serve
from tcserver.fleet.services.contact import host
from tcserver.fleet.services.sessions import begin_session, end_session, keep_sessions
from tcserver.fleet.services.tokens import issue, revoke
from tcserver.history.acts import Act, Party
from tcserver.people.models import ApiKey, Role
from tcserver.people.services.keys import issue_key, note_use, revoke_key
from tcserver.people.services.passwords import choose_password, make_link
from tcserver.people.services.people import (
    activate,
    create_person,
    deactivate,
    give_role,
    make_administrator,
    make_no_administrator,
    set_email,
)
from tcserver.people.services.projects import create_project, rename_project
from tcserver.people.services.resets import ask_for_link, mail_links
from tcserver.people.services.tries import may_ask_for_mail, may_try, was_right
from tests.tcserver.world import START, World

READ = frozenset(
    [
        "client_for",
        "current_sessions",
        "held",
        "is_due",
        "link_of",
        "must_be_newest",
        "number_of_sessions",
        "picture",
        "shown",
        "verdicts",
    ]
)
"""Functions that write nothing."""
PARTS = frozenset(
    [
        "add_counts",
        "begin_anew",
        "claim",
        "end_sessions",
        "first_start",
        "fold",
        "locked",
        "note_assignment",
        "note_changes",
        "note_failure",
        "note_link",
        "note_success",
        "save",
        "stopped_at_once",
        "tell",
        "write",
    ]
)
"""Functions that others are made of, and the one that a world begins with."""


def every_act(world: World) -> Iterator["partial[Any]"]:
    """Yield acts, each made once the one before was done."""
    yield from _of_captures(world)
    yield from _of_alerts(world)
    yield from _of_the_server()
    yield from _of_clients_and_people(world)


def acting() -> set[Callable[..., Any]]:
    """Return the functions of all services that there are, but for those of READ and PARTS."""
    return {
        function
        for module in _services()
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
        if name not in READ | PARTS
    }


def _services() -> Iterator[Any]:
    """Yield the modules of each package that is called services."""
    for found in pkgutil.walk_packages(tcserver.__path__, "tcserver."):
        package, _, _ = found.name.rpartition(".")
        if package.endswith(".services"):
            yield import_module(found.name)


def _of_captures(world: World) -> Iterator["partial[Any]"]:
    by, begin, end = world.act(world.rita), START + timedelta(hours=1), START + timedelta(hours=2)
    own = Act(Party.CLIENT, world.client.pk, "client1", START + timedelta(seconds=9))
    demo, bare, client = world.demo.pk, world.bare.pk, world.client.pk
    second = create_client("second", [world.project.pk], by).pk
    told = State(job=demo, condition="stall", reason="Nothing comes.", total=9, revision=2)
    yield partial(create, NewCapture(world.project.pk, "more", client=client), by)
    yield partial(edit, demo, by, keywords="tea")
    yield partial(edit, demo, by, name="renamed")
    yield partial(note_on, demo, "Looks well.", by)
    yield partial(answer, demo, client, Status.STARTED, {"total": 1}, own)
    yield partial(report, demo, client, {"total": 5, "rate": 1500}, own)
    yield partial(state, client, [told], own)
    yield partial(states_of_many, [(client, State(job=bare, condition="ok", total=3))], own)
    yield partial(add_update, demo, client, UpdateNumbers(7, 12, 100), own)
    yield partial(adopt_updates, [UpdateRecord(capture_id=bare, at=START, count=3, total=3)])
    yield partial(append, client, "ledger", demo, 0, b"{}\n", own)
    yield partial(stop, demo, by)
    yield partial(answer, demo, client, Status.STOPPED, {}, own)
    yield partial(start, demo, by)
    yield partial(assign, demo, second, by)
    yield partial(assign, demo, client, by)
    yield partial(stop, bare, by)
    yield partial(plan, bare, begin, end, by)
    yield partial(do_what_is_planned, begin)
    yield partial(do_what_is_planned, end)
    yield partial(archive, bare, by)
    yield partial(unarchive, bare, by)
    yield partial(delete, bare, by)
    yield partial(adopt, world.project.pk, "old", 3, by, client=world.client)


def _of_alerts(world: World) -> Iterator["partial[Any]"]:
    by, day = world.act(world.admin), START + timedelta(days=1)
    yield partial(create_channel, NewChannel("email", "ann@example.org", True, "daily"), by)
    channel = AlertChannel.objects.get().pk
    yield partial(send_trial, channel, "https://captures.example", by)
    yield partial(deliver_some, lambda message: None, lambda: day)
    yield partial(look, verdicts(timedelta(minutes=10), day), day)
    yield partial(send_digests, day, "")
    yield partial(switch_off, channel, "It bounces.", by)
    yield partial(switch_on, channel, by)
    yield partial(change_key, channel, by)
    yield partial(forget_some, day, 0)
    yield partial(remove_channel, channel, by)


def _of_the_server() -> Iterator["partial[Any]"]:
    yield partial(hold_lease, "this one", START)
    yield partial(begin_outdated_anew)
    yield partial(fold_some)
    yield partial(count_some)
    yield partial(seal_some)
    yield partial(prune, START + timedelta(days=1), 0, 0)
    yield partial(end_lease, "this one", START)


def _of_clients_and_people(world: World) -> Iterator["partial[Any]"]:
    by, client, project = world.act(world.rita), world.client.pk, world.project.pk
    yield partial(create_client, "third", [project], by)
    third = Client.objects.get(name="third").pk
    yield partial(issue, third, by)
    token = Token.objects.get(client=third).pk
    yield partial(begin_session, third, token, Hello(1, "far away"), START)
    session = ClientSession.objects.get(client=third).session
    yield partial(keep_sessions, [(session, token)], START)
    yield partial(end_session, session, START)
    yield partial(host, client, Host(host="lab"), START)
    yield partial(serve, client, [project, world.other.pk], by)
    yield partial(revoke, token, by)
    yield partial(retire, third, by)
    yield partial(create_project, "New", by)
    yield partial(rename_project, project, "Cats", by)
    yield partial(create_person, "new", "correct horse", by)
    yield partial(give_role, world.vera, world.other.pk, Role.VIEWER, by)
    yield partial(make_administrator, world.otto.pk, by)
    yield partial(make_no_administrator, world.otto.pk, by)
    yield partial(deactivate, world.vera.pk, by)
    yield partial(activate, world.vera.pk, by)
    yield partial(make_link, world.vera.pk, by)
    yield partial(choose_password, world.vera, "another horse", by)
    yield partial(issue_key, world.rita, "script", by, may_write=False)
    yield partial(note_use, ApiKey.objects.get(person=world.rita), START)
    yield partial(revoke_key, ApiKey.objects.get(person=world.rita).pk, by)
    yield partial(set_email, world.rita.pk, "rita@example.org", by)
    yield partial(may_ask_for_mail, "rita@example.org", "192.0.2.1", START)
    yield partial(ask_for_link, world.rita, START)
    yield partial(mail_links, lambda *letter: True, "https://captures.example", START)
    yield partial(may_try, "rita", "192.0.2.1", START)
    yield partial(was_right, "rita", "192.0.2.1")
