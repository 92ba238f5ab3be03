"""
v2: one connection that brings the posts of every capture.

Knows when the connection has to be opened and closed.  The rules are kept by `rulebook`, posts are
handed out by `delivery`, and `purse` knows how many may be bought.
"""

from collections.abc import Callable

import attrs
from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred, DeferredLock, maybeDeferred
from twisted.logger import Logger

from tcclient.ledger import entries
from tcclient.sources.keywords import Understood
from tcclient.sources.twitter_v1.feed import PARTED, STOPPED, Owner
from tcclient.sources.twitter_v2.api import StreamQuery
from tcclient.sources.twitter_v2.backfill import Backfill
from tcclient.sources.twitter_v2.budget.budget import Level, utc_minute
from tcclient.sources.twitter_v2.budget.keeper import Purse
from tcclient.sources.twitter_v2.delivery import Delivery, Foreign
from tcclient.sources.twitter_v2.rules.api import RuleApi
from tcclient.sources.twitter_v2.rules.book import Manner, Rulebook
from tcclient.sources.twitter_v2.rules.clauses import clauses
from tcclient.sources.twitter_v2.rules.news import RuleNews, rules_before
from tcclient.sources.twitter_v2.subscription import Branch, Branches, Terms, names
from tcclient.storage.folders import Note
from tcclient.stream.capturestream import CaptureStream, Upstream
from tcclient.stream.connection import Ending
from tcclient.stream.messages import Overlong
from tcclient.stream.troublelog import TroubleLog

log = Logger()

BUDGET = Ending("budget", "the budget is used up")
NO_RULE = Ending("rules", "X has no rule of it that can be used")
SWITCHED = Ending("switched", "another stream, or none, is asked for")

_NOT_ALONE = (
    "without keywords it asks for the sample of all posts, which cannot be captured beside "
    "captures with keywords"
)


class Trunk(MultiService):
    """
    As Feeds.  `note` writes a line into the ledger that belongs to no capture; it does not raise.
    """

    most_captures: int | None = None

    def __init__(
        self,
        upstream: Upstream[StreamQuery],
        api: RuleApi,
        manner: Manner,
        note: Note,
        backfill: Backfill | None = None,
        make_purse: Callable[["Trunk"], Purse] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # not annotated
        self._upstream = upstream
        self._clock = upstream.clock
        self._manner = manner
        self._branches = Branches(note)
        news = RuleNews(self._branches, manner.rule_delay, self._rules_seen)
        self._rulebook = Rulebook(api, manner, news, upstream.clock)
        self._note = note
        self._parting = False
        self._purse = make_purse(self) if make_purse else None
        if self._purse is not None:
            self._purse.setServiceParent(self)  # type: ignore[no-untyped-call]  # not annotated
        self._backfill = backfill or Backfill(wanted=False)
        foreign = Foreign(note, upstream.clock)
        foreign.setServiceParent(self)  # type: ignore[no-untyped-call]  # not annotated
        self._delivery = Delivery(
            self._branches, self._rulebook.routing, foreign, upstream.source, self._end
        )
        self._stream: CaptureStream[StreamQuery] | None = None
        self._turn = DeferredLock()
        self._trouble = TroubleLog(upstream.clock)

    def feed_for(self, job_id: int, owner: Owner) -> Branch:
        """As Feeds."""
        return Branch(self, job_id, owner)

    def stopService(self) -> Deferred[None]:
        """Fires when the connection is closed."""
        # The others are not stopped by the base class: what still arrives is counted.
        Service.stopService(self)
        self._rulebook.stop()
        return Deferred.fromCoroutine(self._end_all())

    async def _end_all(self) -> None:
        await self._aim()
        for service in reversed(list(self)):
            await maybeDeferred(service.stopService)

    def part(self) -> None:
        """As Feeds: the rules stay, so that the next start goes on with them at once."""
        self._parting = True

    @property
    def connected(self) -> bool:
        """Whether the stream is open."""
        return self._stream is not None and self._stream.connected

    @property
    def silent(self) -> float | None:
        """As Stem."""
        stream = self._stream
        return stream.silent if stream is not None and stream.is_heard else None

    def has(self, branch: Branch) -> bool:
        """As Stem."""
        return self._branches.has(branch)

    def serves(self, branch: Branch) -> bool:
        """As Stem: the stream is open, and X has a rule of the branch."""
        if self._stream is None or not self._stream.connected or not self.has(branch):
            return False
        return branch.is_sample if self._stream.query.is_sample else self._has_rules(branch)

    def follow(self, branch: Branch, text: str | None) -> Understood:
        """As Stem."""
        found, refused = clauses(text, self._manner.rule_length)
        if not self.has(branch) and branch.archive is not None:
            before = rules_before(branch.archive.newest_lines(), branch.job_id)
            self._rulebook.remember(branch.job_id, before.left, before.deleted)
            if found and not self._is_broke():
                self._backfill.resume(branch.archive, self._clock.seconds())
        self._branches.add(branch)
        branch.text, branch.text_is_news = text, True
        branch.served = self._clock.seconds()
        branch.is_sample = not found and not refused
        if found:
            self._rulebook.want(branch.job_id, found)
        else:
            self._rulebook.drop(branch.job_id)
        self._review()
        return Understood(None if refused and not found else Terms(found), refused)

    async def leave(self, branch: Branch) -> None:
        """As Stem."""
        if not self.has(branch):
            return
        branch.leaving = True
        if not self._parting:
            self._rulebook.drop(branch.job_id)
        if self._stream is not None:
            await self._stream.drain()
        if branch.announced and branch.archive is not None and self._stream is not None:
            stream = self._stream
            ending = PARTED if self._parting else STOPPED
            branch.archive.chronicle.unheard(
                attrs.evolve(ending, silent=stream.silent, unread=stream.is_unread)
            )
        branch.announced = branch.refused = branch.leaving = False
        self._branches.remove(branch)
        await self._review()

    def forget(self, branch: Branch) -> None:
        """As Stem."""
        if not self.has(branch):
            self._rulebook.forget(branch.job_id)

    def read_or_not(self) -> None:
        """As Stem: a post that one of them cannot take would be lost to it."""
        if self._stream is not None:
            held = any(branch.held_by for branch in self._branches)
            (self._stream.hold if held else self._stream.release)()
            if self._purse is not None and self._stream.connected:
                (self._purse.hold if held else self._purse.release)()

    def _rules_seen(self) -> None:
        self._review()
        self._renounce()
        news = self._announce()
        self._tell_texts()
        for branch in news:
            log.info(
                "Capture {name!r} is connected: X has its rules, and they work within {delay:g} s.",
                name=branch.title,
                delay=self._manner.rule_delay,
            )

    def budget_exhausted(self, level: Level, until: float) -> None:
        """As Holder."""
        log.warn(
            "The budget of this {name} is used up, {used} of {limit} posts: nothing is captured "
            "before {until}.",
            name=level.name,
            used=level.used,
            limit=level.limit,
            until=utc_minute(until),
        )
        self._branches.note_all(
            entries.BudgetExhausted(
                name=level.name,
                spent=level.spent,
                limit=level.limit,
                until=entries.moment(until),
                estimated=level.estimated,
            )
        )
        self._aim()

    def budget_unkept(self, reason: str) -> None:
        """As Holder."""
        log.error(
            "What is spent of the budget cannot be kept on disk ({reason}): nothing is captured "
            "until it can.",
            reason=reason,
        )
        self._branches.note_all(entries.BudgetUnkept(reason=reason))
        self._aim()

    def budget_renewed(self) -> None:
        """As Holder."""
        log.info("Posts may be bought again.")
        self._branches.note_all(entries.BudgetRenewed())
        self._aim()

    def stream_opened(self) -> None:
        """As Listener."""
        if self._stream is not None:
            query = self._stream.query
            self._trouble.opened(names(self._asking()), f"{self._endpoint()}, {query}")
            self._delivery.connected()
            self._announce()
            self.read_or_not()

    def stream_heard(self) -> None:
        """As Listener."""
        for branch in self._branches.announced():
            if branch.archive is not None:
                branch.archive.chronicle.heard(self._backfill.asked, self._begins_in(branch))
        self._tell_texts()

    def stream_received(self, messages: list[bytes | Overlong]) -> None:
        """As Listener: each post goes to every capture that it matched."""
        is_sample = self._stream is not None and self._stream.query.is_sample
        self._backfill.heard(self._clock.seconds())
        delivered = self._delivery.take(messages, self._backfill, is_sample=is_sample)
        if self._purse is not None and delivered:
            self._purse.spend(delivered)

    def stream_ended(self, ending: Ending) -> None:
        """As Listener."""
        if self._purse is not None:
            self._purse.cut()
        self._trouble.ended(names(self._asking()), ending)
        if self._backfill.again:
            self._note(entries.DeliveredAgain(posts=self._backfill.again))
            self._backfill.again = 0
        if ending.was_connected:
            for branch in self._branches.announced():
                if branch.archive is not None:
                    branch.archive.chronicle.unheard(ending)
                branch.announced = False
        else:
            for branch in self._asking():
                if branch.archive is not None:
                    branch.archive.chronicle.not_reached(ending)
        if ending.status == 409:
            self._rulebook.look()  # X has no rule, where it had ours: somebody has deleted them

    def _renounce(self) -> None:
        """
        Tell the captures whose posts come no more, because X has no rule of theirs.  Nobody knows
        for how long where somebody else has deleted them: since the rules were read last, at most.
        """
        now = self._clock.seconds()
        for branch in self._branches.announced():
            if self.serves(branch):
                branch.served = now
            elif self.connected and not branch.leaving and branch.archive is not None:
                silent = now - branch.served
                branch.archive.chronicle.unheard(attrs.evolve(NO_RULE, silent=silent))
                branch.announced = False
                log.warn(
                    "Capture {name!r} gets nothing: {why}.", name=branch.title, why=NO_RULE.detail
                )

    def _announce(self) -> list[Branch]:
        """Tell the captures whose posts come from now on, and return them."""
        news = [branch for branch in self._branches if not branch.announced and self.serves(branch)]
        for branch in news:
            branch.announced = True
            branch.served = self._clock.seconds()
            branch.note(
                entries.Connected(
                    endpoint=self._endpoint(),
                    status=200,
                    failed_attempts=self._trouble.attempts,
                    rules=tuple(rule.id for rule in self._rulebook.rules_of(branch.job_id)),
                )
            )
            if branch.archive is not None and self._is_heard():
                branch.archive.chronicle.heard(after=self._begins_in(branch))
            branch.owner.connected()
        return news

    def _tell_texts(self) -> None:
        """Note since when the keywords of captures are in force, where that is news."""
        for branch in self._branches.announced():
            after = 0.0 if branch.is_sample else self._rulebook.works_in(branch.job_id)
            if branch.text_is_news and after is not None and branch.archive is not None:
                branch.archive.chronicle.in_force(branch.text, after)
                branch.text_is_news = False

    def _begins_in(self, branch: Branch) -> float:
        """Seconds until posts can come: a new rule works only after a while."""
        return 0.0 if branch.is_sample else self._rulebook.begins_in(branch.job_id)

    def _is_heard(self) -> bool:
        return self._stream is not None and self._stream.is_heard

    def _review(self) -> Deferred[None]:
        """Who hangs on the trunk, or what it asks for, may have changed."""
        company = any(self._rulebook.wants(branch.job_id) for branch in self._branches)
        for branch in self._branches:
            refused = branch.is_sample and company
            if refused and not branch.refused:
                log.warn(
                    "Capture {name!r} does not run: {reason}.",
                    name=branch.title,
                    reason=_NOT_ALONE,
                )
                branch.note(entries.SampleRefused(reason=_NOT_ALONE))
            branch.refused = refused
        self.read_or_not()
        return self._aim()

    def _asking(self) -> list[Branch]:
        """The captures that a stream is asked for."""
        return [b for b in self._branches if self._has_rules(b) or self._wants_sample(b)]

    def _has_rules(self, branch: Branch) -> bool:
        return bool(self._rulebook.rules_of(branch.job_id))

    def _wants_sample(self, branch: Branch) -> bool:
        return branch.is_sample and not branch.refused

    def _endpoint(self) -> str:
        return "" if self._stream is None else self._upstream.source.endpoint(self._stream.query)

    def _aim(self) -> Deferred[None]:
        """From the connection that there is to the one that is wanted by then."""
        turn: Deferred[None] = self._turn.run(lambda: Deferred.fromCoroutine(self._switch()))
        return turn.addErrback(
            lambda failure: log.failure("The stream could not be switched.", failure)
        )

    async def _switch(self) -> None:
        if self._stream is not None:
            if self._stream.query == self._wanted():
                return
            await self._stream.hang_up(self._reason())
            self._backfill.closed()
            await maybeDeferred(self._stream.disownServiceParent)
            self._stream = None
        wanted = self._wanted()
        if wanted is not None:
            self._stream = CaptureStream(self._upstream, wanted, self)
            self.read_or_not()
            self._stream.setServiceParent(self)  # type: ignore[no-untyped-call]

    def _reason(self) -> Ending:
        if self._is_broke():
            return BUDGET
        stopped = all(branch.leaving for branch in self._branches.announced())
        if self._parting:
            return PARTED
        return STOPPED if stopped else SWITCHED

    def _is_broke(self) -> bool:
        return self._purse is not None and self._purse.exhausted

    def _wanted(self) -> StreamQuery | None:
        if not self.running or self._is_broke():
            return None
        if any(map(self._has_rules, self._branches)):
            return StreamQuery()
        if any(map(self._wants_sample, self._branches)):
            return StreamQuery(is_sample=True)
        return None

    def _end(self, ending: Ending) -> None:
        if self._stream is not None:
            self._stream.end(ending)
