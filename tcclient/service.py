"""
The composition root: makes a tree of services from the settings.

Knows all rooms, and leaves all work to others; `--check`, `tcc-rules` and logging are found by
name, for the runs that want them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from msgspec import UNSET
from treq.client import HTTPClient
from twisted.application.service import IService, MultiService, Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import ILogObserver, Logger, LogPublisher
from twisted.python.components import Componentized

from tcclient.captures.poller import Intervals, Poller
from tcclient.config.settings import Settings, SettingsError, load
from tcclient.control.client import ControlServer
from tcclient.control.exchange import ServerExchange
from tcclient.control.realtime import NO_CHANNEL, LateChannel, RealtimeChannel
from tcclient.http.clients import rest_client, user_agent
from tcclient.http.kept import KeptConnections
from tcclient.logs.outlets import Outlets
from tcclient.logs.sink import LoggingError, Sink
from tcclient.logs.twistds import twistds
from tcclient.runtime.addresses import beside
from tcclient.runtime.byname import is_installed, load_by_name
from tcclient.runtime.cautions import proxies
from tcclient.runtime.machine import machine
from tcclient.runtime.ownprocess import ALONE, OwnProcess
from tcclient.runtime.pidfile import PidFile
from tcclient.runtime.shortage import raise_limit
from tcclient.runtime.supervisor import Supervisor
from tcclient.runtime.threads import BRIEF, in_threads
from tcclient.runtime.twistdoptions import TwistdOptions
from tcclient.runtime.wallclock import WallClock, Watch, boot_clock
from tcclient.sources.keptrules import KeptRules
from tcclient.sources.registry import post_ids
from tcclient.sources.source import SourceChecks, Surroundings
from tcclient.storage.answering import Knocking
from tcclient.storage.diskuse import DiskUse
from tcclient.storage.folders import Folders
from tcclient.storage.slots import Naming
from tcclient.stream.valve import rest_within

log = Logger()


def from_file(
    path: Path, environ: Mapping[str, str], reactor: Any, twistd: TwistdOptions, *below: IService
) -> "Root":
    """
    Return the client for the settings in the file; the services `below` it are stopped after it.
    Raises SystemExit with one sentence if the settings cannot be used.
    """
    try:
        supervisor = Supervisor(environ, reactor)
        pidfile = PidFile(twistd.pidfile)
        settings = load(path, environ)
        root = client(settings, reactor, twistd, supervisor, pidfile, *below)
        for caution in (*settings.exposures(environ), proxies(environ)):
            if caution:
                log.warn("Mind that {caution}.", caution=caution)
        return root
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

    The application that this becomes a part of logs through the `observer` alone.
    """

    def __init__(self, observer: ILogObserver, clock: IReactorTime) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # not annotated
        self._observer = observer
        self._clock = clock

    def setServiceParent(self, parent: Any) -> None:
        if isinstance(parent, Componentized):
            parent.setComponent(ILogObserver, self._observer)
        super().setServiceParent(parent)  # type: ignore[no-untyped-call]  # not annotated

    def stopService(self) -> Deferred[None]:
        Service.stopService(self)
        return Deferred.fromCoroutine(self._stop_in_turn())

    async def _stop_in_turn(self) -> None:
        """Stop the services, the last one first."""
        for service in reversed(list(self)):
            await maybeDeferred(service.stopService)
        # The last answer of a server may have brought us here.  The reactor ends when this has
        # fired, and who reads that answer is not to find its connection gone meanwhile.
        await deferLater(self._clock, 0)


def client(
    settings: Settings,
    reactor: Any,
    twistd: TwistdOptions,
    supervisor: Supervisor,
    *below: IService,
) -> Root:
    """
    Return the client for these settings; the services `below` it are stopped after it.  Raises
    SettingsError if `logging` or twistd's options of the log cannot be used.
    """
    raise_limit()
    observer, outlets = _log(settings, reactor, twistd)
    root = Root(observer, reactor)
    process = OwnProcess(lambda: outlets.missing, supervisor.status)
    for service in (outlets, supervisor, *below, make_poller(settings, reactor, process)):
        service.setServiceParent(root)
    return root


def make_poller(settings: Settings, reactor: Any, process: OwnProcess = ALONE) -> Poller:
    """Return the part of the tree that captures."""
    wall = WallClock(reactor, boot=boot_clock())
    surroundings = make_surroundings(settings, reactor, wall)
    source = settings.source.make(surroundings)
    connections = KeptConnections(reactor, reactor)
    poller = Poller(
        make_control(settings, reactor, wall, connections.client),
        surroundings.folders,
        source,
        Intervals(settings.server.ping_interval, settings.server.update_interval),
        settings.server.client_id,
        process,
        make_channel(settings, reactor),
    )
    # First, because the poller stops its services in reverse order: these after the captures'.
    connections.setServiceParent(poller)  # type: ignore[no-untyped-call]  # not annotated
    source.setServiceParent(poller)
    Watch(reactor, wall).setServiceParent(poller)  # type: ignore[no-untyped-call]  # not annotated
    wall.on_step(poller.jumps.stepped)
    wall.on_sleep(poller.jumps.slept)
    return poller


def make_channel(settings: Settings, reactor: Any) -> RealtimeChannel:
    """
    Return the real-time channel to the capture server, if there is to be one and the extra `push`
    is installed.  Raises SettingsError where the settings ask for what is not installed.
    """
    server = settings.server
    if server.push_url is None:
        return NO_CHANNEL
    if not is_installed("websockets"):  # looked for first, so that what needs it is not imported
        if server.push_url is UNSET:
            return NO_CHANNEL
        raise SettingsError(
            f"{settings.path}: $.server.push_url needs what is not installed: "
            "pip install -c constraints.txt '.[push]' in the clone"
        )
    url = beside(server.base_url) if server.push_url is UNSET else server.push_url
    agent = user_agent(server.client_id)

    def make() -> RealtimeChannel:
        connecting = load_by_name("tcclient.push.connecting:make_channel")
        channel: RealtimeChannel = connecting(reactor, url, server.auth_token, agent)
        return channel

    return LateChannel(make)


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
        in_threads(reactor, BRIEF),
        silent=Knocking(),
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
    # A connection for each question: none is left when it has been answered.
    return make_control(settings, reactor, wall, rest_client(reactor, None)), source


def make_rules(settings: Settings, reactor: Any) -> KeptRules | None:
    """Return the rules that the app of the settings keeps; None where the API knows none."""
    wall = WallClock(reactor)
    return settings.source.rules(make_surroundings(settings, reactor, wall))


def make_control(
    settings: Settings, reactor: Any, wall: WallClock, client: HTTPClient
) -> ControlServer:
    """Return the capture server of the settings, asked by this client."""
    server = settings.server
    return ControlServer(
        ServerExchange(
            client,
            server.base_url,
            server.auth_token,
            user_agent(server.client_id),
            reactor,
            wall,
        )
    )


def _log(settings: Settings, reactor: Any, twistd: TwistdOptions) -> tuple[ILogObserver, Outlets]:
    """
    Configure logging, by the settings and by twistd's options; return who observes events, and what
    they go to.  Raises SettingsError.
    """
    observers: list[ILogObserver] = []
    sinks: list[Sink] = []
    try:
        if settings.logging is not None:
            logs = load_by_name("tcclient.logs.observer")
            for warning in logs.configure(settings.logging, settings.path.parent):
                log.warn("{warning}", warning=warning)
            sinks += logs.put_behind_sinks()
            observers.append(logs.StdlibObserver())
        own = twistds(twistd, alone=settings.logging is None)
    except LoggingError as e:
        raise SettingsError(f"{settings.path}: {e}") from None
    if own is not None:
        sinks.append(own.sink)
        observers.append(own)
    return LogPublisher(*observers), Outlets(sinks, reactor)
