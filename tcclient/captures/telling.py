"""
Tells a server that takes more than the jobs' members how captures and machine are, and sends it
the ledgers; an older server is asked for nothing of this.

Knows when something is told; what it says is known elsewhere.
"""

import platform
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from msgspec import structs
from twisted.internet.defer import Deferred, TimeoutError
from twisted.logger import Logger

from tcclient import __version__
from tcclient.captures.appliedjobs import AppliedJobs
from tcclient.captures.capture import Capture
from tcclient.captures.carrying import Carrying
from tcclient.captures.following import LedgerFollower
from tcclient.captures.glimpsing import Glimpsing
from tcclient.captures.healthlog import HealthLog
from tcclient.captures.restedcalls import RestedCalls
from tcclient.captures.statenews import HostNews, StateNews
from tcclient.captures.vitals import Sides, Vitals
from tcclient.control.answers import ServerError
from tcclient.control.client import JobList
from tcclient.control.healthreport import host, states
from tcclient.control.jobs import Decision, Job
from tcclient.control.realtime import Introduction, OwnLedger
from tcclient.control.reportcalls import ReportCalls
from tcclient.control.reports import Host, State
from tcclient.health.facts import ClientFacts
from tcclient.health.judgement import judge
from tcclient.ledger.gaps import LEFT
from tcclient.runtime.timers import Timers
from tcclient.runtime.unattended import unattended
from tcclient.storage.archive import Archive
from tcclient.storage.healthmark import HealthMark

log = Logger()

SOON = 0.25
"""Seconds in which changes are gathered that are told at once."""
FAREWELL = 2.0
"""Seconds that it may take to tell that the client ends."""
LAST_MARK = 1.0
"""Seconds that it may take to tell that by the mark on the disk."""
LEAVING = "The client was stopped. Start it: it goes on where it stopped, and notes the gap."
STATES, NEEDS = "taking states", "taking the machine's needs"
POSTS = "taking the newest posts"
AGAIN = 600.0
"""Seconds after which everything is told again, as the server may have been put back."""


class Telling:
    """
    Tells the log how the client is, and the server how all jobs are that it lists.  `wanted` and
    `captures` are as Vitals has them.  Tells nothing to a server that does not take it.
    """

    def __init__(
        self, sides: Sides, wanted: Callable[[], Decision], captures: Mapping[int, Capture]
    ) -> None:
        self._sides = sides
        self._vitals = vitals = Vitals(sides, wanted, captures)
        self._mark = HealthMark(sides.folders.base_dir, sides.folders.use.threads)
        self._health_log = HealthLog(
            vitals.facts, sides.folders.clock, sides.process.tell_status, self._mark.keep
        )
        self._captures = captures
        self._clock = sides.folders.clock
        self._rest = ReportCalls(sides.server.exchange)
        self._calls = Carrying(sides.channel, self._rest)
        self._tries = RestedCalls(self._clock, sides.server_log)
        self.follower = LedgerFollower(self._calls, sides.folders, self._archives, self._tries)
        self._jobs: dict[int, Job] = {}
        self._applied = AppliedJobs(captures)
        self._state_news, self._host_news = StateNews(), HostNews()
        self.glimpsing = Glimpsing(
            sides,
            captures,
            lambda told: self._tries.make(POSTS, lambda: self._calls.glimpses(told)),
        )
        self._instance = secrets.token_hex(6)
        self._forgotten = self._clock.seconds()
        self._timers = Timers(self._clock)
        self._soon_is = SOON
        self._server: str | None = None
        self._is_due = self._is_stopped = self._is_away = False
        self._telling: Deferred[None] | None = None

    def begin(self) -> None:
        """Show that the client runs."""
        self._mark.begin()

    def polled(self, listing: JobList) -> None:
        """Tell all that is new; the server has listed these jobs, and they were acted upon."""
        self._jobs = {job.id: job for job in listing.jobs if not job.withdrawn}
        self._server, self._is_away = listing.server_id, False
        self.count()
        self.glimpsing.look(listing.looks)
        if self._is_taken:
            self._sides.channel.polled()

    def count(self) -> None:
        """Tell all that is new, numbers too."""
        self._is_due = True
        self._applied.measure(self._clock.seconds())
        self.look()

    async def judge(self) -> None:
        """Log what is news of the client's health, and tell the server what has changed."""
        await self._health_log.look()
        self.look()

    def failed(self) -> None:
        """Have everything told again, once the server answers again."""
        self._is_away = True
        self.forget()

    def forget(self) -> None:
        """Have everything told again with the next numbers: the server may not have it."""
        self._state_news.forget()
        self._host_news.forget()
        self.glimpsing.forget()

    def begin_anew(self, *, at_once: bool) -> None:
        """Have everything told again, by another way; changes `at_once`, not gathered for SOON."""
        self._soon_is = 0.0 if at_once else SOON
        self._tries.end_rests()
        self.forget()
        if at_once:  # by REST the next look does, as thousands may have lost their channel just now
            self.look()

    def look(self) -> None:
        """Tell what has changed soon, if it is worth a request of its own."""
        self._look_in(self._soon_is)

    def _look_in(self, seconds: float) -> None:
        if self._is_taken:
            self._timers.start("soon", seconds, self._begin)

    def has_seen(self, job: int, revision: int) -> bool:
        """Return whether the last poll has brought that revision of a job, or a later one."""
        found = self._jobs.get(job)
        return found is not None and found.revision is not None and found.revision >= revision

    def introduce(self) -> Introduction:
        """Return who this client is, and what it has."""
        ledgers = [
            *(OwnLedger(one.ledger.id, one.ledger.length, one.job_id) for one in self._open()),
            *(OwnLedger(one.bytes.id, one.bytes.end) for one in self.follower.of_none),
        ]
        return Introduction(
            self._host(self._vitals.facts()),
            [(one.job, one.revision) for one in self._applied.of(self._jobs.values())],
            ledgers,
            self._server,
        )

    async def follow(self) -> None:
        """Send what is new of the ledgers."""
        if self._is_taken and self._sides.folders.installation.identity is not None:
            await self.follower.follow()

    def stop(self) -> None:
        """Tell nothing more."""
        self._is_stopped = True
        self.glimpsing.stop()
        self._timers.stop("soon")
        if self._telling is not None:
            self._telling.cancel()

    async def part(self) -> None:
        """Tell that the client ends, on purpose, within FAREWELL seconds."""
        wanted = [job for job in self._jobs.values() if job.wanted]
        if wanted and self._sides.server.exchange.takes_reports and not self._is_away:
            told = [State(job=job.id, condition=LEFT, reason=LEAVING) for job in wanted]
            call = Deferred.fromCoroutine(self._rest.states(told))
            with suppress(ServerError, TimeoutError):
                await call.addTimeout(FAREWELL, self._clock)
        with suppress(TimeoutError):
            await self._mark.end().addTimeout(LAST_MARK, self._clock)

    @property
    def _is_taken(self) -> bool:
        return self._sides.server.exchange.takes_reports and not self._is_stopped

    def _begin(self) -> None:
        if self._telling is not None:
            self._look_in(SOON)
            return
        self._telling = unattended(self._tell(), log, "Telling the server failed.")
        self._telling.addCallback(self._told)

    def _told(self, _: object) -> None:
        self._telling = None

    async def _tell(self) -> None:
        """Tell what is new of captures and machine, one request after the other."""
        now, is_due = self._clock.seconds(), self._is_due
        self._is_due = False
        if now - self._forgotten >= AGAIN:
            self._forgotten = now
            self.forget()
        facts = self._vitals.facts()
        found = states(self._applied.of(self._jobs.values()), facts, judge(facts))
        news = self._state_news.of(found, urgent=not is_due)
        if news:
            await self._tries.make(STATES, lambda: self._tell_states(news))
        machine = self._host(facts)
        if self._host_news.is_news(machine, now) and await self._tries.make(
            NEEDS, lambda: self._calls.host(machine)
        ):
            self._host_news.told(machine, now)

    async def _tell_states(self, news: list[State]) -> None:
        told = await self._applied.about_to_tell(news)
        await self._calls.states(told)
        self._state_news.told(told, list(self._jobs))
        self._applied.told(told)

    def _host(self, facts: ClientFacts) -> Host:
        identity = self._sides.folders.installation.identity
        return structs.replace(
            host(facts),
            version=__version__[:64],
            host=platform.node()[:255],
            installation="" if identity is None else identity.installation,
            instance=self._instance,
        )

    def _archives(self) -> dict[Path, Archive]:
        """Return the archives that are open, by the paths of their ledgers."""
        return {one.ledger.path: one for one in self._open()}

    def _open(self) -> list[Archive]:
        archives = (capture.session.archive for capture in self._captures.values())
        return [one for one in archives if one is not None]
