"""The command that runs the simulator alone: `python -m tcsandbox.twitter --port 8080`."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, cast

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import quoteStringArgument, serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IReactorCore, IReactorTime
from twisted.internet.task import react

from tcsandbox.arguments import SentenceParser
from tcsandbox.saying import say
from tcsandbox.twitter.common.journal import Journal
from tcsandbox.twitter.common.oauth import SANDBOX_CREDENTIALS
from tcsandbox.twitter.simulator import Simulator, SimulatorSettings
from tcsandbox.twitter.v2.plan import Plan

HOST = "127.0.0.1"


def make_parser() -> SentenceParser:
    """Return the parser of the command line."""
    parser = SentenceParser(
        prog="python -m tcsandbox.twitter",
        description="A simulator of Twitter's streams, v1.1 and X API v2, on 127.0.0.1.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=int, required=True, help="TCP port, 0 for any that is free")
    add("--rate", type=not_negative, default=10.0, help="posts per second, 0 for none")
    add("--scale", type=positive, default=1.0, help="factor on all of Twitter's timers")
    add("--rule-delay", type=not_negative, default=20.0, help="seconds until a v2 rule works")
    add("--delete-delay", type=not_negative, help="for a deleted one; as long, if not given")
    add("--post-names", action="store_true", help="name members of v2 as openapi 2.167 does")
    add("--seed", type=int, help="makes the posts the same every time")
    add("--journal", type=Path, help="file that gets a line for each post sent")
    add("--no-gzip", action="store_true", help="never compress")
    add("--certificate", type=Path, help="PEM file with its key, too: speak TLS")
    add("--replay", type=Path, help="recorded HTTP response that answers the first connect")
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
    settings = SimulatorSettings(
        rate=options.rate,
        scale=options.scale,
        gzip=not options.no_gzip,
        plan=Plan(
            rule_delay=options.rule_delay,
            delete_delay=options.delete_delay,
            post_names=options.post_names,
        ),
    )
    recording = options.replay.read_bytes() if options.replay else None
    journal = Journal(options.journal, clock) if options.journal else None
    simulator = Simulator(clock, Random(options.seed), settings, journal)
    if recording is not None:
        simulator.replay(recording)
    return simulator


def endpoint_of(options: argparse.Namespace) -> str:
    """Return the Twisted endpoint string to listen at; raise OSError for a missing PEM file."""
    where = f"{options.port}:interface={HOST}"
    if options.certificate is None:
        return f"tcp:{where}"
    options.certificate.read_bytes()
    pem = quoteStringArgument(str(options.certificate))
    return f"ssl:{where}:certKey={pem}:privateKey={pem}"


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
    say(description(f"{scheme}://{HOST}:{port.getHost().port}/"))
    await Deferred()


def description(root: str) -> str:
    """Return where both APIs are, of which `root` is the address, and what a client needs."""
    v1, v2 = {"api": "1.1", "stream_url": f"{root}1.1/"}, {"api": "2", "api_url": root}
    return f"""\
Simulated Twitter at {root}1.1/ for v1.1 and {root} for v2. A client's settings for either:
  "twitter": {json.dumps(v1)}
  "twitter": {json.dumps(v2)}
  "twitter_auth": {json.dumps(attrs.asdict(SANDBOX_CREDENTIALS))}"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run until SIGINT or SIGTERM; raise SystemExit with a sentence when that is not possible."""
    options = make_parser().parse_args(arguments)
    react(lambda reactor: Deferred.fromCoroutine(serve(reactor, options)))
