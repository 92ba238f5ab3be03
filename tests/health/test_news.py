"""Which change of health is news: each once, and nothing that comes and goes."""

from twisted.trial.unittest import SynchronousTestCase

from tcclient.health.health import Finding, Health, Level
from tcclient.health.judgement import PATIENCE
from tcclient.health.news import HealthNews

LOOK = 5.0
DOWN, DEGRADED, OK = Level.DOWN, Level.DEGRADED, Level.OK


def finding(code: str, level: Level = DEGRADED, job: int | None = None) -> Finding:
    return Finding(code=code, level=level, what=f"{code}.", cure="Mend it.", job=job)


class NewsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.now = 100.0
        self.news = HealthNews()
        self.said: list[tuple[float, Level, list[str], float]] = []

    def goes(self, seconds: float, *findings: Finding) -> None:
        """For so long this is found at each look, the first of which is now."""
        for _ in range(round(seconds / LOOK)):
            news = self.news.take(Health.of(findings), self.now)
            if news is not None:
                codes = [one.code for one in news.health.findings]
                self.said.append((self.now, news.health.level, codes, news.since))
            self.now += LOOK

    def levels(self) -> list[Level]:
        return [level for _, level, _, _ in self.said]

    def test_all_is_well(self) -> None:
        """Nothing is said."""
        self.goes(1000)
        self.assertEqual(self.said, [])

    def test_what_is_down(self) -> None:
        """At once, and once; that it is over when it has been for a while, and how long it was."""
        self.goes(600, finding("disk", DOWN))
        self.assertEqual(self.said, [(100, DOWN, ["disk"], 0)])
        self.goes(600)
        self.assertEqual(self.said[1:], [(695 + PATIENCE, OK, [], 595)])

    def test_what_is_degraded(self) -> None:
        """When it has lasted."""
        self.goes(PATIENCE + LOOK, finding("server"))
        self.assertEqual(self.said, [])
        self.goes(LOOK, finding("server"))
        self.assertEqual(self.said, [(165, DEGRADED, ["server"], 65)])

    def test_a_stream_that_is_made_again_by_itself(self) -> None:
        """No line at all, however often that happens with long times between."""
        for _ in range(10):
            self.goes(PATIENCE, finding("closed"))
            self.goes(2 * PATIENCE)
        self.assertEqual(self.said, [])

    def test_a_stream_that_stays_away(self) -> None:
        """One line when it is down, not one before, and one when it is back."""
        self.goes(PATIENCE + LOOK, finding("closed"))
        self.goes(600, finding("closed", DOWN))
        self.goes(600)
        self.assertEqual(self.levels(), [DOWN, OK])
        self.assertEqual(self.said[0][3], 65)

    def test_a_stream_that_comes_and_goes_without_end(self) -> None:
        """It is said once that it does, and once that it does not any more."""
        for _ in range(100):
            self.goes(20, finding("closed"))
            self.goes(10)
        self.assertEqual(self.levels(), [DEGRADED])
        self.goes(600)
        self.assertEqual(self.levels(), [DEGRADED, OK])

    def test_a_disk_that_comes_and_goes(self) -> None:
        """What is down at once makes two lines, too."""
        for _ in range(100):
            self.goes(5, finding("disk", DOWN))
            self.goes(PATIENCE - LOOK)
        self.goes(PATIENCE)
        self.assertEqual(self.levels(), [DOWN, OK])

    def test_a_level_that_comes_and_goes(self) -> None:
        """It gets better only when it has been for a while."""
        for _ in range(100):
            self.goes(20, finding("closed", DOWN))
            self.goes(40, finding("closed"))
        self.assertEqual(self.levels(), [DOWN])
        self.goes(PATIENCE, finding("closed"))
        self.assertEqual(self.levels(), [DOWN, DEGRADED])

    def test_one_more(self) -> None:
        """What is added is news, with all that is found; and what ends."""
        self.goes(200, finding("server"))
        self.goes(200, finding("server"), finding("disk", DOWN))
        self.goes(200, finding("server"))
        self.goes(200)
        self.assertEqual(
            [(level, codes) for _, level, codes, _ in self.said],
            [
                (DEGRADED, ["server"]),
                (DOWN, ["disk", "server"]),
                (DEGRADED, ["server"]),
                (OK, []),
            ],
        )
        self.assertEqual(self.said[-1][3], 595)

    def test_captures_are_told_apart(self) -> None:
        """Each is found by itself; those that are found together make one line."""
        self.goes(200, finding("stall", DOWN, 1), finding("stall", DOWN, 2))
        self.goes(200, finding("stall", DOWN, 1))
        self.assertEqual(self.levels(), [DOWN, DOWN])

    def test_what_two_take_turns_with(self) -> None:
        """Neither makes a line each time."""
        for _ in range(100):
            self.goes(10, finding("a", DOWN))
            self.goes(10, finding("b", DOWN))
        self.assertEqual(self.levels(), [DOWN, DOWN])
