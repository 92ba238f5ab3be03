"""tcc-account as a command: whom it reads, what it says of what it cannot read, how it ends."""

import importlib
import json
import os
import pty
import signal
import subprocess
import sys
import tomllib
from io import StringIO
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

import tcclient
from tcaccount.command import main
from tcaccount.progress import Progress
from tcclient.ledger import entries
from tcclient.ledger.entries import moment
from tests.marks import Need, needs
from tests.storage.disk import contents
from tests.tcaccount.ledgertext import NOON, FolderCase, job, post_at, run

ROOT = str(Path(tcclient.__file__).parents[1])
COMMAND = [sys.executable, "-m", "tcaccount"]


def keywords(text: str) -> dict[str, Any]:
    """A line about new keywords."""
    said = entries.Keywords(before=None, after=text)
    return {"at": moment(NOON + 900), "job": 7, **said.members()}


class FolderTests(FolderCase):
    def refused(self, *arguments: str) -> str:
        """What is said, on one line, with status 2."""
        status, out, err = run(arguments)
        self.assertEqual((status, out), (2, ""))
        self.assertTrue(err.startswith("tcc-account: ") and err.endswith("\n"), err)
        self.assertEqual(err.count("\n"), 1)
        return err

    def test_no_folder(self) -> None:
        """It is not there, or is a file."""
        self.assertIn("No such file", self.refused(str(self.base / "none")))
        self.base.mkdir()
        file = self.base / "file"
        file.write_bytes(b"")
        self.assertIn("is not a folder", self.refused(str(file)))

    def test_no_ledger(self) -> None:
        """Or two of them."""
        self.base.mkdir()
        self.assertIn("there is no ledger in it", self.refused(str(self.base)))
        for name in ("a", "b"):
            (self.base / f"{name}.ledger.jsonl").write_bytes(b"")
        self.assertIn("there is more than one ledger in it", self.refused(str(self.base)))

    def test_what_is_of_one_capture(self) -> None:
        """A table or a picture: one of them is named."""
        self.capture(1)
        self.capture(1, of=job(8, "other"))
        for arguments in (("--csv", "gaps"), ("--plot", "x.png")):
            self.assertIn(str(Path("other")), self.refused(str(self.base), *arguments))

    def test_options_that_are_wrong(self) -> None:
        """One at a time, and known ones."""
        self.capture(1)
        for arguments in (["--csv", "posts"], ["--csv", "gaps", "--verify"], ["--what"], ["x"]):
            self.refused(str(self.folder), *arguments)

    def test_a_ledger_that_is_a_folder(self) -> None:
        """Cannot be read."""
        self.ledger.mkdir(parents=True)
        self.addCleanup(self.ledger.rmdir)
        self.refused(str(self.folder))

    def test_it_only_reads(self) -> None:
        """Whatever is asked, each file is as it was, and none is new."""
        self.capture(3, 4)
        before = contents(self.base)
        for arguments in ([], ["--verify"], *(["--csv", t] for t in ("gaps", "files"))):
            self.assertEqual(self.account(*arguments)[0], 0)
        self.assertEqual(contents(self.base), before)

    def test_a_folder_that_is_not_to_be_written(self) -> None:
        """As on a read-only disk."""
        self.capture(3)
        self.ledger.chmod(0o444)
        self.folder.chmod(0o555)
        self.addCleanup(self.folder.chmod, 0o755)
        self.assertEqual(self.account("--verify")[0], 0)

    def test_all_captures(self) -> None:
        """A base_dir has the summaries, or what --verify finds, of each, by name."""
        self.capture(3)
        self.capture(4, of=job(8, "other"))
        out = run([str(self.base)])[1]
        self.assertLess(out.index('Capture "other", job 8'), out.index('Capture "test", job 7'))
        agrees = "{}: Everything agrees: 1 file, {} posts.\n".format
        told = agrees("other", 4) + agrees("test", 3)
        self.assertEqual(run([str(self.base), "--verify"]), (0, told, ""))
        self.data()[0].unlink()
        self.assertEqual(run([str(self.base), "--verify"])[0], 1)

    def test_for_programs(self) -> None:
        """An object for a capture, and a list of them for a base_dir."""
        self.capture(3, 4)
        one = json.loads(self.account("--json")[1])
        self.assertEqual((one["capture"], one["posts"], one["files"]), ("test", 7, 2))
        self.assertEqual(one["jobs"][0]["wanted_seconds"], 1200)
        self.assertEqual([gap["cause"] for gap in one["gaps"]], ["start"])
        self.assertEqual(json.loads(run([str(self.base), "--json"])[1]), [one])

    def test_texts_that_no_encoding_has(self) -> None:
        """Half a surrogate in keywords, as the server may send it, ends nothing."""
        self.capture(3)
        self.write(*self.lines(), keywords("\ud83d"))
        plot = ("--plot", self.mktemp() + ".svg")
        for arguments in ((), ("--json",), ("--csv", "keywords"), ("--verify",), plot):
            self.assertEqual(self.account(*arguments)[0], 0, arguments)

    def test_names_that_a_terminal_would_obey(self) -> None:
        """They are shown, in a summary, in findings and in what cannot be done."""
        self.capture(1, of=job(8, "other"))
        self.capture(1, of=job(9, "a\x9b2J\u202eb"))
        for arguments in ((), ("--verify",)):
            out = run([str(self.base), *arguments])[1]
            self.assertIn("a\\u009b2J\\u202eb", out)
            self.assertEqual({"\x9b", "\u202e"} & set(out), set())
        self.assertIn("\\u202e", self.refused(str(self.base / "\u202e")))

    def test_an_empty_ledger(self) -> None:
        """Says nothing, and agrees with an empty folder."""
        self.write()
        self.assertEqual(self.account("--verify")[1], "Everything agrees: 0 files, 0 posts.\n")
        self.assertIn("not known", self.account()[1])


@needs(Need.PROCESSES)
class ProcessTests(FolderCase):
    def test_the_script(self) -> None:
        """`tcc-account` is what pip installs under that name."""
        with Path(ROOT, "pyproject.toml").open("rb") as file:
            scripts = tomllib.load(file)["project"]["scripts"]
        module, _, name = scripts["tcc-account"].partition(":")
        self.assertIs(getattr(importlib.import_module(module), name), main)

    def start(self, *arguments: str, **more: int) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [*COMMAND, str(self.folder.resolve()), *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            **{"stderr": subprocess.PIPE, **more},
        )
        self.addCleanup(process.stdout.close)
        return process

    def test_as_a_module(self) -> None:
        """The status is that of the command; no bar is drawn where nobody sees it."""
        self.capture(3)
        out, err = self.start("--verify").communicate(timeout=60)
        self.assertEqual((out, err), (b"Everything agrees: 1 file, 3 posts.\n", b""))
        self.data()[0].unlink()
        process = self.start("--verify")
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1)

    def test_a_locale_without_these_letters(self) -> None:
        """What its encoding lacks is written escaped."""
        self.capture(3)
        self.write(*self.lines(), keywords("\u732b \ud83d"))
        for arguments in ((), ("--csv", "keywords"), ("--json",)):
            process = subprocess.run(
                [*COMMAND, str(self.folder.resolve()), *arguments],
                cwd=ROOT,
                env={**os.environ, "PYTHONIOENCODING": "latin-1"},
                capture_output=True,
                timeout=60,
            )
            self.assertEqual((process.returncode, process.stderr), (0, b""))
            self.assertIn(b"u732b", process.stdout)

    def test_on_a_terminal(self) -> None:
        """A bar is drawn, and taken away at the end."""
        self.capture(3)
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        process = self.start("--verify", stderr=theirs)
        process.communicate(timeout=60)
        os.close(theirs)
        drawn = os.read(ours, 1 << 16)
        self.assertIn(b"100% of 0 MB", drawn)
        self.assertTrue(drawn.endswith(b"\r\x1b[K"))

    def test_an_output_that_is_closed(self) -> None:
        """As by `head`: no traceback, and no status that says that all is well."""
        self.capture(*[1] * 40)
        process = self.start("--csv", "files")
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        self.assertEqual(process.stderr.read(), b"")
        self.assertEqual(process.wait(timeout=60), 141)
        process.stderr.close()

    def test_ctrl_c(self) -> None:
        """Ends it at once, without a traceback, in the middle of a file of many gigabytes."""
        self.capture(3)
        with self.ledger.open("ab") as file:
            file.write(b"no\n")
        os.truncate(self.data()[0], 1 << 38)  # a hole: it takes no room
        # A shell has its background jobs ignore it, which whoever they start inherits.
        self.addCleanup(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, signal.SIG_DFL))
        process = self.start("--verify")
        assert process.stdout is not None
        self.assertIn(b"is not JSON", process.stdout.readline())
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, err), (130, b""))


class ProgressTests(SynchronousTestCase):
    def test_it_is_drawn_now_and_then(self) -> None:
        """Five times a second at most; never beyond the end."""
        now = [0.0]
        terminal = StringIO()
        progress = Progress(4_000_000, terminal, lambda: now[0])
        for _ in range(10):
            progress.advance(500_000)
            now[0] += 0.125
        drawn = terminal.getvalue().split("\r")[1:]
        self.assertEqual([line[-12:] for line in drawn], [
            " 12% of 4 MB", " 38% of 4 MB", " 62% of 4 MB", " 88% of 4 MB", "100% of 4 MB",
        ])  # fmt: skip
        self.assertEqual(len({len(line) for line in drawn}), 1)
        progress.clear()
        self.assertTrue(terminal.getvalue().endswith("\r\x1b[K"))

    def test_without_a_terminal(self) -> None:
        """Nothing is drawn, and nobody is asked for the time."""
        progress = Progress(100, None, lambda: self.fail("asked"))
        progress.advance(50)
        progress.clear()


class LineTests(FolderCase):
    def test_posts_of_both_apis(self) -> None:
        """An id is an id: a post of v2 that v1.1 has brought before is there twice."""
        archive = self.folders.open(job())
        identity = post_at(1).split(b'"')[5]
        archive.store([post_at(1), b'{"id_str":"%s"}' % identity])
        archive.close()
        self.assertIn("has 1 post twice", self.account("--verify")[1])
