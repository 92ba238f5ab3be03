"""
The peers: what is compared with the client, and the environments they need.

Knows commands and packages; the scripts are in peers/.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import attrs

from benchmarks.modes import Mode

SCRIPTS = Path(__file__).parent / "peers"
INSTALLING = 600.0


@attrs.frozen
class Rival:
    """
    `script` is run by the Python of an environment with `requirement`, by ours where it needs
    none; curl has no script.  `slow` ones get fewer posts.
    """

    name: str
    apis: Sequence[str] = ("v1.1", "v2")
    script: str | None = None
    requirement: str | None = None
    gzip: bool = True
    slow: bool = True

    def serves(self, mode: Mode) -> bool:
        return mode.api in self.apis and (self.gzip or not mode.gzip)

    def command(self, cache: Path, mode: Mode, root: str, file: Path) -> list[str]:
        """What takes the stream below `root` into `file`, and ends with it."""
        if self.script is None:
            return _curl(mode, root, file)
        python = sys.executable if self.requirement is None else self._python(cache)
        return [str(python), str(SCRIPTS / self.script), root, str(file), mode.api]

    def prepare(self, cache: Path) -> None:
        """Make the environment in `cache`, where it is not there.  Raises CalledProcessError."""
        if self.requirement is None or self._python(cache).exists():
            return
        unfinished = self._folder(cache).with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        # Scripts of an environment that has moved do not work; its Python does.
        for command in (
            [sys.executable, "-m", "venv", str(unfinished)],
            [str(unfinished / "bin/python"), "-m", "pip", "install", "-q", self.requirement],
        ):
            subprocess.run(command, check=True, timeout=INSTALLING)
        unfinished.rename(self._folder(cache))

    def _folder(self, cache: Path) -> Path:
        return cache / str(self.requirement).replace("==", "-")

    def _python(self, cache: Path) -> Path:
        return self._folder(cache) / "bin" / "python"


CURL = Rival("curl", slow=False)
BARE = Rival("bare Twisted", ("v2",), "bare.py", gzip=False, slow=False)
RIVALS = (
    CURL,
    BARE,
    Rival("tweepy 3.10", ("v1.1",), "tweepy3.py", "tweepy==3.10.0", gzip=False),
    Rival("tweepy 4", script="tweepy4.py", requirement="tweepy==4.12.1"),
    Rival("twarc2", ("v2",), "twarc2.py", "twarc==2.14.0"),
    Rival("txTwitter", ("v1.1",), "txtwitter_treq.py"),
)


def default_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "tcc-benchmarks"


def environment(trusted: Path) -> dict[str, str]:
    """For a peer that is to trust this certificate."""
    names = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
    return {**os.environ, **dict.fromkeys(names, str(trusted))}


def _curl(mode: Mode, root: str, file: Path) -> list[str]:
    command = ["curl", "-sN", "-o", str(file)]
    if mode.gzip:
        command.append("--compressed")
    if mode.api == "v1.1":
        return [*command, "-d", "track=coffee", f"{root}1.1/statuses/filter.json"]
    return [*command, f"{root}2/tweets/search/stream"]
