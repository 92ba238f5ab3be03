"""
The composition root: makes a tree of services from the settings.

Knows all rooms, and leaves all work to others; `--check`, `tcc-rules` and logging are found by
name, for the runs that want them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from twisted.application.service import IService, MultiService, Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import ILogObserver, Logger
from twisted.python.components import Componentized

from tcclient.captures.poller import Intervals, Poller
from tcclient.config.settings import Settings, SettingsError, load
from tcclient.control.client import ControlServer
from tcclient.http.clients import rest_client, user_agent
from tcclient.runtime.byname import load_by_name
from tcclient.runtime.machine import machine
from tcclient.runtime.threads import in_threads
from tcclient.runtime.wallclock import WallClock, Watch, boot_clock
from tcclient.sources.keptrules import KeptRules
from tcclient.sources.registry import post_ids
from tcclient.sources.source import SourceChecks, Surroundings
from tcclient.storage.diskuse import DiskUse
from tcclient.storage.folders import Folders
from tcclient.storage.slots import Naming
from tcclient.stream.valve import rest_within

log = Logger()


def from_file(
    path: Path, environ: Mapping[str, str], reactor: Any, logfile: str | None, *below: IService
) -> "Root":
    """
    Return the client for the settings in the file; the services `below` it are stopped after it.
    Raises SystemExit with one sentence if the settings cannot be used.
    """
    try:
        return client(load(path, environ), reactor, logfile, *below)
    except SettingsError as e:
        raise SystemExit(str(e)) from None


def check(path: Path, environ: Mapping[str, str]) -> NoReturn:
    """Check the settings in the file, and print what is found.  Raises SystemExit when all is."""
    try:
        settings = load(path, environ)
    except SettingsError as e:
        raise SystemExit(str(e)) from None
    load_by_name("tcclient.check.checks:run")(settings, make_other_sides, environ)
    raise AssertionError("the checks end the process")


def rules(arguments: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
    """Run the command `tcc-rules` with these arguments.  Raises SystemExit when it has run."""
    load_by_name("tcclient.rulescommand.command:run")(arguments, make_rules, environ)
    raise AssertionError("the command ends the process")


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
    SettingsError if `logging` cannot be used.
    """
    root = Root(_observer(settings, reactor, logfile))
    for service in (*below, make_poller(settings, reactor)):
        service.setServiceParent(root)
    return root


def make_poller(settings: Settings, reactor: Any) -> Poller:
    """Return the part of the tree that captures."""
    wall = WallClock(reactor, boot=boot_clock())
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
    Watch(reactor, wall).setServiceParent(poller)  # type: ignore[no-untyped-call]  # not annotated
    wall.on_step(poller.jumps.stepped)
    wall.on_sleep(poller.jumps.slept)
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
        output.duplicates == "keep",
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


def make_other_sides(settings: Settings, reactor: Any) -> tuple[ControlServer, SourceChecks]:
    """Return whom `--check` asks: the same server and source as the client's."""
    wall = WallClock(reactor)
    source = settings.source.checks(make_surroundings(settings, reactor, wall))
    return make_control(settings, reactor, wall), source


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


def _observer(settings: Settings, reactor: Any, logfile: str | None) -> ILogObserver | None:
    """
    Configure logging and return its observer; None if the settings say nothing of it.  Raises
    SettingsError.
    """
    if settings.logging is None:
        return None
    logs = load_by_name("tcclient.logs.observer")
    try:
        warnings = logs.configure(settings.logging, settings.path.parent)
        observer: ILogObserver = logs.observer(logfile, reactor)
    except logs.LoggingError as e:
        raise SettingsError(f"{settings.path}: {e}") from None
    for warning in warnings:
        log.warn("{warning}", warning=warning)
    return observer
