"""
A machine that can sleep, for one process: a small library stands between it and the clocks.

Knows which clocks go on while a machine sleeps, and how the library is built; this machine's clocks
are never touched.
"""

import shutil
import struct
from pathlib import Path

from twisted.trial.unittest import SkipTest, TestCase

from tests.e2e.processes import python, run

_LIBRARY = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

static volatile int64_t *moved; /* ms: slept, set forward, slept and not gone */

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("SLEEPING_CLOCKS");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *found = fd < 0 ? MAP_FAILED : mmap(NULL, 24, PROT_READ, MAP_SHARED, fd, 0);
    moved = found == MAP_FAILED ? NULL : found;
}

static int64_t ahead(clockid_t id)
{
    if (moved && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) return moved[0] + moved[1];
    if (moved && id == CLOCK_BOOTTIME) return moved[0];
    return moved && id == CLOCK_MONOTONIC ? -moved[2] : 0;
}

int clock_gettime(clockid_t id, struct timespec *shown)
{
    static int (*original)(clockid_t, struct timespec *);
    if (!original) original = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = original(id, shown);
    if (!failed) {
        int64_t ms = ahead(id) + shown->tv_nsec / 1000000;
        int64_t seconds = ms / 1000 - (ms % 1000 < 0);
        shown->tv_sec += seconds;
        shown->tv_nsec = (ms - seconds * 1000) * 1000000 + shown->tv_nsec % 1000000;
    }
    return failed;
}

int gettimeofday(struct timeval *restrict shown, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    shown->tv_sec = now.tv_sec;
    shown->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *shown)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (shown) *shown = now.tv_sec;
    return now.tv_sec;
}
"""
"""A C compiler makes the library of this; the file that SLEEPING_CLOCKS names moves the clocks."""


class SleepingMachine:
    """
    A machine on which only processes with this `environ` run: its date and the clock that counts
    from the start of the machine go on while it sleeps, the monotonic clock does not.
    """

    def __init__(self, folder: Path, library: Path) -> None:
        self._file = folder / "clocks"
        self._slept = self._set = self._lay = 0.0
        self._move()
        self.environ = {"LD_PRELOAD": str(library), "SLEEPING_CLOCKS": str(self._file)}

    def sleep(self, seconds: float) -> None:
        """Have it slept for so long, in no time: its date is another one then than ours."""
        self._slept += seconds
        self._move()

    def lay(self, seconds: float) -> None:
        """Have it slept for the last seconds, in which its processes were stopped."""
        self._lay += seconds
        self._move()

    def set(self, seconds: float) -> None:
        """Set its clock forward, or back."""
        self._set += seconds
        self._move()

    def _move(self) -> None:
        mode = "r+b" if self._file.exists() else "w+b"
        with self._file.open(mode, buffering=0) as file:  # the processes have mapped this very file
            moved = (int(1000 * seconds) for seconds in (self._slept, self._set, self._lay))
            file.write(struct.pack("=qqq", *moved))


async def sleeping_machine(test: TestCase, folder: Path) -> SleepingMachine:
    """A machine that can sleep; raises SkipTest where its library cannot be built."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise SkipTest("did not run: there is no C compiler (cc); apt-get install gcc")
    source, library = folder / "sleeping.c", folder / "sleeping.so"
    source.write_text(_LIBRARY)
    build = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"]
    built = await run(test, folder, build)
    if built.status != 0:
        raise AssertionError(built)
    machine = SleepingMachine(folder, library)
    ask = "import time; print(*map(time.clock_gettime, (0, 1, 7)), time.time())"
    before = await run(test, folder, python("-c", ask), **machine.environ)
    machine.sleep(1000)
    after = await run(test, folder, python("-c", ask), **machine.environ)
    machine.sleep(-1000)
    readings = zip(before.out.split(), after.out.split(), strict=True)
    jumps = [float(then) - float(now) > 500 for now, then in readings]
    if jumps != [True, False, True, True]:
        raise AssertionError((before, after))
    return machine
