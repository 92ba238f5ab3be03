"""Behaviour of the turns that requests wait for."""

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from tcclient.runtime.turns import FewAtOnce


class FewAtOnceTests(SynchronousTestCase):
    """Two requests at once, which the test ends."""

    def setUp(self) -> None:
        self.turns = FewAtOnce(2)
        self.under_way: dict[str, Deferred[None]] = {}
        self.asked: list[str] = []

    def ask(self, name: str, *, urgent: bool = False) -> Deferred[None]:
        """A request that lasts until the test ends it."""

        async def request() -> None:
            async with self.turns.urgent() if urgent else self.turns.ordinary():
                self.asked.append(name)
                self.under_way[name] = Deferred()
                await self.under_way[name]

        asking = Deferred.fromCoroutine(request())
        self.addCleanup(self.give_up, asking)
        return asking

    def give_up(self, asking: Deferred[None]) -> None:
        asking.addErrback(lambda failure: failure.trap(CancelledError))
        asking.cancel()

    def end(self, name: str) -> None:
        self.under_way.pop(name).callback(None)

    def test_two_at_once_in_order(self) -> None:
        """Each that ends lets the next one go, and a free turn is not lost."""
        for name in "abcde":
            self.ask(name)
        for ended, asked in (("b", "abc"), ("a", "abcd"), ("c", "abcde"), ("d", "abcde")):
            self.assertLessEqual(len(self.under_way), 2)
            self.end(ended)
            self.assertEqual("".join(self.asked), asked)
        self.end("e")
        for name in "fgh":
            self.ask(name)
        self.assertEqual("".join(self.asked), "abcdefg")

    def test_urgent_ones_first(self) -> None:
        """The list of jobs does not wait behind a thousand reports."""
        for name in "abcd":
            self.ask(name)
        self.ask("U", urgent=True)
        self.end("a")
        self.end("b")
        self.assertEqual("".join(self.asked), "abUc")

    def test_one_that_is_given_up_while_it_waits(self) -> None:
        """Is never asked, and takes nobody's turn."""
        for name in "ab":
            self.ask(name)
        given_up, also = self.ask("c"), self.ask("U", urgent=True)
        self.ask("d")
        given_up.cancel()
        also.cancel()
        self.failureResultOf(given_up, CancelledError)
        self.failureResultOf(also, CancelledError)
        self.end("a")
        self.assertEqual("".join(self.asked), "abd")

    def test_many_that_have_nothing_to_do(self) -> None:
        """Thousands that end in the act, behind one that does not: the stack does not grow."""
        ended: list[int] = []

        async def ends_at_once(number: int) -> None:
            async with self.turns.ordinary():
                ended.append(number)

        self.ask("a")
        self.ask("b")
        waiting = [Deferred.fromCoroutine(ends_at_once(number)) for number in range(3000)]
        self.assertEqual(ended, [])
        self.end("a")
        self.assertEqual(ended, list(range(3000)))
        for one in waiting:
            self.successResultOf(one)

    def test_one_that_fails(self) -> None:
        """Its turn is over as well."""
        failing = self.ask("a")
        for name in "bc":
            self.ask(name)
        self.under_way.pop("a").errback(ValueError("no"))
        self.failureResultOf(failing, ValueError)
        self.assertEqual("".join(self.asked), "abc")
