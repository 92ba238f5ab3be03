"""
Asks a real server all that its description allows, and much that it does not: as a client, as a
researcher's script, and as nobody.

`python -m tests.long.openapi --schemathesis PATH` needs `pip install schemathesis==4.32.5`, in an
environment of its own.  The database is a file, or the PostgreSQL database that DATABASE_URL names,
which has to be empty.  Exits with 1 if an answer is a 5xx or other than is described.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.long.processes import ending

SEED = """
import json
from tests.tcserver.world import World
world = World()
world.capture("stopped", "tea")
print(json.dumps({"client": world.token, "researcher": world.key(world.rita)}))
"""
# Not all that is described can be (a job that does not exist); who shows no token gets 403; a job
# that was deleted is shown by its number.
LEFT_OUT = "positive_data_acceptance,missing_required_header,use_after_free"


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The address of a server with a small world, and the tokens of who may ask it."""
    tcserver = [sys.executable, "-m", "tcserver"]
    data = f"--data={folder / 'site'}"
    up = [*tcserver, "up", data, "--listen=127.0.0.1:0"]
    with (
        (folder / "log").open("w") as log,
        ending([server := subprocess.Popen(up, stdout=subprocess.PIPE, stderr=log, text=True)]),
    ):
        assert server.stdout is not None
        found = re.search(r"http://\S+/", server.stdout.readline())
        assert found is not None, "It has not started."
        seed = [*tcserver, "shell", data, "-v", "0", "-c", SEED]
        said = subprocess.run(seed, stdout=subprocess.PIPE, text=True, check=True).stdout
        yield found[0], json.loads(said.splitlines()[-1])


def fuzz(program: Path, url: str, token: str | None, options: Sequence[str]) -> bool:
    """Run it as one who asks; return whether all is well."""
    command = [str(program), "run", f"{url}api/schema/", "--checks=all", "--workers=1"]
    command += [f"--exclude-checks={LEFT_OUT}", "--no-color", "--warnings=off", *options]
    if token is not None:
        command += ["--header", f"Authorization: Token {token}"]
    return subprocess.run(command, check=False).returncode == 0


def complaints(log: str) -> list[str]:
    """What the server has in its log of faults of its own."""
    return [line for line in log.splitlines() if "Traceback" in line or "ERROR" in line]


def main() -> None:
    """Run it as each; exit with 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schemathesis", type=Path, required=True, help="the program")
    parser.add_argument("options", nargs="*", help="more for it, after --")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, served(Path(name)) as (url, tokens):
        well = True
        for who, token in (*tokens.items(), ("nobody", None)):
            print(f"\n== as {who}", flush=True)
            well &= fuzz(given.schemathesis, url, token, given.options)
        alive = urllib.request.urlopen(f"{url}readyz", timeout=20).status == 200
        found = complaints(Path(name, "log").read_text())
    print("\n".join(found[:20]))
    raise SystemExit(0 if well and alive and not found else 1)


if __name__ == "__main__":
    main()
