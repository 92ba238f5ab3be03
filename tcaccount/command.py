"""
The command `tcc-account FOLDER`: the account of a capture, for whoever publishes from it.

Knows the command line, and what goes to which output; does not know what an account says.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from tcaccount import picture, plot, posts, tables
from tcaccount.comparison import Difference
from tcaccount.document import document
from tcaccount.folder import Folder, NoCapture, below, find
from tcaccount.index import read_index
from tcaccount.plot import CannotDraw
from tcaccount.progress import Progress
from tcaccount.reading import Reading
from tcaccount.record import COMPARED, LISTED, record
from tcaccount.subject import Subject
from tcaccount.summary import summary
from tcaccount.verify import Verification
from tcclient import __version__
from tcclient.ledger.reading import lines
from tcclient.ledger.wording import number
from tcclient.runtime.failures import explain_os
from tcclient.runtime.outputs import checked_output
from tcclient.runtime.parser import Parser
from tcclient.runtime.plaintext import visible
from tcclient.sources.registry import KINDS
from tcclient.sources.source import SourceKind
from tcclient.storage.postids import PostIds

AGREES, DIFFERS, CANNOT, INTERRUPTED = 0, 1, 2, 130
"""Exit statuses; the last one is that of a shell for SIGINT, 128 + the signal."""


def make_parser(reading: Reading) -> Parser:
    """Return the parser of the command line."""
    parser = Parser(
        prog="tcc-account",
        description="What a capture holds and what is missing from it, by its ledger.",
        epilog="Without an option: a summary.  Only reads; the client may be running.",
    )
    add = parser.add_argument
    add("folder", type=Path, help="of a capture, <base_dir>/<name>; or base_dir, for all of them")
    add("--temporary", default=".tmp", metavar="SUFFIX", help="output.temporary_extension")
    add("--fine", action="store_true", help="with --plot: by minute, for which all posts are read")
    add("--version", action="version", version=f"tcc {__version__}")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--csv", choices=sorted(tables.all_tables(reading.tables)), help="a table, to the output"
    )
    what.add_argument("--json", action="store_true", help="the account, for programs")
    what.add_argument("--verify", action="store_true", help="compare the files with the ledger")
    what.add_argument("--plot", type=drawn_as, metavar="FILE.png|svg", help="posts over time")
    return parser


def drawn_as(text: str) -> Path:
    """Return the path of a picture.  Raises ArgumentTypeError if its format is not known."""
    if Path(text).suffix.lower() not in plot.FORMATS:
        raise argparse.ArgumentTypeError(f"{text!r} ends with none of {', '.join(plot.FORMATS)}")
    return Path(text)


def main(arguments: Sequence[str] | None = None, kinds: Sequence[SourceKind] = KINDS) -> NoReturn:
    """
    Run the command with these arguments, by default those of the process.  Raises SystemExit: 0; 1
    if --verify finds a difference; 2, with a sentence, if something cannot be read or written; 130
    after Ctrl-C; 141 if nobody reads the output any more.
    """
    with checked_output("tcc-account", CANNOT):
        raise SystemExit(_run(arguments, Reading.of(kinds)))


def _run(arguments: Sequence[str] | None, reading: Reading) -> int:
    """Do what the command line asks for, and return the exit status."""
    parser = make_parser(reading)
    options = parser.parse_args(arguments)
    if options.fine and not options.plot:
        parser.error("--fine goes with --plot")
    try:
        return run(options, reading)
    except (NoCapture, CannotDraw) as e:
        return _cannot(str(e))
    except OSError as e:
        return _cannot(f"This cannot be done: {explain_os(e)}.")
    except KeyboardInterrupt:
        return INTERRUPTED


def run(options: argparse.Namespace, reading: Reading) -> int:
    """
    Do what the options ask for, and return the exit status.  Raises NoCapture, CannotDraw and
    OSError.
    """
    if options.plot:
        plot.check()
    if options.csv:
        ledger = find(options.folder).ledger
        table = tables.all_tables(reading.tables)[options.csv]
        tables.write(table(lines(ledger, reading.vocabulary)), sys.stdout)
        return AGREES
    if options.plot:
        _plot(find(options.folder), reading, options.plot, is_fine=options.fine)
        return AGREES
    several = below(options.folder)
    folders = [find(path) for path in several or [options.folder]]
    if options.verify:
        return max([_verify(folder, options, reading, bool(several)) for folder in folders])
    subjects = (_subject(folder, reading, options.temporary) for folder in folders)
    if options.json:
        documents = [document(subject) for subject in subjects]
        print(json.dumps(documents if several else documents[0]))
        return AGREES
    for place, subject in enumerate(subjects):
        print(end="\n" if place else "")
        for text in summary(subject):
            print(visible(text))
    return AGREES


def _verify(folder: Folder, options: argparse.Namespace, reading: Reading, is_named: bool) -> int:
    """Print what differs between folder and ledger.  Return the exit status."""
    differences, index = 0, read_index(folder.index, reading.vocabulary)
    name = visible(f"{folder.name}: ") if is_named else ""
    with _progress(sum(found.bytes for found in folder.found.values())) as progress:
        verification = Verification(folder, index, options.temporary, reading, progress.advance)
        for finding in verification.run():
            progress.clear()
            differs = isinstance(finding, Difference)
            text = visible(finding.text)
            print(f"{name}{text if differs else f'Note: {text}'}", flush=True)
            differences += differs
    if differences:
        print(f"{name}{number(differences, 'difference')}.")
        return DIFFERS
    files, stored = number(verification.files, "file"), number(verification.posts, "post")
    print(f"{name}Everything agrees: {files}, {stored}.")
    return AGREES


def _subject(folder: Folder, reading: Reading, temporary: str | None = None) -> Subject:
    """
    Return the account of a capture: for a picture, or with `temporary` for a summary, for which
    posts are counted in the files whose names end so.  Raises OSError.
    """
    index = read_index(folder.index, reading.vocabulary)
    without = COMPARED if temporary is None else LISTED
    found = record(lines(folder.ledger, reading.vocabulary), reading.reports(), without)
    growing = {} if temporary is None else _growing(folder, temporary, reading.ids)
    return Subject(folder.name, folder.is_open, found, index, growing)


def _growing(folder: Folder, temporary: str, ids: PostIds) -> dict[str, int]:
    """Return how many posts are in each file that is not finished, by its name."""
    sizes = {n: f.bytes for n, f in sorted(folder.found.items()) if n.endswith(temporary)}
    growing = {}
    with _progress(sum(sizes.values())) as progress:
        for name in sizes:
            with suppress(FileNotFoundError):  # it has been finished since
                path = folder.path / name
                growing[name] = posts.read(path, ids, progress.advance).posts
    return growing


def _plot(folder: Folder, reading: Reading, path: Path, *, is_fine: bool) -> None:
    """Draw the posts and gaps of a capture.  Raises CannotDraw, and OSError."""
    subject = _subject(folder, reading)
    if not is_fine:
        plot.draw(picture.rough(subject), path)
        return
    with _progress(sum(booked.entry.bytes for booked in subject.record.files)) as progress:
        drawn = picture.fine(subject, folder, reading, progress.advance)
    plot.draw(drawn, path)


@contextmanager
def _progress(total: int) -> Iterator[Progress]:
    """Show the progress of so many bytes, if stderr is a terminal, and clear it in the end."""
    progress = Progress(total, sys.stderr if sys.stderr.isatty() else None, time.monotonic)
    try:
        yield progress
    finally:
        progress.clear()


def _cannot(sentence: str) -> int:
    """Print to stderr what cannot be done.  Return the exit status."""
    print(visible(f"tcc-account: {sentence}"), file=sys.stderr)
    return CANNOT
