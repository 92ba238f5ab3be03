"""
The command `tcc-account FOLDER`: the account of a capture, for whoever publishes from it.

Knows the command line, and what goes to which output; does not know what an account says.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from tcaccount import plot, posts, tables
from tcaccount.comparison import Difference
from tcaccount.folder import Folder, NoCapture, find
from tcaccount.index import Index, read_index
from tcaccount.parser import Parser
from tcaccount.plot import CannotDraw, Picture
from tcaccount.progress import Progress
from tcaccount.rates import Minutes
from tcaccount.reading import Reading
from tcaccount.record import record
from tcaccount.summary import Subject, summary
from tcaccount.verify import Verification
from tcclient.ledger.lines import lines
from tcclient.ledger.wording import number
from tcclient.runtime.failures import explain_os
from tcclient.sources.registry import KINDS
from tcclient.sources.source import SourceKind
from tcclient.storage.postids import PostIds

AGREES, DIFFERS, CANNOT, INTERRUPTED, CLOSED = 0, 1, 2, 130, 141
"""Exit statuses; the last two are those of a shell for SIGINT and SIGPIPE, 128 + the signal."""


def make_parser(reading: Reading) -> Parser:
    """Return the parser of the command line."""
    parser = Parser(
        prog="tcc-account",
        description="What a capture holds and what is missing from it, by its ledger.",
        epilog="Without an option: a summary.  Only reads; the client may be running.",
    )
    add = parser.add_argument
    add("folder", type=Path, help="of the capture, <base_dir>/<name>")
    add("--temporary", default=".tmp", metavar="SUFFIX", help="output.temporary_extension")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--csv", choices=sorted(tables.all_tables(reading.tables)), help="a table, to the output"
    )
    what.add_argument("--verify", action="store_true", help="compare the files with the ledger")
    what.add_argument("--plot", type=picture, metavar="FILE.png|svg", help="posts over time")
    return parser


def picture(text: str) -> Path:
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
    reading = Reading.of(kinds)
    options = make_parser(reading).parse_args(arguments)
    try:
        status = run(options, reading)
        sys.stdout.flush()
    except (NoCapture, CannotDraw) as e:
        status = _cannot(str(e))
    except BrokenPipeError:  # whoever reads the output has seen enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = CLOSED
    except OSError as e:
        status = _cannot(f"This cannot be done: {explain_os(e)}.")
    except KeyboardInterrupt:
        status = INTERRUPTED
    raise SystemExit(status)


def run(options: argparse.Namespace, reading: Reading) -> int:
    """
    Do what the options ask for, and return the exit status.  Raises NoCapture, CannotDraw and
    OSError.
    """
    if options.plot:
        plot.check()
    folder = find(options.folder)
    if options.csv:
        table = tables.all_tables(reading.tables)[options.csv]
        tables.write(table(lines(folder.ledger, reading.vocabulary)), sys.stdout)
        return AGREES
    index = read_index(folder.index, reading.vocabulary)
    if options.verify:
        return _verify(folder, index, options.temporary, reading)
    found = record(lines(folder.ledger, reading.vocabulary), reading.reports())
    if options.plot:
        _plot(Subject(folder.name, folder.is_open, found, index, {}), folder, reading, options.plot)
    else:
        growing = _growing(folder, options.temporary, reading.ids)
        for text in summary(Subject(folder.name, folder.is_open, found, index, growing)):
            print(text)
    return AGREES


def _verify(folder: Folder, index: Index, temporary: str, reading: Reading) -> int:
    """Print what differs between folder and ledger.  Return the exit status."""
    differences = 0
    with _progress(sum(found.bytes for found in folder.found.values())) as progress:
        verification = Verification(folder, index, temporary, reading, progress.advance)
        for finding in verification.run():
            progress.clear()
            differs = isinstance(finding, Difference)
            print(finding.text if differs else f"Note: {finding.text}", flush=True)
            differences += differs
    if differences:
        print(f"{number(differences, 'difference')}.")
        return DIFFERS
    files, stored = number(verification.files, "file"), number(verification.posts, "post")
    print(f"Everything agrees: {files}, {stored}.")
    return AGREES


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


def _plot(subject: Subject, folder: Folder, reading: Reading, path: Path) -> None:
    """Draw the posts and gaps of a capture.  Raises CannotDraw, and OSError."""
    found = subject.record
    wanted = found.wanted(subject.index, folder.name)
    if not wanted:
        raise CannotDraw("No line of the ledger says that the capture was started.")
    minutes = Minutes(reading.ids)
    with _progress(sum(booked.entry.bytes for booked in found.files)) as progress:
        for booked in found.files:
            inside = folder.inside(booked.entry.name)
            posts.read(inside, reading.ids, progress.advance, minutes.take)
    gaps = [(gap.begin, gap.end) for gap in found.gaps()]
    plot.draw(Picture(folder.name, (wanted[0][0], wanted[-1][1]), gaps, minutes), path)


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
    print(f"tcc-account: {sentence}", file=sys.stderr)
    return CANNOT
