"""
The commands: `twistd tcc`, with its options, and `tcc-rules`.

Knows twistd, the reactor and the environment.  The composition root is found by name, so that the
options are read before the client is imported.
"""

import gc
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from getopt import getopt
from pathlib import Path
from typing import Any, ClassVar, NoReturn, cast

from twisted.application.service import Application, IService
from twisted.python import usage
from twisted.python.components import Componentized
from twisted.scripts.twistd import ServerOptions  # type: ignore[attr-defined]  # it uses it

from tcclient import __version__
from tcclient.runtime.byname import load_by_name
from tcclient.runtime.earlysignals import ignore_early
from tcclient.runtime.outputs import checked_output, write_anything
from tcclient.runtime.pidfile import why_stale
from tcclient.runtime.twistdoptions import TwistdOptions
from tcclient.runtime.wallclock import boot_clock, wall_time

ROOT = "tcclient.service"
"""The composition root of the client."""
SANDBOX = "tcsandbox.both:sandbox"
"""What `--sandbox` has run below the client."""


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

    def postOptions(self) -> None:
        """
        Have twistd not be kept from running by a pid file whose process is gone; it looks at that
        before it makes the service.  A sandbox has none.  From here on signals for log files do not
        end the process.
        """
        if self.parent is None:
            return
        ignore_early()
        if not self.parent["pidfile"]:
            return
        path = Path(self.parent["pidfile"])
        if self["sandbox"] is not None:
            self.parent["pidfile"] = ""
        elif why := why_stale(path, _booted()):
            path.unlink(missing_ok=True)
            print(f"The pid file {path} is removed: {why}.", file=sys.stderr)

    def opt_help(self) -> NoReturn:
        """Display this help and exit."""
        with checked_output("twistd tcc", 1):
            print(self)
        raise SystemExit(0)

    def opt_version(self) -> NoReturn:
        """Display the version of tcc and exit."""
        with checked_output("twistd tcc", 1):
            print(f"tcc {__version__}")
        raise SystemExit(0)


def makeService(options: Options) -> IService:
    """
    Return what twistd runs.  Raises SystemExit for `--check`, and with one sentence for options
    that do not go together and settings that cannot be used, so that neither a traceback nor a page
    of help hides it, and no daemon is half started.
    """
    config, sandbox = options["config"], options["sandbox"]
    if (config is None) == (sandbox is None):
        raise SystemExit("twistd tcc needs either --config FILE or --sandbox DIR.")
    if options["check"] and sandbox is not None:
        raise SystemExit("twistd tcc --check needs --config FILE: a sandbox has nothing to check.")
    write_anything()
    reactor = steady_reactor()
    twistd = _of_twistd(options.parent) if options.parent else TwistdOptions()
    with lasting():
        root = load_by_name(ROOT)
        if options["check"]:
            root.check(Path(config), os.environ)
        if config is not None:
            return cast(IService, root.from_file(Path(config), os.environ, reactor, twistd))
        both = load_by_name(SANDBOX)(Path(sandbox), options["sandbox-api"], reactor, wall_time)
        with checked_output("twistd tcc", 1):
            print(both.description(), flush=True)
        path = both.settings_path
        return cast(IService, root.from_file(path, os.environ, reactor, twistd, both))


def run_rules() -> NoReturn:
    """Run the command `tcc-rules`.  Raises SystemExit."""
    write_anything()
    steady_reactor()
    load_by_name(ROOT).rules(sys.argv[1:], os.environ)
    raise AssertionError("the command ends the process")


def make_application(environ: Mapping[str, str]) -> Componentized:
    """
    Return what tcc.tac runs.  The settings are in the file that TCC_CONFIG names, by default
    settings.json.  Raises SystemExit with one sentence if they cannot be used.
    """
    ignore_early()
    write_anything()
    reactor = steady_reactor()
    path = Path(environ.get("TCC_CONFIG") or "settings.json")
    application = Application("tcc")
    with lasting():
        root = load_by_name(ROOT).from_file(path, environ, reactor, twistd_options(sys.argv[1:]))
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


@contextmanager
def lasting() -> Iterator[None]:
    """
    What is made in this context lasts as long as the process does, so that looking for garbage in
    it is a waste: it is not done meanwhile, nor ever after.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _booted() -> float:
    """Return when the machine was started, in epoch seconds; 0 where that cannot be known."""
    up = boot_clock()
    return wall_time() - up() if up else 0.0


def _of_twistd(options: Mapping[str, Any]) -> TwistdOptions:
    """Return what concerns the client of all that twistd was told."""
    pidfile = options.get("pidfile", "twistd.pid")  # its default
    return TwistdOptions(
        logfile=options.get("logfile") or None,
        prefix=options.get("prefix", "twisted") if options.get("syslog") else None,
        is_daemon=not (options.get("nodaemon") or options.get("debug")),
        pidfile=str(Path(pidfile).absolute()) if pidfile else None,
    )


def twistd_options(arguments: Sequence[str]) -> TwistdOptions:
    """Return that by the arguments of twistd, which a .tac file is not told."""
    known = ServerOptions()
    # As its own parser does, but for what the options do: a reactor is installed already.
    found, _ = getopt(list(arguments), known.shortOpt, known.longOpt)
    told = {known.synonyms[name.lstrip("-")]: value for name, value in found}
    return _of_twistd(
        {name: value if f"{name}=" in known.longOpt else True for name, value in told.items()}
    )
