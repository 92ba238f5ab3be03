"""A PostgreSQL server of one's own, of Debian's binaries, which tests may kill."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from twisted.trial.unittest import SkipTest, TestCase


def binaries() -> Path:
    """The folder of the newest; raises SkipTest where there is none that may be run."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found or (os.geteuid() == 0 and not _user()):
        raise SkipTest("did not run: no PostgreSQL is installed here")
    return found[-1].parent


class PrivatePostgres:
    """It listens on a port of loopback; everybody may come in as postgres."""

    def __init__(self, test: TestCase) -> None:
        self._bin = binaries()
        folder = tempfile.mkdtemp(prefix="tcc-postgres-")
        test.addCleanup(shutil.rmtree, folder)
        if os.geteuid() == 0:
            shutil.chown(folder, *_user())
        self._folder, self._port = folder, _free_port()
        self._run("initdb", "-U", "postgres", "--auth=trust", "--no-sync")
        self.start()
        test.addCleanup(self._run, "pg_ctl", "stop", "-m", "immediate", well=(0, 1))
        self.url = f"postgres://postgres@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Return once it can be used."""
        options = f"-p {self._port} -k {self._folder} -c listen_addresses=127.0.0.1"
        self._run("pg_ctl", "start", "-w", "-l", f"{self._folder}/log", "-o", options)

    def stop(self, mode: str) -> None:
        """End it in a mode of pg_ctl's: "fast" says good-bye to who uses it, "immediate" not."""
        self._run("pg_ctl", "stop", "-m", mode)

    def _run(self, name: str, *arguments: str, well: tuple[int, ...] = (0,)) -> None:
        command = [str(self._bin / name), "-D", self._folder, *arguments]
        as_user = {"user": _user()[0], "group": _user()[1]} if os.geteuid() == 0 else {}
        done = subprocess.run(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, cwd="/", timeout=120,
            **as_user,
        )  # fmt: skip
        if done.returncode not in well:
            raise AssertionError(f"{name} ended with {done.returncode}")


def _user() -> tuple[str, str] | tuple[()]:
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        return ()
    return ("postgres", "postgres")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
