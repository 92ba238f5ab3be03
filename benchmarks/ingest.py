"""
`python -m benchmarks.ingest`: what taking in a tweet costs, beside curl and the peers.

In each mode all consumers take turns, in several rounds after one that does not count.  Prints a
table for each mode, and writes every figure into a JSON file.
"""

import argparse
import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

from benchmarks import ratios
from benchmarks.arguments import absolute, build, parser, positive, whole
from benchmarks.feeding import Certificate, NoNews, feeding
from benchmarks.machine import write
from benchmarks.modes import Mode, chosen
from benchmarks.rivals import CURL, RIVALS, Rival, default_cache
from benchmarks.rounds import Amount, client_round, rival_round
from benchmarks.scene import Place, Scene, workshop
from benchmarks.table import Sample, markdown, ratio

CLIENT, OTHER = "tcc", "tcc, other build"
CI = {
    "modes": "v1.1/plain/tweet/flat,v2/TLS/tweet/flat",
    "peers": CURL.name,
    "posts": 60_000,
    "rounds": 3,
}
"""Small enough to take less than a minute."""

Figures = dict[str, list[Sample]]


@attrs.frozen
class Deadline:
    """When the last round has to begin, by the monotonic clock."""

    at: float

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.at

    def share(self, parts: int) -> float:
        """The moment when the first of so many equal parts of what is left is over."""
        now = time.monotonic()
        return now + max(0.0, self.at - now) / parts


def amount(mode: Mode, options: argparse.Namespace, rival: Rival | None = None) -> Amount:
    """What is sent to a peer, or to the client; curl takes as much as that."""
    if mode.pace == "paced":
        return Amount(round(options.rate * options.paced_seconds), options.rate)
    slow = rival is not None and rival.slow
    return Amount(min(options.posts, options.peer_posts) if slow else options.posts)


def one_round(scene: Scene, options: argparse.Namespace) -> Iterator[tuple[str, Sample]]:
    """A sample of everyone who can read the mode, by name."""
    sample, without = client_round(scene, amount(scene.mode, options))
    yield CLIENT, sample
    if options.other is not None:
        yield OTHER, client_round(scene, amount(scene.mode, options), options.other)[0]
    if without is not None:
        yield f"{CLIENT}, SHA-256 taken off", without
    for rival in filter(lambda rival: rival.serves(scene.mode), options.rivals):
        try:
            sample, hashed = rival_round(scene, rival, amount(scene.mode, options, rival))
        except (NoNews, TimeoutError) as e:
            say(f"{scene.mode}: {rival.name} is left out of this round: {e}")
            continue
        yield rival.name, sample
        if rival is CURL:
            yield "curl + sha256sum", hashed


def measure(scene: Scene, options: argparse.Namespace, until: float) -> Figures:
    """All rounds of a mode, or those that begin before `until`, but at least one that counts."""
    figures: Figures = {}
    for number in range(options.rounds + 1):
        if number > 1 and time.monotonic() > until:
            break
        for name, sample in one_round(scene, options):
            rounds = figures.setdefault(name, [])
            if number:  # the first one warms up
                rounds.append(sample)
            note = "warm-up" if not number else f"round {number}"
            say(f"{scene.mode} {note}: {name} {sample.per_post:.1f} µs, {sample.found}")
    return figures


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def run(modes: Sequence[Mode], options: argparse.Namespace, base: Path) -> dict[str, Figures]:
    """Mode -> figures; modes for which there is no time are left out."""
    place, certificate = Place(), Certificate.made_in(base)
    deadline = Deadline(time.monotonic() + options.minutes * 60)
    found: dict[str, Figures] = {}
    for recording, same in itertools.groupby(modes, key=lambda mode: mode.recording):
        with feeding(recording, certificate.pem, place.tags(recording[0])) as feed:
            for mode in same:
                if found and deadline.is_over:
                    say(f"{mode} is left out: there are no more of the {options.minutes:g} min.")
                    continue
                scene = Scene(mode, feed, place, certificate.public, options.cache, base)
                until = deadline.share(len(modes) - len(found))
                figures = found[str(mode)] = measure(scene, options, until)
                print(f"\n{mode}\n\n{markdown(figures)}", flush=True)
    return found


def keep(path: Path, options: argparse.Namespace, found: dict[str, Figures]) -> None:
    modes = {
        mode: {name: list(map(attrs.asdict, rounds)) for name, rounds in figures.items()}
        for mode, figures in found.items()
    }
    amounts = {name: getattr(options, name) for name in ("posts", "peer_posts", "rate", "rounds")}
    write(path, options=amounts, modes=modes)


def read_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    told = parser(__doc__, "ingest.json")
    add = told.add_argument
    add("--modes", default="*", help="patterns such as 'v1.1/TLS*/tweet/flat,v2/*'")
    add("--posts", type=whole, default=500_000, help="in a round of client and curl")
    add("--peer-posts", type=whole, default=50_000, help="in a round of a slow peer")
    add("--rounds", type=whole, default=5, help="besides the first, which warms up")
    add("--rate", type=positive, default=5_000.0, help="posts a second, where paced")
    add("--paced-seconds", type=positive, default=20.0)
    add("--minutes", type=positive, default=240.0, help="nothing begins after that")
    add("--peers", default="all", help="names separated by commas")
    add("--other", type=build, help="a clone of another build, to take turns with")
    add("--cache", type=absolute, default=default_cache(), help="for the peers")
    add("--ci", action="store_true", help="small, and check the ratio to curl")
    add("--commit-ratios", action="store_true", help="as --ci, but write ratios")
    options = told.parse_args(arguments)
    if options.ci or options.commit_ratios:
        told.set_defaults(**CI)
        options = told.parse_args(arguments)
    try:
        options.modes = chosen(options.modes)
        options.rivals = _named(options.peers)
    except ValueError as e:
        told.error(str(e))
    return options


def _named(names: str) -> list[Rival]:
    """Curl, and the peers with these names; raises ValueError."""
    known = {rival.name: rival for rival in RIVALS}
    wanted = list(known) if names == "all" else [CURL.name, *names.split(",")]
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        raise ValueError(f"There is no peer {unknown[0]!r}, but {', '.join(known)}.")
    return [rival for name, rival in known.items() if name in wanted]


def main() -> None:
    options = read_arguments()
    options.cache.mkdir(parents=True, exist_ok=True)
    for rival in options.rivals:
        rival.prepare(options.cache)
    with workshop("ingest", options.folder) as base:
        found = run(options.modes, options, base)
    keep(options.json, options, found)
    measured = {mode: ratio(figures, CLIENT, CURL.name) for mode, figures in found.items()}
    known = {mode: value for mode, value in measured.items() if value is not None}
    broken = [
        f"{mode}: {name}: {sample.found}."
        for mode, figures in found.items()
        for name, rounds in figures.items()
        for sample in rounds
        if name == CLIENT and sample.found != "whole"
    ]
    if options.commit_ratios:
        ratios.commit(known)
    elif options.ci:
        broken += ratios.complaints(known, ratios.committed())
    if broken:
        sys.exit("\n".join(broken))


if __name__ == "__main__":
    main()
