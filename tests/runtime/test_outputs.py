"""What commands do when their output takes no more."""

import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.marks import Need, needs

ROOT = Path(__file__).parents[2]
FULL = ": The output cannot be written: No space left on device.\n"
COMMANDS = {
    "tcc-account": "from tcaccount.command import main",
    "tcc-health": "from tcaccount.healthcommand import main",
    "tcc-rules": "from tcclient.command import run_rules as main",
    "tcserver": "from tcserver.command import main",
    "twistd tcc": "from twisted.scripts.twistd import run as main",
}
"""Console script -> where it begins."""
RUNS = (
    ("tcc-account", 2, ("--version",)),
    ("tcc-account", 2, ("--help",)),
    ("tcc-health", 3, ("--version",)),
    ("tcc-health", 3, ("nowhere",)),
    ("tcc-rules", 2, ("--help",)),
    ("tcserver", 1, ("help",)),
    ("twistd tcc", 1, ("tcc", "--help")),
)
"""Console script, its status where it cannot do something, and what it is told."""


@needs(Need.PROCESSES)
class CommandTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()

    def run_it(self, command: str, arguments: tuple[str, ...], stdout: int) -> tuple[int, str]:
        """The exit status, and what is on stderr."""
        code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); {COMMANDS[command]}; main()"
        ended = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            stdout=stdout,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            text=True,
            timeout=60,
        )
        return ended.returncode, ended.stderr

    def test_a_full_one(self) -> None:
        """One sentence, and the status of what cannot be done."""
        with Path("/dev/full").open("wb") as full:
            for command, cannot, arguments in RUNS:
                said = self.run_it(command, arguments, full.fileno())
                self.assertEqual(said, (cannot, command + FULL), arguments)

    def test_a_full_one_of_a_server(self) -> None:
        """Those of the sandbox end too, as nobody knows where they listen."""
        with Path("/dev/full").open("wb") as full:
            for module in ("tcsandbox.server", "tcsandbox.twitter"):
                ended = subprocess.run(
                    [sys.executable, "-m", module, "--port", "0"],
                    stdout=full,
                    stderr=subprocess.PIPE,
                    cwd=ROOT,
                    text=True,
                    timeout=60,
                )
                self.assertEqual((ended.returncode, ended.stderr), (1, FULL[2:]), module)

    def test_one_that_nobody_reads(self) -> None:
        """No word, and the status that a shell gives for SIGPIPE."""
        for command, _, arguments in RUNS:
            reader = subprocess.Popen(["true"], stdin=subprocess.PIPE)
            reader.wait()
            assert reader.stdin is not None
            with reader.stdin as closed:
                said = self.run_it(command, arguments, closed.fileno())
            self.assertEqual(said, (141, ""), (command, arguments))
