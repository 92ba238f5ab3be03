"""What the runs of one mode share: who sends, who controls, and where everything is."""

import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from benchmarks.feeding import Feed
from benchmarks.modes import Mode
from benchmarks.posts import JOBS
from tcclient.storage.knownservers import address, key

CLIENT_ID = 1


def free_port() -> int:
    """One that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def workshop(name: str, folder: Path | None) -> Iterator[Path]:
    """
    A folder for a whole run, in `folder` if there is one.  When SIGTERM ends the program it is
    removed too, and the processes that run are ended.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Ended by SIGTERM."))
    with tempfile.TemporaryDirectory(prefix=f"tcc-{name}-", dir=folder) as made:
        yield Path(made)


@attrs.frozen
class Place:
    """
    Where the stand-in server is in all rounds: the tags of the rules, which the posts carry, depend
    on its address.
    """

    port: int = attrs.field(factory=free_port)

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/"

    def tags(self, api: str) -> list[str]:
        """Those of the captures' rules, in v2; the server numbers its jobs from 1."""
        server = key(address(self.api), CLIENT_ID)
        return [] if api == "v1.1" else [f"tcc:{server}:{job + 1}" for job in range(JOBS)]


@attrs.frozen
class Scene:
    """`trusted` is the certificate, `cache` has the peers, below `base` everyone writes."""

    mode: Mode
    feed: Feed
    place: Place
    trusted: Path
    cache: Path
    base: Path

    @property
    def root(self) -> str:
        """The address below which everything of Twitter's is."""
        return self.feed.root(tls=self.mode.tls)

    @property
    def tags(self) -> list[str]:
        return self.place.tags(self.mode.api)

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """One that is gone afterwards."""
        folder = Path(tempfile.mkdtemp(prefix="round-", dir=self.base))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
