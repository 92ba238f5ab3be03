"""
The composition root: command line and settings -> a tree of services.

The only module that imports the reactor and knows everyone.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NoReturn, cast

import attrs
from treq.client import HTTPClient
from twisted.application.service import Application, IService, MultiService, Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import ILogObserver, Logger
from twisted.python import usage
from twisted.python.components import Componentized

from tcclient import __version__
from tcclient.captures.poller import Intervals, Poller
from tcclient.check import checks as check
from tcclient.config.settings import Settings, SettingsError, load
from tcclient.control.client import ControlServer
from tcclient.http.clients import rest_client, stock_stream_client, stream_client, user_agent
from tcclient.logs import observer as logs
from tcclient.runtime.backoff import Backoff
from tcclient.runtime.clockwatch import ClockWatch
from tcclient.runtime.steady import Times
from tcclient.runtime.threads import in_threads
from tcclient.sources.twitter_v1.api import LIMITS, Keys, V1Source
from tcclient.sources.twitter_v1.feed import Feeds, OwnFeeds
from tcclient.sources.twitter_v2 import api as v2
from tcclient.sources.twitter_v2.api import V2Source
from tcclient.sources.twitter_v2.backfill import Backfill
from tcclient.sources.twitter_v2.bearer import Bearer
from tcclient.sources.twitter_v2.budget.budget import limits_from
from tcclient.sources.twitter_v2.budget.file import record_path
from tcclient.sources.twitter_v2.budget.keeper import Purse
from tcclient.sources.twitter_v2.fields import parameters
from tcclient.sources.twitter_v2.rules.api import RuleApi
from tcclient.sources.twitter_v2.rules.book import Manner
from tcclient.sources.twitter_v2.rules.ruleset import tag_prefix
from tcclient.sources.twitter_v2.sharedstream import Trunk
from tcclient.storage.diskuse import DiskUse
from tcclient.storage.folders import Shelf
from tcclient.storage.slots import Naming
from tcclient.stream import proof
from tcclient.stream.capturestream import Upstream
from tcclient.stream.connection import Timing
from tcclient.stream.standstill import STILL
from tcclient.stream.valve import rest_within

log = Logger()


class Options(usage.Options):
    """The command line behind `twistd tcc`."""

    synopsis = "[--config FILE [--check] | --sandbox DIR]"
    longdesc = "Captures what a capture server asks for.  See the README for the settings."
    optParameters: ClassVar = [
        ["config", "c", None, "The settings file (JSON).", None],
        ["sandbox", None, None, "Run with a simulated Twitter and server, all below DIR.", None],
        ["sandbox-api", None, "2", "The API to simulate: 2 or 1.1.", None],
    ]
    optFlags: ClassVar = [
        ["check", None, "Check settings, network and disk, and exit without capturing."],
    ]

    def opt_version(self) -> NoReturn:
        """Display the version of tcc and exit."""
        print(f"tcc {__version__}")
        raise SystemExit(0)


def makeService(options: Options) -> IService:
    """
    What twistd runs.  Raises SystemExit with one sentence where the settings are no good, so that
    neither a traceback nor a page of help hides it, and no daemon is half started.
    """
    from twisted.internet import reactor

    logfile = options.parent["logfile"] if options.parent else None
    try:
        return _make(options, reactor, logfile)
    except (SettingsError, logs.LoggingError) as e:
        raise SystemExit(str(e)) from None


def make_application(environ: Mapping[str, str]) -> Componentized:
    """What tcc.tac runs: the settings are named by TCC_CONFIG, by default settings.json."""
    from twisted.internet import reactor

    path = Path(environ.get("TCC_CONFIG") or "settings.json")
    application = Application("tcc")
    try:
        root = client(load(path, environ), reactor, _logfile(sys.argv[1:]))
    except (SettingsError, logs.LoggingError) as e:
        raise SystemExit(str(e)) from None
    root.setServiceParent(application)
    return cast(Componentized, application)


class Root(MultiService):
    """
    The tree of services, each stopped when those after it have ended.

    Where there is an observer of our own, the application that it becomes a part of logs through
    that alone: otherwise twistd prints each line a second time.
    """

    def __init__(self, observer: ILogObserver | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # not annotated
        self._observer = observer

    def setServiceParent(self, parent: Any) -> None:
        if self._observer is not None and isinstance(parent, Componentized):
            parent.setComponent(ILogObserver, self._observer)
        super().setServiceParent(parent)  # type: ignore[no-untyped-call]  # not annotated

    def stopService(self) -> Deferred[None]:
        Service.stopService(self)
        return Deferred.fromCoroutine(self._stop_in_turn())

    async def _stop_in_turn(self) -> None:
        for service in reversed(list(self)):
            await maybeDeferred(service.stopService)


def client(settings: Settings, reactor: Any, logfile: str | None) -> Root:
    """The client for `settings`; raises LoggingError for a bad `logging` section."""
    root = Root(_observer(settings, reactor, logfile))
    make_poller(settings, reactor).setServiceParent(root)  # type: ignore[no-untyped-call]
    return root


def make_poller(settings: Settings, reactor: Any) -> Poller:
    """The capturing part of the tree."""
    output = settings.output
    naming = Naming(
        "",
        output.extension,
        output.temporary_extension,
        output.minute_interval,
        output.filename_timefmt,
        output.utc,
    )
    times = Times(reactor)
    shelf = Shelf(
        output.base_dir,
        naming,
        settings.server.base_url,
        times.wall,
        times.steady,
        settings.fingerprint(),
        DiskUse(
            output.flush_interval - rest_within(output.flush_interval),
            output.fsync_interval,
            output.min_free_bytes,
            in_threads(reactor),
        ),
    )
    if settings.twitter.api == "1.1":
        return _poller(settings, shelf, _v1_feeds(settings, times), times)
    trunk = _v2_feeds(settings, shelf, times)
    poller = _poller(settings, shelf, trunk, times)
    trunk.setServiceParent(poller)  # type: ignore[no-untyped-call]
    return poller


def _poller(settings: Settings, shelf: Shelf, feeds: Feeds, times: Times) -> Poller:
    poller = Poller(
        make_control(settings, times),
        shelf,
        feeds,
        Intervals(settings.server.ping_interval, settings.server.update_interval),
        settings.server.client_id,
    )
    # Below the poller, and first: so it is stopped last.
    ClockWatch(times).setServiceParent(poller)  # type: ignore[no-untyped-call]
    times.on_step(poller.clock_stepped)
    return poller


def _v1_feeds(settings: Settings, times: Times) -> OwnFeeds:
    keys = settings.twitter_auth.present()
    source = V1Source(
        _stream_client(settings, times),
        settings.twitter.stream_url,
        Keys(*(keys[field.name] for field in attrs.fields(Keys))),
        user_agent(settings.server.client_id),
        times.wall,
        settings.twitter.stall_timeout,
    )
    return OwnFeeds(Upstream(source, Backoff(), times.steady, _timing(settings)), LIMITS)


def _v2_feeds(settings: Settings, shelf: Shelf, times: Times) -> Trunk:
    twitter = settings.twitter
    agent = user_agent(settings.server.client_id)
    bearer = _bearer(settings, times)
    backfill = Backfill(twitter.backfill)
    source = V2Source(
        _stream_client(settings, times),
        twitter.api_url,
        bearer,
        parameters(twitter.fields),
        agent,
        times.steady,
        v2.STALL_TIMEOUT if twitter.stall_timeout is None else twitter.stall_timeout,
        backfill,
    )
    prefix = tag_prefix(settings.server.base_url, settings.server.client_id)
    return Trunk(
        Upstream(source, Backoff(), times.steady, _timing(settings)),
        _rule_api(settings, bearer, times),
        Manner(prefix, twitter.rule_length, twitter.rule_delay),
        shelf.note,
        backfill,
        partial(_purse, settings, prefix, times) if twitter.budget else None,
    )


def _stream_client(settings: Settings, times: Times) -> HTTPClient:
    stock = settings.twitter.stock_http
    if not stock and not proof.holds():
        log.warn(
            "The shortcut past Twisted's HTTP client does not hold with this Twisted: the stream "
            "goes through all of it, which costs more and loses nothing. Please report this."
        )
        stock = True
    make = stock_stream_client if stock else stream_client
    return make(times.reactor, settings.source_addr)


def _timing(settings: Settings) -> Timing:
    """Who wants each post in its file as soon as it is read wants it read as soon as it comes."""
    return Timing(rest=rest_within(settings.output.flush_interval), still=STILL)


def _purse(settings: Settings, prefix: str, times: Times, trunk: Trunk) -> Purse:
    path = record_path(settings.output.base_dir, prefix)
    purse = Purse(limits_from(settings.twitter.budget), path, times.wall, trunk)
    times.on_step(purse.clock_stepped)
    return purse


def _bearer(settings: Settings, times: Times) -> Bearer:
    keys = settings.twitter_auth.present()
    return Bearer(
        rest_client(times.reactor),
        settings.twitter.api_url,
        keys.get("api_key"),
        keys.get("api_secret"),
        keys.get("bearer_token"),
        user_agent(settings.server.client_id),
        times.wall,
    )


def _rule_api(settings: Settings, bearer: Bearer, times: Times) -> RuleApi:
    agent = user_agent(settings.server.client_id)
    return RuleApi(
        rest_client(times.reactor), settings.twitter.api_url, bearer, agent, times.steady
    )


def make_ends(settings: Settings, reactor: Any) -> check.Ends:
    """Whom `--check` asks, as the client will."""
    rules, times = None, Times(reactor)
    if settings.twitter.api == "2":
        rules = _rule_api(settings, _bearer(settings, times), times)
    return check.Ends(make_control(settings, times), rules)


def make_control(settings: Settings, times: Times) -> ControlServer:
    """The server of the settings."""
    server = settings.server
    return ControlServer(
        rest_client(times.reactor),
        server.base_url,
        server.auth_token,
        user_agent(server.client_id),
        times.wall,
    )


def _make(options: Options, reactor: Any, logfile: str | None) -> IService:
    config, sandbox = options["config"], options["sandbox"]
    if (config is None) == (sandbox is None):
        raise SystemExit("twistd tcc needs either --config FILE or --sandbox DIR.")
    if options["check"] and sandbox is not None:
        raise SystemExit("twistd tcc --check needs --config FILE: a sandbox has nothing to check.")
    if sandbox is not None:
        return _in_sandbox(Path(sandbox), options["sandbox-api"], reactor, logfile)
    settings = load(Path(config), os.environ)
    if options["check"]:
        check.run(settings, make_ends, os.environ)
    return client(settings, reactor, logfile)


def _in_sandbox(folder: Path, api: str, reactor: Any, logfile: str | None) -> IService:
    if api not in ("2", "1.1"):
        raise SystemExit(f"--sandbox-api must be 2 or 1.1, found {api!r}.")
    # Only here: a client that captures in earnest needs none of it in memory.
    from tcsandbox.both import Sandbox, SandboxError

    try:
        sandbox = Sandbox(folder, api, reactor)
    except SandboxError as e:
        raise SystemExit(str(e)) from None
    print(sandbox.description(), flush=True)
    settings = load(sandbox.settings_path, os.environ)
    root = Root(_observer(settings, reactor, logfile))
    sandbox.setServiceParent(root)  # type: ignore[no-untyped-call]
    make_poller(settings, reactor).setServiceParent(root)  # type: ignore[no-untyped-call]
    return root


def _observer(settings: Settings, reactor: Any, logfile: str | None) -> ILogObserver | None:
    if settings.logging is None:
        return None
    try:
        warnings = logs.configure(settings.logging, settings.path.parent)
        observer = logs.observer(logfile, reactor)
    except logs.LoggingError as e:
        raise logs.LoggingError(f"{settings.path}: {e}") from None
    for warning in warnings:
        log.warn("{warning}", warning=warning)
    return observer


def _logfile(arguments: list[str]) -> str | None:
    """What `--logfile` says: a .tac file is not told."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("-l", "--logfile")
    found: str | None = parser.parse_known_args(arguments)[0].logfile
    return found
