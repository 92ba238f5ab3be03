"""
The command that runs the Twitter simulator alone: `python -m tcsandbox.twitter --port 8080`.

Knows the command line and how to listen; the simulator itself is in simulator.py.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, NoReturn, cast

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import quoteStringArgument, serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IReactorCore, IReactorTime
from twisted.internet.task import react

from tcsandbox.twitter.common.journal import Journal
from tcsandbox.twitter.common.oauth import SANDBOX_CREDENTIALS, Credentials
from tcsandbox.twitter.simulator import Simulator, SimulatorSettings
from tcsandbox.twitter.v2.app import Plan


class SimulatorArgumentParser(argparse.ArgumentParser):
    """An argument parser that says in one sentence what is wrong."""

    def error(self, message: str) -> NoReturn:
        """Print `message` and exit with status 2."""
        self.exit(2, f"{self.prog}: {message}\n")


def make_parser() -> SimulatorArgumentParser:
    """Return the parser, whose default keys are those of the sandbox: they are no secrets."""
    parser = SimulatorArgumentParser(
        prog="python -m tcsandbox.twitter",
        description="A simulator of Twitter's streams, v1.1 and X API v2.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=int, required=True, help="TCP port, 0 for any that is free")
    add("--interface", default="127.0.0.1", help="address to listen on")
    add("--rate", type=not_negative, default=10.0, help="posts per second, 0 for none")
    add("--scale", type=positive, default=1.0, help="factor on all of Twitter's timers")
    add("--rule-delay", type=not_negative, default=20.0, help="seconds until a v2 rule works")
    add("--delete-delay", type=not_negative, help="for a deleted one; as long, if not given")
    add("--seed", type=int, help="makes the posts the same every time")
    add("--journal", type=Path, help="file that gets a line for each post sent")
    add("--no-gzip", action="store_true", help="never compress")
    add("--certificate", type=Path, help="PEM file: speak TLS")
    add("--key", type=Path, help="PEM file with its key, when it is not in the same file")
    add("--replay", type=Path, help="recorded HTTP response that answers the first connect")
    for name in ("api_key", "api_secret", "access_token", "access_token_secret"):
        add(f"--{name.replace('_', '-')}", default=getattr(SANDBOX_CREDENTIALS, name), help=" ")
    return parser


def not_negative(text: str) -> float:
    """Return `text` as a finite number that is not below 0; raise ArgumentTypeError."""
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0")
    return number


def positive(text: str) -> float:
    """Return `text` as a finite number above 0; raise ArgumentTypeError."""
    number = not_negative(text)
    if not number:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return number


def make_simulator(options: argparse.Namespace, clock: IReactorTime) -> Simulator:
    """Return the simulator that `options` describe; raise OSError for a file that is no use."""
    account = Credentials(
        options.api_key, options.api_secret, options.access_token, options.access_token_secret
    )
    settings = SimulatorSettings(
        rate=options.rate,
        scale=options.scale,
        gzip=not options.no_gzip,
        accounts=(account,),
        plan=Plan(rule_delay=options.rule_delay, delete_delay=options.delete_delay),
    )
    recording = options.replay.read_bytes() if options.replay else None
    journal = Journal(options.journal, clock) if options.journal else None
    simulator = Simulator(clock, Random(options.seed), settings, journal)
    if recording is not None:
        simulator.replay(recording)
    return simulator


def endpoint_of(options: argparse.Namespace) -> str:
    """Return the Twisted endpoint string to listen at; raise OSError for a missing PEM file."""
    where = f"{options.port}:interface={quoteStringArgument(options.interface)}"
    if options.certificate is None:
        return f"tcp:{where}"
    key = options.key or options.certificate
    for pem in (options.certificate, key):
        pem.read_bytes()
    files = f"certKey={quoteStringArgument(str(options.certificate))}"
    return f"ssl:{where}:{files}:privateKey={quoteStringArgument(str(key))}"


async def serve(reactor: Any, options: argparse.Namespace) -> None:
    """Listen and simulate until the reactor stops; raise SystemExit with a sentence."""
    core, clock = cast(IReactorCore, reactor), cast(IReactorTime, reactor)
    try:
        endpoint = serverFromString(reactor, endpoint_of(options))
        simulator = make_simulator(options, clock)
        port = await endpoint.listen(simulator.site())
    except (OSError, ValueError, CannotListenError) as e:
        raise SystemExit(f"The simulator cannot start: {e}") from e
    core.addSystemEventTrigger("before", "shutdown", simulator.stop)
    scheme = "https" if options.certificate else "http"
    host = f"[{options.interface}]" if ":" in options.interface else options.interface
    print(f"Simulated Twitter at {scheme}://{host}:{port.getHost().port}/1.1/", flush=True)
    await Deferred()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run until SIGINT or SIGTERM; raise SystemExit with a sentence when that is not possible."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    if options.key is not None and options.certificate is None:
        parser.error("--key needs --certificate")
    react(lambda reactor: Deferred.fromCoroutine(serve(reactor, options)))
