"""
The composition root: makes a tree of services from the command line and the settings.

Knows all rooms, and is the only module that imports the reactor; leaves all work to others.
"""

import argparse
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, NoReturn, cast

from twisted.application.service import Application, IService, MultiService, Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import ILogObserver, Logger
from twisted.python import usage
from twisted.python.components import Componentized

from tcclient import __version__
from tcclient.captures.poller import Intervals, Poller
from tcclient.check import checks
from tcclient.check.checks import OtherSides
from tcclient.config.settings import Settings, SettingsError, load
from tcclient.control.client import ControlServer
from tcclient.http.clients import rest_client, user_agent
from tcclient.logs import observer as logs
from tcclient.rulescommand import command
from tcclient.runtime.byname import load_by_name
from tcclient.runtime.machine import machine
from tcclient.runtime.threads import in_threads
from tcclient.runtime.wallclock import WallClock, wall_time
from tcclient.sources.keptrules import KeptRules
from tcclient.sources.registry import post_ids
from tcclient.sources.source import Surroundings
from tcclient.storage.diskuse import DiskUse
from tcclient.storage.folders import Folders
from tcclient.storage.slots import Naming
from tcclient.stream.valve import rest_within

log = Logger()

SANDBOX = "sandbox"
"""The name of the entry point that `--sandbox` starts."""


class Options(usage.Options):
    """The options of `twistd tcc`."""

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
    Return what twistd runs.  Raises SystemExit with one sentence if the settings cannot be used, so
    that neither a traceback nor a page of help hides it, and no daemon is half started.
    """
    reactor = steady_reactor()
    logfile = options.parent["logfile"] if options.parent else None
    try:
        return _make(options, reactor, logfile)
    except (SettingsError, logs.LoggingError) as e:
        raise SystemExit(str(e)) from None


def make_application(environ: Mapping[str, str]) -> Componentized:
    """
    Return what tcc.tac runs.  The settings are in the file that TCC_CONFIG names, by default
    settings.json.  Raises SystemExit with one sentence if they cannot be used.
    """
    reactor = steady_reactor()
    path = Path(environ.get("TCC_CONFIG") or "settings.json")
    application = Application("tcc")
    try:
        root = client(load(path, environ), reactor, _logfile(sys.argv[1:]))
    except (SettingsError, logs.LoggingError) as e:
        raise SystemExit(str(e)) from None
    root.setServiceParent(application)
    return cast(Componentized, application)


def steady_reactor() -> Any:
    """
    Return the reactor.  From now on it goes by a clock that is never set; by its own, which shows
    the date, a step back would freeze all timers, and one forward would make all of them due.  No
    timer may have been asked for before.
    """
    from twisted.internet import reactor

    steady: Any = reactor
    steady.seconds = time.monotonic
    return steady


class Root(MultiService):
    """
    The root of the tree of services.  It stops them one after the other, the last one first, each
    when the one before has stopped.

    If there is an `observer`, the application that this becomes a part of logs through that alone:
    otherwise twistd prints each line a second time.
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
        """Stop the services, the last one first."""
        for service in reversed(list(self)):
            await maybeDeferred(service.stopService)


def client(settings: Settings, reactor: Any, logfile: str | None, *below: IService) -> Root:
    """
    Return the client for these settings; the services `below` it are stopped after it.  Raises
    LoggingError if `logging` cannot be used.
    """
    root = Root(_observer(settings, reactor, logfile))
    for service in (*below, make_poller(settings, reactor)):
        service.setServiceParent(root)
    return root


def make_poller(settings: Settings, reactor: Any) -> Poller:
    """Return the part of the tree that captures."""
    wall = WallClock(reactor)
    surroundings = make_surroundings(settings, reactor, wall)
    source = settings.source.make(surroundings)
    poller = Poller(
        make_control(settings, reactor, wall),
        surroundings.folders,
        source,
        Intervals(settings.server.ping_interval, settings.server.update_interval),
        settings.server.client_id,
    )
    # First, because the poller stops its services in reverse order: this one after the captures'.
    source.setServiceParent(poller)
    wall.on_step(poller.clock_stepped)
    return poller


def make_surroundings(settings: Settings, reactor: Any, wall: WallClock) -> Surroundings:
    """Return what the source is given."""
    server, output = settings.server, settings.output
    return Surroundings(
        reactor,
        wall,
        settings.source_addr,
        user_agent(server.client_id),
        # With a flush_interval of 0, for posts that are wanted at once, there is no rest either.
        rest_within(output.flush_interval),
        make_folders(settings, reactor, wall),
    )


def make_folders(settings: Settings, reactor: Any, wall: WallClock) -> Folders:
    """Return the folders that captures are stored in; nothing is made on the disk yet."""
    output = settings.output
    naming = Naming(
        "",
        output.extension,
        output.temporary_extension,
        output.minute_interval,
        output.filename_timefmt,
        output.utc,
    )
    use = DiskUse(
        output.flush_interval - rest_within(output.flush_interval),
        output.fsync_interval,
        output.min_free_bytes,
        in_threads(reactor),
        ids=post_ids(settings.source.post_ids),
    )
    return Folders(
        output.base_dir,
        naming,
        settings.server.base_url,
        reactor,
        wall,
        settings.fingerprint(),
        use,
        settings.server.client_id,
        machine(),
    )


def make_other_sides(settings: Settings, reactor: Any) -> OtherSides:
    """Return whom `--check` asks: the same server and source as the client's."""
    wall = WallClock(reactor)
    source = settings.source.checks(make_surroundings(settings, reactor, wall))
    return OtherSides(make_control(settings, reactor, wall), source)


def run_rules() -> NoReturn:
    """Run the command `tcc-rules`, which raises SystemExit."""
    command.run(sys.argv[1:], make_rules, os.environ)


def make_rules(settings: Settings, reactor: Any) -> KeptRules | None:
    """Return the rules that the app of the settings keeps; None where the API knows none."""
    wall = WallClock(reactor)
    return settings.source.rules(make_surroundings(settings, reactor, wall))


def make_control(settings: Settings, reactor: Any, wall: WallClock) -> ControlServer:
    """Return the capture server of the settings."""
    server = settings.server
    return ControlServer(
        rest_client(reactor),
        server.base_url,
        server.auth_token,
        user_agent(server.client_id),
        reactor,
        wall,
    )


def _make(options: Options, reactor: Any, logfile: str | None) -> IService:
    """
    Return what the options ask for.  Raises SystemExit for `--check` and for options that do not go
    together, SettingsError and LoggingError.
    """
    config, sandbox = options["config"], options["sandbox"]
    if (config is None) == (sandbox is None):
        raise SystemExit("twistd tcc needs either --config FILE or --sandbox DIR.")
    if options["check"] and sandbox is not None:
        raise SystemExit("twistd tcc --check needs --config FILE: a sandbox has nothing to check.")
    if sandbox is not None:
        return _in_sandbox(Path(sandbox), options["sandbox-api"], reactor, logfile)
    settings = load(Path(config), os.environ)
    if options["check"]:
        checks.run(settings, make_other_sides, os.environ)
    return client(settings, reactor, logfile)


def _in_sandbox(folder: Path, api: str, reactor: Any, logfile: str | None) -> IService:
    """Return a client together with the simulated Twitter and server that it talks to."""
    # Found by name, so that a client outside of a sandbox does not import it.
    sandbox = load_by_name(SANDBOX)(folder, api, reactor, wall_time)
    print(sandbox.description(), flush=True)
    return client(load(sandbox.settings_path, os.environ), reactor, logfile, sandbox)


def _observer(settings: Settings, reactor: Any, logfile: str | None) -> ILogObserver | None:
    """Configure logging and return its observer; None if the settings say nothing of it."""
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
    """Return the value of twistd's `--logfile`, which a .tac file is not told."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("-l", "--logfile")
    found: str | None = parser.parse_known_args(arguments)[0].logfile
    return found
