"""What is compared: which API, over which wire, in which chunks, how fast."""

import fnmatch
import itertools
from collections.abc import Iterator

import attrs

APIS = ("v1.1", "v2")
WIRES = ("plain", "TLS", "TLS+gzip")
CHUNKS = ("tweet", "64k")
PACES = ("flat", "paced")


@attrs.frozen
class Mode:
    """`chunks` is how posts are put into HTTP chunks, `pace` whether they come flat out."""

    api: str
    wire: str
    chunks: str
    pace: str

    def __str__(self) -> str:
        return "/".join(attrs.astuple(self))

    @property
    def tls(self) -> bool:
        return self.wire != "plain"

    @property
    def gzip(self) -> bool:
        return self.wire == "TLS+gzip"

    @property
    def recording(self) -> tuple[str, bool, str]:
        """Modes that agree in this are served the same bytes."""
        return self.api, self.gzip, self.chunks


def every_mode() -> Iterator[Mode]:
    return itertools.starmap(Mode, itertools.product(APIS, WIRES, CHUNKS, PACES))


def chosen(patterns: str) -> list[Mode]:
    """
    The modes that one of the patterns, separated by commas, matches: `v2/TLS*/tweet/flat`.  Those
    of one recording stand together.  Raises ValueError where a pattern matches none.
    """
    found: set[Mode] = set()
    for pattern in patterns.split(","):
        some = {mode for mode in every_mode() if fnmatch.fnmatchcase(str(mode), pattern.strip())}
        if not some:
            raise ValueError(f"No mode matches {pattern!r}; one is v1.1/plain/tweet/flat.")
        found |= some
    return sorted((mode for mode in every_mode() if mode in found), key=lambda m: m.recording)
