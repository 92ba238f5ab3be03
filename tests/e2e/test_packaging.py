"""What an installation of the package offers, seen from any folder."""

from pathlib import Path

from twisted.trial.unittest import TestCase

import tcclient
from tests.e2e.processes import ROOT, Finished, python, run, twistd

VERSION = "from importlib.metadata import version; print(version('tcc-capture'))"
# setup.py with a setuptools that says where it is told to build.
BUILDS = """
import runpy, sys, types
told = types.ModuleType("setuptools")
told.find_packages = lambda **_: []
told.setup = lambda **given: print(given["options"]["build"]["build_base"])
sys.modules["setuptools"] = told
runpy.run_path(sys.argv[1])
"""
OLD = "import runpy, sys; sys.version_info = (3, 10, 13); runpy.run_path(sys.argv[1])"


class PackagingTests(TestCase):
    """These fail where the package is not installed: see the README."""

    timeout = 60

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()

    async def said(self, command: list[str]) -> str:
        """The stdout of a command that succeeds, and does not find the package by PYTHONPATH."""
        result = await run(self, self.folder, command, PYTHONPATH="")
        self.assertEqual((result.err, result.status), ("", 0), result)
        return result.out

    async def test_twistd_knows_the_command(self) -> None:
        """An installation without the plugin, or with one that twistd does not find, is none."""
        lines = (await self.said(twistd("--help"))).splitlines()
        [line] = [line for line in lines if line.split()[:1] == ["tcc"]]
        self.assertIn("Twitter Capture Client", line)

    async def test_its_help(self) -> None:
        """A short page with every option, for a terminal of 80 columns."""
        page = await self.said(twistd("tcc", "--help"))
        for option in ("-c, --config=", "--sandbox=", "--check"):
            self.assertIn(f" {option} ", page)
        self.assertLess(len(page.splitlines()), 20)
        self.assertLessEqual(max(map(len, page.splitlines())), 80)
        self.assertEqual(list(self.folder.iterdir()), [])

    async def test_the_version(self) -> None:
        """That of the metadata is the code's."""
        self.assertEqual(await self.said(python("-c", VERSION)), f"{tcclient.__version__}\n")

    async def test_an_old_python(self) -> None:
        """What pip runs first ends with one sentence that says which Python is needed."""
        command = python("-c", OLD, str(ROOT / "setup.py"))
        result = await run(self, self.folder, command, PYTHONPATH="")
        self.assertEqual((result.out, result.status), ("", 1))
        self.assertRegex(result.err, r"\Atcc needs Python 3\.11 or newer, .*Python 3\.10: .*\.\n\Z")

    async def test_where_it_is_built(self) -> None:
        """Not in the clone, where the next release would find modules that it has no more."""
        where = Path((await self.said(python("-c", BUILDS, str(ROOT / "setup.py")))).strip())
        self.assertTrue(where.is_absolute())
        self.assertFalse(where.is_relative_to(ROOT))

    async def test_the_sandboxs_ends_have_commands(self) -> None:
        """Each says what it can do, and refuses what it cannot in one sentence."""
        for end in ("twitter", "server"):
            command = python("-m", f"tcsandbox.{end}")
            self.assertIn("--port", await self.said([*command, "--help"]))
            refused = await run(self, self.folder, [*command, "--port", "x"], PYTHONPATH="")
            self.assertEqual(refused, Finished("", refused.err, 2))
            self.assertEqual(refused.err.count("\n"), 1, refused.err)
            self.assertIn("--port", refused.err)
