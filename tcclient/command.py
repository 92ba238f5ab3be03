"""
The commands: `twistd tcc`, with its options, and `tcc-rules`.

Knows twistd, the reactor and the environment.  The composition root is found by name, so that the
options are read before the client is imported.
"""

import gc
import io
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, NoReturn, cast

from twisted.application.service import Application, IService
from twisted.python import usage
from twisted.python.components import Componentized

from tcclient import __version__
from tcclient.runtime.byname import load_by_name
from tcclient.runtime.wallclock import wall_time

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

    def opt_version(self) -> NoReturn:
        """Display the version of tcc and exit."""
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
    logfile = options.parent["logfile"] if options.parent else None
    with lasting():
        root = load_by_name(ROOT)
        if options["check"]:
            root.check(Path(config), os.environ)
        if config is not None:
            return cast(IService, root.from_file(Path(config), os.environ, reactor, logfile))
        both = load_by_name(SANDBOX)(Path(sandbox), options["sandbox-api"], reactor, wall_time)
        print(both.description(), flush=True)
        path = both.settings_path
        return cast(IService, root.from_file(path, os.environ, reactor, logfile, both))


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
    write_anything()
    reactor = steady_reactor()
    path = Path(environ.get("TCC_CONFIG") or "settings.json")
    application = Application("tcc")
    with lasting():
        root = load_by_name(ROOT).from_file(path, environ, reactor, _logfile(sys.argv[1:]))
    root.setServiceParent(application)
    return cast(Componentized, application)


def write_anything() -> None:
    """
    Have stdout and stderr take each text: what their encoding lacks is written escaped, since a
    line of the log that cannot be written is lost.
    """
    for output in (sys.stdout, sys.stderr):
        if isinstance(output, io.TextIOWrapper):
            output.reconfigure(errors="backslashreplace")


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


def _logfile(arguments: list[str]) -> str | None:
    """Return the value of twistd's `--logfile`, which a .tac file is not told."""
    parser = load_by_name("argparse:ArgumentParser")(add_help=False)
    parser.add_argument("-l", "--logfile")
    found: str | None = parser.parse_known_args(arguments)[0].logfile
    return found
