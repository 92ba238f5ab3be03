"""The commands where the locale lacks the letters that they have to write."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from twisted.trial.unittest import TestCase

from tests.e2e.processes import ROOT, python, start

NAME, ESCAPED = "жук", r"\u0436\u0443\u043a"
ARGUMENTS = {
    "tcc-account": (NAME,),
    "tcc-health": (NAME,),
    "tcc-rules": ("list", "--config", NAME),
    "tcserver": ("check", "--data", NAME),
}
"""What each command that pip installs is asked about that is not there: it quotes the name."""


class LocaleTests(TestCase):
    async def test_the_stand_in(self) -> None:
        """It says where it is, whatever its jobs are to find."""
        command = python("-m", "tcsandbox.server", "--port", "0", "--job", f"demo:{NAME}")
        process = start(self, Path(), command, PYTHONIOENCODING="ascii", PYTHONPATH=str(ROOT))
        await process.says(ESCAPED)
        await process.end()

    def test_each_command(self) -> None:
        """What its encoding lacks is written escaped, and the exit status is its own."""
        with (ROOT / "pyproject.toml").open("rb") as file:
            scripts = tomllib.load(file)["project"]["scripts"]
        self.assertEqual(scripts.keys(), ARGUMENTS.keys())
        folder = Path(self.mktemp())
        folder.mkdir()
        for name, arguments in ARGUMENTS.items():
            module, _, function = scripts[name].partition(":")
            code = f"import sys; from {module} import {function}; sys.exit({function}())"
            environ = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)}
            ended = subprocess.run(
                [sys.executable, "-c", code, *arguments],
                cwd=folder,
                env=environ,
                capture_output=True,
                timeout=60,
            )
            self.assertNotIn(b"Traceback", ended.stderr, name)
            self.assertIn(ESCAPED.encode(), ended.stdout + ended.stderr, name)
