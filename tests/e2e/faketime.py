"""
A machine's clock that can be set, for one process: libfaketime stands between it and the system's.

Knows where the library may be; the clock of this machine is never touched.
"""

import sys
import time
from importlib.util import find_spec
from pathlib import Path

from twisted.trial.unittest import SkipTest, TestCase

from tests.e2e.processes import python, run

HOUR = 3600


def _libraries() -> list[Path]:
    """Where it may be: the wheel on PyPI has it for x86-64, Debian's package for all others."""
    package = find_spec("libfaketime")
    places = list(package.submodule_search_locations or ()) if package else []
    found = [Path(place, "vendor/libfaketime/src/libfaketime.so.1") for place in places]
    return [*found, *Path("/usr/lib").glob("*/faketime/libfaketime.so.1")]


class MachineClock:
    """
    The clock of a machine on which only processes with this `environ` run.  The monotonic clock and
    the times of files stay as they are.
    """

    def __init__(self, folder: Path, library: Path) -> None:
        self._file = folder / "faketime"
        self._ahead = 0
        self.environ = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            # Read when a second begins: at every look, two threads of a process spoil what each
            # other reads, and see an hour come and go (seen).
            "FAKETIME_CACHE_DURATION": "0",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # Waits by the monotonic clock end when they are to end.  Otherwise the library adds the
            # difference of two looks at clocks, and where that is wrong, threads that hand over to
            # each other spin for seconds (seen).
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
            "NO_FAKE_STAT": "1",
        }
        self.set(0)

    def set(self, seconds: int) -> None:
        """Set it forward, or back."""
        self._ahead += seconds
        new = self._file.with_suffix(".new")
        new.write_text(f"{self._ahead:+d}\n")
        new.replace(self._file)


async def machine_clock(test: TestCase, folder: Path) -> MachineClock:
    """A clock that works here; raises SkipTest where no library does."""
    for library in _libraries():
        clock = MachineClock(folder, library)
        clock.set(HOUR)
        asked = python("-c", "import time; print(time.time())")
        shown = await run(test, folder, asked, **clock.environ)
        if shown.status == 0 and float(shown.out) - time.time() > HOUR / 2:
            clock.set(-HOUR)
            return clock
    raise SkipTest(
        f"did not run: no libfaketime works with {sys.executable}; apt-get install libfaketime"
    )
