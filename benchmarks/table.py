"""From samples to rows of a table.  Pure."""

import statistics
from collections.abc import Iterable, Mapping, Sequence

import attrs

MICRO = 1e6
MEGA = 1e6

Samples = Mapping[str, Sequence["Sample"]]
"""Consumer -> its rounds, in one mode."""

COLUMNS = (
    "consumer", "rounds", "posts", "CPU µs/tweet", "start-up CPU s", "tweets/s", "MB/s",
    "peak RSS MiB", "÷ other build", "÷ curl", "÷ curl + sha256sum", "÷ tweepy 3.10",
    "÷ tweepy 4", "files",
)  # fmt: skip
BASES = ("tcc, other build", "curl", "curl + sha256sum", "tweepy 3.10", "tweepy 4")


@attrs.frozen
class Sample:
    """
    One round of a consumer.  `cpu` and `seconds` are from the first byte to the last, `startup`
    is the CPU before that; `size` is the bytes of the posts as they were before gzip and chunks;
    `peak` is in MiB, `found` what is wrong with its files.
    """

    posts: int
    cpu: float
    startup: float
    seconds: float
    size: int
    peak: float
    found: str

    @property
    def per_post(self) -> float:
        """CPU in µs."""
        return self.cpu / self.posts * MICRO


def spread(values: Iterable[float], form: str = ".1f") -> str:
    """Minimum, median and maximum; one number where they are the same."""
    ordered = sorted(values)
    three = (ordered[0], statistics.median(ordered), ordered[-1])
    texts = [format(value, form) for value in three]
    return texts[0] if len(set(texts)) == 1 else " – ".join(texts)


def median_cpu(rounds: Sequence[Sample]) -> float:
    """µs per post."""
    return statistics.median(sample.per_post for sample in rounds)


def ratio(samples: Samples, consumer: str, base: str) -> float | None:
    """Of the medians of CPU per post; None where one of both was not measured."""
    if not samples.get(consumer) or not samples.get(base) or not median_cpu(samples[base]):
        return None
    return median_cpu(samples[consumer]) / median_cpu(samples[base])


def rows(samples: Samples) -> list[list[str]]:
    return [_row(samples, consumer) for consumer in samples if samples[consumer]]


def markdown(samples: Samples) -> str:
    """A table with COLUMNS, a row for each consumer."""
    lines = [COLUMNS, ["---"] * len(COLUMNS), *rows(samples)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _row(samples: Samples, consumer: str) -> list[str]:
    rounds = samples[consumer]
    ratios = [ratio(samples, consumer, base) for base in BASES]
    return [
        consumer,
        str(len(rounds)),
        spread((s.posts for s in rounds), ",.0f"),
        spread(s.per_post for s in rounds),
        spread((s.startup for s in rounds), ".2f"),
        spread((s.posts / s.seconds for s in rounds), ",.0f"),
        spread((s.size / s.seconds / MEGA for s in rounds), ",.0f"),
        spread((s.peak for s in rounds), ".0f"),
        *("–" if value is None else f"{value:.2f}" for value in ratios),
        "; ".join(sorted({s.found for s in rounds})),
    ]
