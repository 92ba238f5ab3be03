"""The commands of docs/server.md that keep and move an installation, as they stand there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.deploy.served import VARIABLES, put_in
from tests.e2e.processes import ROOT, environment

DOCUMENT = (ROOT / "docs" / "server.md").read_text("utf-8")
SCRIPT = ROOT / "deploy" / "tcserver"
MAKE = """
from django.contrib.auth import get_user_model
from django.utils import timezone
from tcserver.history.acts import by_server
from tcserver.people.services.first import first_start
print(first_start("correct horse", by_server(timezone.now())), get_user_model().objects.count())
"""


def commands(heading: str, number: int = 0) -> list[str]:
    """The lines of a block below `## heading`."""
    section = DOCUMENT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    block = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)[number]
    return [line for line in block.splitlines() if line]


class DocumentCase(SynchronousTestCase):
    """A folder in which `tcserver` is this one, and what would change the machine only notes it."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.programs = self.folder / "bin"
        self.programs.mkdir(parents=True)
        (self.folder / "backups").mkdir()
        self.program("tcserver", f'exec {sys.executable} -m tcserver "$@"')
        for name in ("git", "pip"):
            self.program(name, f'echo {name} "$@" >> {self.folder}/noted')
        self.environment: dict[str, str] = {}

    def program(self, name: str, line: str) -> None:
        """Put a program before all others."""
        file = self.programs / name
        file.write_text(f"#!/bin/sh\n{line}\n")
        file.chmod(0o755)

    def shell(self, *lines: str) -> str:
        """What the lines print, one after the other; each has to end well."""
        text = "\n".join(lines).replace("/backups/", f"{self.folder}/backups/")
        text = text.replace(".venv/bin/pip", "pip")
        ours = environment(**self.environment, PYTHONPATH=str(ROOT))
        ours["PATH"] = f"{self.programs}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-e", "-u", "-c", text],
            cwd=self.folder,
            env=ours,
            capture_output=True,
            text=True,
            timeout=120,
        )
        self.assertEqual(done.returncode, 0, f"{text}\n{done.stdout}{done.stderr}")
        return done.stdout

    def made(self, *options: str) -> None:
        """An installation with its first administrator."""
        folder = options[options.index("--data") + 1]
        self.shell(
            f'{sys.executable} -c "from pathlib import Path; '
            f"from tcserver.keys import make_keys; make_keys(Path('{folder}'))\"",
            f"tcserver migrate -v0 {' '.join(options)}",
        )
        self.assertIn("True 1", self.look(folder))

    def look(self, folder: str) -> str:
        """Whether an administrator had to be made, and how many people there are."""
        return self.shell(f"tcserver shell -v0 --data {folder} --command '{MAKE}'")


class FileTests(DocumentCase):
    def setUp(self) -> None:
        super().setUp()
        self.made("--data", "site")

    def test_back_up(self) -> None:
        """One file has all, under the day's name; what is in the way stays unless it is said."""
        backup, restore = commands("Back up")
        self.shell(backup)
        [made] = (self.folder / "backups").iterdir()
        self.assertRegex(made.name, r"^site-\d{4}-\d\d-\d\d\.tar\.gz$")
        self.assertEqual(made.stat().st_mode & 0o777, 0o600)
        shutil.rmtree(self.folder / "site")
        self.shell(re.sub(r"site-\d{4}-\d\d-\d\d\.tar\.gz", made.name, restore))
        self.assertIn("False 1", self.look("site"))

    def test_upgrade(self) -> None:
        """The new release is fetched after the backup; its check finds the database well."""
        backup, fetch, migrate, check = commands("Upgrade it, move it")
        self.shell(backup, fetch, migrate, f"{check} || true")
        noted = (self.folder / "noted").read_text()
        self.assertEqual(noted, "git pull\npip install -q -c constraints.txt .[server]\n")
        self.assertTrue((self.folder / "backups" / "before.tar.gz").exists())
        self.assertIn("database: sqlite answers", self.shell(f"{check} || true"))

    def test_move(self) -> None:
        """What was there is there, with the same secrets and the same id."""
        self.shell(*commands("Upgrade it, move it", 1))
        self.assertIn("False 1", self.look("moved"))
        secrets = [(self.folder / one / "secrets.json").read_bytes() for one in ("site", "moved")]
        self.assertEqual(secrets[0], secrets[1])


class PostgresTests(DocumentCase):
    def setUp(self) -> None:
        super().setUp()
        server = os.environ.get("TCC_TEST_DATABASE_URL")
        if server is None or shutil.which("pg_dump") is None:
            raise SkipTest("did not run: TCC_TEST_DATABASE_URL names no database")
        self.server = server.rpartition("/")[0]
        self.name = f"tcc_deploy_{os.getpid()}"
        self.sql(f"CREATE DATABASE {self.name}")
        self.addCleanup(self.sql, f"DROP DATABASE {self.name} WITH (FORCE)")
        self.environment = {"DATABASE_URL": f"{self.server}/{self.name}"}

    def sql(self, statement: str) -> None:
        """Have the server do something."""
        with psycopg.connect(f"{self.server}/postgres", autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    def test_back_up(self) -> None:
        """What was deleted since is there again."""
        self.made("--data", "site")
        dump, restore = commands("Back up", 1)
        self.shell(dump)
        forget = "from tcserver.people.models import User; User.objects.all().delete()"
        gone = f"tcserver shell -v0 --data site --command '{forget}'"
        self.shell(gone, restore)
        self.assertIn("False 1", self.look("site"))


class ScriptTests(DocumentCase):
    def test_as_the_service(self) -> None:
        """It runs a command with the unit's variables and folder, as the service's user."""
        if os.geteuid() != 0 or shutil.which("setpriv") is None:
            raise SkipTest("did not run: only root may become another user")
        file = self.folder / "tcserver.env"
        file.write_text(VARIABLES.read_text())
        # Nobody may read nothing of this folder.
        shown = 'id -un; umask; echo "$TCSERVER_DATA $SITE_URL $TRUSTED_PROXIES $1"'
        text = put_in(
            SCRIPT.read_text(),
            ("/etc/tcserver.env", str(file)),
            ("--reuid=tcserver --regid=tcserver", "--reuid=nobody --regid=nogroup"),
            ("/opt/tcc/.venv/bin/tcserver", f"/bin/sh -c '{shown}' sh"),
        )
        self.program("script", text.partition("\n")[2])
        said = self.shell("script check").split()
        values = ["/var/lib/tcserver", "https://captures.example.org", "127.0.0.1,::1", "check"]
        self.assertEqual(said, ["nobody", "0077", *values])
