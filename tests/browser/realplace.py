"""
A whole installation on loopback: `tcserver up`, a simulated X, and a client, each a process.

Knows how they are started, once in a process, and that they end with it.
"""

import atexit
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import attrs

from tcsandbox.twitter import SANDBOX_BEARER_TOKEN
from tests.browser.demosite import PASSWORD
from tests.e2e.processes import environment, python, twistd

RATE = 30
"""Posts a second of the simulated X."""
_PEOPLE = f"""
from django.utils import timezone
from tcserver.history.acts import by_server
from tcserver.people.models import Project, Role, User
from tcserver.people.services.passwords import choose_password
from tcserver.people.services.people import create_person, give_role
act = by_server(timezone.now())
own, other = Project.objects.get(), Project.objects.create(name="Other", created_at=act.at)
choose_password(User.objects.get(username="admin"), "{PASSWORD}", act)
for name, project, role in [
    ("rita", own, Role.RESEARCHER), ("vera", own, Role.VIEWER), ("otto", other, Role.RESEARCHER)
]:
    give_role(create_person(name, "{PASSWORD}", act), project.pk, role, act)
"""


@attrs.frozen
class Place:
    """
    The address of the website, the folder in which the client `lab` keeps what it captures, and the
    address of the simulated X.
    """

    site: str
    folder: Path
    twitter: str

    def posts(self, name: str) -> int:
        """How many posts of a capture are in finished files."""
        files = (self.folder / "data" / name).glob(f"{name}2*.json")
        return sum(path.read_bytes().count(b"\n") for path in files)

    def start_client(self, settings: str) -> None:
        """
        Start a client with the settings that the website gave for it, and the keys of an app at X.
        """
        document = json.loads(settings)
        number = document["server"]["client_id"]
        folder = self.folder / f"client{number}" if number > 1 else self.folder
        folder.mkdir(exist_ok=True)
        document["server"]["ping_interval"] = 0.5
        document["twitter_auth"] = {"bearer_token": SANDBOX_BEARER_TOKEN}
        document["twitter"] = {"api_url": self.twitter, "rule_delay": 0.5}
        path = folder / "settings.json"
        path.write_text(json.dumps(document))
        path.chmod(0o600)
        log = ("--logfile", "tcc.log")
        _started(folder, twistd("-n", "--pidfile=", *log, "tcc", "--config", "settings.json"))


@cache
def place() -> Place:
    """Start it, with an administrator, a researcher, a viewer, a stranger, and the client `lab`."""
    folder = Path("browser.place").absolute()
    folder.mkdir(mode=0o700)
    up = ("-m", "tcserver", "up", "--data", "site", "--listen", "127.0.0.1:0")
    site = _line(_started(folder, python(*up)), "The capture server is at ").rstrip("/")
    x = ("-m", "tcsandbox.twitter", "--port", "0", "--rate", f"{RATE}", "--rule-delay", "0.5")
    twitter = (
        _line(_started(folder, python(*x)), "Simulated Twitter at ").split()[0].removesuffix("1.1/")
    )
    run = [*python("-m", "tcserver"), "shell", "--data", "site", "-v0", "-c", _PEOPLE]
    subprocess.run(run, cwd=folder, env=environment(), check=True)
    here = Place(site, folder, twitter)
    client = [*python("-m", "tcserver"), "client", "lab", "--data", "site", "--server", site]
    made = subprocess.run(client, cwd=folder, env=environment(), check=True, capture_output=True)
    here.start_client(made.stdout.decode())
    return here


def _started(folder: Path, command: list[str]) -> "subprocess.Popen[str]":
    """Start a process that ends with this one."""
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    begun = subprocess.Popen(
        command, cwd=folder, env=environment(**paths), stdout=subprocess.PIPE, text=True
    )
    atexit.register(begun.communicate)
    atexit.register(begun.terminate)
    return begun


def _line(process: "subprocess.Popen[str]", beginning: str) -> str:
    """What stands behind a beginning of a line that a process prints."""
    assert process.stdout is not None
    for line in process.stdout:
        if beginning in line:
            return line.partition(beginning)[2].strip()
    raise AssertionError(f"It has ended without {beginning!r}")
