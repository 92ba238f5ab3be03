"""Work that is done in threads, of which the reactor hears."""

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import cast

import attrs
from twisted.internet.interfaces import IReactorFromThreads
from twisted.trial.unittest import SynchronousTestCase

from tcclient.runtime import threads
from tcclient.runtime.threads import in_place, in_threads


@attrs.frozen
class CallsFromThreads:
    """What a reactor is for threads: each call is given to `take`."""

    take: Callable[[Callable[[], object]], object]

    def callFromThread(self, act: Callable[..., object], *arguments: object) -> None:
        """Give the call to `take`."""
        self.take(partial(act, *arguments))


class ThreadTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.calls: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self.threads = in_threads(cast(IReactorFromThreads, CallsFromThreads(self.calls.put)))

    def test_in_threads(self) -> None:
        """As the client does it; the threads are not the reactor's, which waits for its own."""
        done = self.threads(threading.current_thread)
        told = self.calls.get()
        self.assertNoResult(done)
        told()
        self.assertTrue(self.successResultOf(done).daemon)
        failed = self.threads(Path("/none").stat)
        self.calls.get()()
        self.failureResultOf(failed, OSError)

    def test_one_that_is_done(self) -> None:
        """It makes the next call, so that none has to be begun, also after one that has failed."""
        found = []
        for act in (threading.current_thread, Path("/none").stat, threading.current_thread):
            done = self.threads(act)
            self.calls.get()()
            done.addErrback(lambda failure: None).addCallback(found.append)
        self.assertIs(found[0], found[2])

    def test_one_that_hangs(self) -> None:
        """It holds up no other, however many there are."""
        hanging = threading.Event()
        held = [self.threads(hanging.wait) for _ in range(100)]
        others = [self.threads(threading.current_thread) for _ in range(3)]
        for _ in others:
            self.calls.get()()
        for done in others:
            self.successResultOf(done)
        for done in held:
            self.assertNoResult(done)
        hanging.set()
        for _ in held:
            self.calls.get()()

    def test_one_that_is_not_needed_any_more(self) -> None:
        """It ends, and what comes then has another one."""
        self.patch(threads, "IDLE", 0.0)
        thread = self.threads(threading.current_thread)
        self.calls.get()()
        first = self.successResultOf(thread)
        first.join()
        thread = self.threads(threading.current_thread)
        self.calls.get()()
        self.assertIsNot(self.successResultOf(thread), first)

    def test_one_that_is_waited_for(self) -> None:
        """It has fired when it is back, and the reactor need not hear of it."""
        patient = self.patient(60.0)
        self.assertTrue(self.successResultOf(patient(threading.current_thread)).daemon)
        self.failureResultOf(patient(Path("/none").stat), OSError)
        self.assertTrue(self.calls.empty())

    def test_one_that_takes_longer_than_it_is_waited_for(self) -> None:
        """The reactor hears of it, once; what comes meanwhile does not wait for it."""
        hanging = threading.Event()
        held = self.patient(0.001)(hanging.wait)
        self.successResultOf(self.patient(60.0)(threading.current_thread))
        self.assertNoResult(held)
        hanging.set()
        self.calls.get()()
        self.assertTrue(self.successResultOf(held))
        self.assertTrue(self.calls.empty())

    def test_none_is_waited_for_behind_one_that_takes_longer(self) -> None:
        """Until one has not: many on a slow disk would keep the reactor from all else."""
        patient, hanging = self.patient(0.05), threading.Event()
        held = [patient(hanging.wait) for _ in range(2)]  # of which it waits for the first
        done = patient(threading.current_thread)
        self.assertNoResult(done)
        self.calls.get()()
        self.successResultOf(done)
        while not patient(threading.current_thread).called:
            self.calls.get()()
        hanging.set()
        for _ in held:
            self.calls.get()()
        self.assertTrue(self.calls.empty())

    def test_the_end_at_the_same_time_as_that_of_the_wait(self) -> None:
        """Each call is told of once, by whichever comes first."""
        for wait in (0.0, 1e-9, 1e-6, 1e-5) * 500:
            done = self.patient(wait)(threading.current_thread)
            if not done.called:
                self.calls.get()()
            self.successResultOf(done)
        self.assertTrue(self.calls.empty())

    def patient(self, seconds: float) -> threads.Threads:
        """Return threads whose calls are waited for."""
        return in_threads(cast(IReactorFromThreads, CallsFromThreads(self.calls.put)), seconds)

    def test_in_place(self) -> None:
        """The work has been done, or has failed, when the call returns."""
        self.assertIs(
            self.successResultOf(in_place(threading.current_thread)), threading.current_thread()
        )
        self.failureResultOf(in_place(Path("/none").stat), OSError)
