"""
`python -m tests.long.starts [NAME ...]`: what a start takes, whatever the folder holds.

Each folder is made as it may be found: with a ledger of 200 MB of one kind of line, or of no lines,
a line of 64 MB of NULs, 100,000 old files, and an index of 20 MB with 40 new jobs.  A real client
starts in it.  Prints the CPU seconds until it asks for the stream, those of an empty folder
included, and the most memory until then and 5 s later.  Exits with status 1 where that is more than
MOST_CPU or MOST_MEMORY.
"""

import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from tempfile import mkdtemp

import attrs
from msgspec import structs
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater, react

from benchmarks.measuring import cpu, memory
from tcclient.ledger import bookings, entries
from tcclient.ledger.counters import Counters
from tcclient.ledger.entries import Entry, as_line, moment
from tcclient.storage.index import INDEX
from tests.e2e.processes import until
from tests.e2e.stand import JOB, Stand, reactor

MOST_CPU, MOST_MEMORY = 3.0, 100.0
"""Seconds, and MiB."""
SIZE = 200_000_000
"""Bytes of a long ledger."""
INDEX_SIZE = 20_000_000
NULS = 64_000_000
OLD_FILES = 100_000
JOBS = 40
TEMPORARY_FILES = 1000
OURS, LATER = 1, 5.0
LIMIT = 300.0
BEGAN = 1_764_000_000.0
"""When the first line was written, in epoch seconds: a year before."""
POST = b'{"id_str": "%d", "text": "storm", "user": {}}\n'
LEDGER = Path(JOB) / f"{JOB}.ledger.jsonl"
COUNTERS = Counters(base=5, posts=10**6, settled=10**6, told=10**6, tried=10**6)
OPEN_GAP = entries.OpenGap(moment(BEGAN), "stall", "no byte came for 90 s", keywords="storm")
FILE = bookings.File(
    name=f"{JOB}20251124_1600.json",
    posts=5000,
    bytes=10_000_000,
    sha256="0" * 64,
    first_id="1" * 19,
    last_id="1" * 19,
    first_arrival=moment(BEGAN),
    last_arrival=moment(BEGAN),
)
ENDED = {"cause": "closed", "detail": "the other side ended the answer", "trouble": "http"}
GAP = entries.Gap(moment(BEGAN), moment(BEGAN), 1.0, "closed", "it ended", 1, "storm")
CONNECTED = entries.Connected("https://stream.example.org/1.1/statuses/filter.json", 200, 0)
OPENED = bookings.CaptureOpen(1, JOB, COUNTERS, "0" * 32)
KINDS: dict[str, tuple[Entry, ...]] = {
    "file, with counters": (structs.replace(FILE, counters=COUNTERS),),
    "file, without": (FILE,),
    "file, recovered": (structs.replace(FILE, recovered=True),),
    "update": (bookings.Update(count=500, counters=COUNTERS),),
    "base": (bookings.Base(raised_by=1, counters=COUNTERS),),
    "not_stored": (bookings.NotStored(5, "the disk took none"),),
    "not_stored, counted": (bookings.NotStored(5, "it was removed", counted=True, file="a.tmp"),),
    "came_back": (bookings.CameBack("a.tmp", 5),),
    "not_connected": (entries.NotConnected(**ENDED, status=503, wait=16.0),),
    "disconnected": (entries.Disconnected(**ENDED, silent=1.0, wait=0.0),),
    "connected, disconnected": (CONNECTED, entries.Disconnected(**ENDED, silent=1.0)),
    "disconnected, overlap": (entries.Disconnected(**ENDED, overlap=5.0),),
    "gap": (GAP,),
    "connected, gap, disconnected": (CONNECTED, GAP, entries.Disconnected(**ENDED, silent=1.0)),
    "keywords": (entries.Keywords("storm", "storm, tea"),),
    "in force": (entries.KeywordsInForce("storm", moment(BEGAN)),),
    "terms_refused": (entries.TermsRefused((entries.RefusedTerm("x", "too long"),)),),
    "capture_start": (entries.CaptureStart("resumed", 3),),
    "capture_stop": (entries.CaptureStop("left", 3, moment(BEGAN)),),
    "capture_open": (OPENED,),
    "capture_open, gap": (structs.replace(OPENED, open_gap=OPEN_GAP),),
    "open, start, gap, left, close": (
        OPENED,
        entries.CaptureStart("resumed", 3),
        GAP,
        entries.CaptureStop("left", 3, moment(BEGAN)),
        bookings.CaptureClose(counters=COUNTERS),
    ),
    "refused": (entries.RefusedLine("it is not JSON", 5, "{what"),),
    "said": (entries.Unknown({"what": "nobody knows", "how": "so"}),),
    "delivered_again": (entries.DeliveredAgain(5),),
    "disk_trouble, disk_recovered": (
        bookings.DiskTrouble("no space left on device"),
        bookings.DiskRecovered(5.0),
    ),
    "clock_step": (bookings.ClockStep(0.5),),
    "sleep": (bookings.Sleep(60.0, OPEN_GAP),),
    "sleep, unheard": (bookings.Sleep(60.0),),
    "name_taken": (bookings.NameTaken("a.tmp", 5),),
    "torn": (bookings.Torn("a.torn", 5),),
    "adopted": (bookings.Adopted("a.json", 5, 500, "0" * 64),),
    "lines_dropped": (bookings.LinesDropped(5),),
    "ledger_resumed": (bookings.LedgerResumed(),),
}
"""Lines, one after the other again and again, that fill a ledger."""


@attrs.frozen
class Figures:
    """CPU seconds until the request for the stream, and the most MiB until then and a while on."""

    cpu: float
    memory: float
    later: float


def beginning() -> Iterator[bytes]:
    """The lines of a capture that runs and is heard."""
    first = bookings.LedgerBegin(ledger="f" * 32)
    started = entries.CaptureStart("started", 2)
    yield as_line(first, None, BEGAN)
    for entry in (OPENED, started, entries.Keywords(None, "storm"), CONNECTED, GAP):
        yield as_line(entry, OURS, BEGAN)


def lines(*kinds: Entry, job: int | None = OURS) -> Iterator[bytes]:
    """Lines of these kinds without end, a minute apart."""
    for number in count(1):
        for entry in kinds:
            yield as_line(entry, job, BEGAN + number)


def fill(path: Path, size: int, content: Iterator[bytes]) -> None:
    """Write lines until there are so many bytes; what is written is repeated to be quicker."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        block = b"".join(islice(content, 3000))
        while file.tell() < size:
            file.write(block)


def of_kind(name: str) -> Callable[[Path], None]:
    def make(data: Path) -> None:
        fill(data / LEDGER, 1, beginning())
        fill(data / LEDGER, SIZE, lines(*KINDS[name]))

    return make


def empty(_: Path) -> None:
    """Nothing is there."""


def of_others(data: Path) -> None:
    """Hundreds of jobs have had the folder."""
    fill(data / LEDGER, 1, beginning())
    others = (as_line(structs.replace(FILE, counters=COUNTERS), 2 + n, BEGAN) for n in range(3000))
    fill(data / LEDGER, SIZE, others)


def mixed(data: Path) -> None:
    """All kinds of lines take turns."""
    fill(data / LEDGER, 1, beginning())
    fill(data / LEDGER, SIZE, lines(*(one for kinds in KINDS.values() for one in kinds)))


def without_ours(data: Path) -> None:
    """The job is new in a folder that others have had."""
    others = (as_line(structs.replace(FILE, counters=COUNTERS), 2 + n, BEGAN) for n in range(3000))
    fill(data / LEDGER, SIZE, others)


def empty_lines(data: Path) -> None:
    """As many lines as there can be."""
    fill(data / LEDGER, 1, beginning())
    fill(data / LEDGER, SIZE, iter([b"\n"] * 3000))


def of_a_newer_client(data: Path) -> None:
    """Lines of a kind that is not known here."""
    fill(data / LEDGER, 1, beginning())
    unknown = b'{"at": "2025-11-24T16:00:00.000Z", "kind": "counted_anew", "job": 1, "posts": 5}\n'
    fill(data / LEDGER, SIZE, iter([unknown] * 3000))


def with_halves(name: str) -> Callable[[Path], None]:
    """Lines with half a surrogate, as release 1.0.0 may have written."""

    def make(data: Path) -> None:
        fill(data / LEDGER, 1, beginning())
        half = rb', "half": "\ud83d"}' + b"\n"
        fill(data / LEDGER, SIZE, (one[:-2] + half for one in lines(*KINDS[name])))

    return make


def nonsense(data: Path) -> None:
    """Lines that are none of a ledger."""
    fill(data / LEDGER, 1, beginning())
    fill(data / LEDGER, SIZE, iter([b"nonsense, and more of it\n"] * 3000))


def nuls(data: Path) -> None:
    """A power cut has left NULs, in a line that ends and in one that does not."""
    fill(data / LEDGER, 1, beginning())
    with (data / LEDGER).open("ab") as ledger:
        ledger.write(bytes(NULS) + b"\n" + bytes(NULS))


def old_files(data: Path) -> None:
    """Many finished files, which the ledger has, and as many that it lacks."""
    fill(data / LEDGER, 1, beginning())
    with (data / LEDGER).open("ab") as ledger:
        for number in range(OLD_FILES):
            name = f"{JOB}{20000101 + number // 1440}_{number % 1440 // 60:02}{number % 60:02}.json"
            (data / JOB / name).touch()
            if number % 2:
                entry = structs.replace(FILE, name=name, counters=COUNTERS)
                ledger.write(as_line(entry, OURS, BEGAN + number))


def new_folder_of_old_files(data: Path) -> None:
    """Many files, and no ledger."""
    old_files(data)
    (data / LEDGER).unlink()


def temporary_files(data: Path) -> None:
    """Many files that were never finished, as where a backup was put back the wrong way."""
    fill(data / LEDGER, 1, beginning())
    for number in range(TEMPORARY_FILES):
        name = f"{JOB}{20000101 + number // 1440}_{number % 1440 // 60:02}{number % 60:02}.json.tmp"
        (data / JOB / name).write_bytes(POST % number)


def temporary_beside_old_files(data: Path) -> None:
    """Some files that were never finished, beside many that were."""
    old_files(data)
    for number in range(40):
        (data / JOB / f"{JOB}20251124_16{number:02}.json.tmp").write_bytes(POST % number)


def index(data: Path) -> None:
    """Many jobs have been here, and 40 come that are new."""
    folders = [
        as_line(bookings.JobFolder("http://127.0.0.1/api/", f"job{n}"), 1000 + n, BEGAN)
        for n in range(INDEX_SIZE // 100)
    ]
    fill(data / INDEX, INDEX_SIZE, iter(folders))


PLACES: dict[str, Callable[[Path], None]] = {
    "empty": empty,
    "index of 20 MB, 40 new jobs": index,
    "line of NULs": nuls,
    "100,000 old files": old_files,
    "100,000 old files, no ledger": new_folder_of_old_files,
    "1,000 temporary files": temporary_files,
    "40 temporary files, 100,000 old ones": temporary_beside_old_files,
    "all kinds": mixed,
    "of other jobs": of_others,
    "of other jobs only": without_ours,
    "empty lines": empty_lines,
    "nonsense": nonsense,
    "of a newer client": of_a_newer_client,
    "said, with half surrogates": with_halves("said"),
    "came_back, with half surrogates": with_halves("came_back"),
    "not_connected, with half surrogates": with_halves("not_connected"),
    **{name: of_kind(name) for name in KINDS},
}


async def started(name: str, folder: Path) -> Figures:
    """Return what the start of a client takes in a folder of this name."""
    stand = Stand(folder)
    try:
        has_many = PLACES[name] is index
        stand.settings("2" if has_many else "1.1")
        if has_many:
            for number in range(1, JOBS):
                stand.server.store.create(f"new{number}", f"word{number}", 2)
        PLACES[name](folder / "data")
        client = stand.client()

        def asked() -> object:
            return stand.twitter.state()["connects"] or client.check()

        await until(asked, f"the request for the stream; so far {client.out}", LIMIT)
        used, most = cpu(client.pid), memory(client.pid)
        await deferLater(reactor, LATER)
        client.check()
        later = memory(client.pid)
        assert most is not None and later is not None
        return Figures(used, most.peak, later.peak)
    finally:
        await stand.end()


async def compare(names: Sequence[str]) -> None:
    """Print a table of what starts take.  Raises SystemExit where one is not within the bounds."""
    holds = True
    print("| folder | CPU, s | peak, MiB | 5 s later |\n| --- | --- | --- | --- |", flush=True)
    for name in names:
        folder = Path(mkdtemp(prefix="start-")) / "stand"
        try:
            seen = await started(name, folder)
        finally:
            shutil.rmtree(folder.parent)
        print(f"| {name} | {seen.cpu:.2f} | {seen.memory:.0f} | {seen.later:.0f} |", flush=True)
        holds = holds and seen.cpu <= MOST_CPU and seen.later <= MOST_MEMORY
    if not holds:
        raise SystemExit(1)


def main(_: object, *names: str) -> Deferred[None]:
    """Measure the folders of these names, by default all."""
    return Deferred.fromCoroutine(compare(names or tuple(PLACES)))


if __name__ == "__main__":
    react(main, sys.argv[1:])
