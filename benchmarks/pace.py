"""
`python -m benchmarks.pace`: what a client costs while posts come one by one, and while none come.

At each rate all consumers take turns, in several rounds; each post is sent by itself.  Rate 0 is a
stream of keep-alives only.  What a core has to do for it is user and system time by time.
"""

import argparse
import itertools
import sys
from collections.abc import Iterator, Sequence

import attrs

from benchmarks.arguments import build, parser, positive, rates_from_0, whole
from benchmarks.feeding import Certificate, NoNews, feeding
from benchmarks.ingest import CLIENT, OTHER
from benchmarks.machine import write
from benchmarks.modes import Mode
from benchmarks.rivals import BARE, CURL, default_cache
from benchmarks.rounds import Amount, client_round, rival_round
from benchmarks.scene import Place, Scene, workshop
from benchmarks.table import Sample, spread

REST = 4.0
"""Seconds between the start of a consumer and the first byte, in which its start is over."""
WIRES = ("plain", "TLS")


def amount(rate: float, options: argparse.Namespace) -> Amount:
    """What is sent in a round."""
    return Amount(round(rate * options.seconds), rate, 0.0 if rate else options.seconds)


def one_round(
    scene: Scene, rate: float, options: argparse.Namespace
) -> Iterator[tuple[str, Sample]]:
    """A sample of everyone, by name."""
    sent = amount(rate, options)
    yield CLIENT, client_round(scene, sent, rest=REST)[0]
    if options.other is not None:
        yield OTHER, client_round(scene, sent, options.other, REST)[0]
    for rival in (BARE, CURL):
        yield rival.name, rival_round(scene, rival, sent, REST)[0]


def row(name: str, rate: float, rounds: Sequence[Sample]) -> str:
    """A line of the table."""
    share = spread((100 * one.cpu / one.seconds for one in rounds), ".2f")
    per_post = spread((one.per_post for one in rounds), ".0f") if rate else "–"
    found = "; ".join(sorted({one.found for one in rounds}))
    return f"| {name} | {rate:g} | {len(rounds)} | {share} | {per_post} | {found} |"


def read_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    told = parser(__doc__, "pace.json")
    add = told.add_argument
    add("--rates", type=rates_from_0, default="0,250", help="posts a second")
    add("--seconds", type=positive, default=600.0, help="of a round")
    add("--rounds", type=whole, default=1)
    add("--wire", choices=WIRES, default="plain")
    add("--other", type=build, help="a clone of another build, to take turns with")
    return told.parse_args(arguments)


def main() -> None:
    options = read_arguments()
    mode = Mode("v2", options.wire, "tweet", "paced")
    found: dict[tuple[str, float], list[Sample]] = {}
    with workshop("pace", options.folder) as base:
        place, certificate = Place(), Certificate.made_in(base)
        with feeding(mode.recording, certificate.pem, place.tags(mode.api)) as feed:
            scene = Scene(mode, feed, place, certificate.public, default_cache(), base)
            for rate, number in itertools.product(options.rates, range(options.rounds)):
                try:
                    for name, sample in one_round(scene, rate, options):
                        found.setdefault((name, rate), []).append(sample)
                        print(row(name, rate, [sample]), file=sys.stderr, flush=True)
                except (NoNews, TimeoutError) as e:
                    sys.exit(f"Round {number} at {rate:g}/s: {e}")
    print("| consumer | tweets/s | rounds | % of a core | CPU µs/tweet | files |")
    print("| --- " * 6 + "|")
    for (name, rate), rounds in found.items():
        print(row(name, rate, rounds))
    samples = [
        {"consumer": name, "rate": rate, "rounds": list(map(attrs.asdict, rounds))}
        for (name, rate), rounds in found.items()
    ]
    write(options.json, mode=mode, samples=samples)


if __name__ == "__main__":
    main()
