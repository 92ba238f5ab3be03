"""
v2: one connection that brings the posts of every capture.

Knows which captures hang on it, which of them a post belongs to, and when the connection has to be
opened and closed; the rules are kept by `rulebook`.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import attrs
from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred, DeferredLock, maybeDeferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from tcclient.archive import Archive
from tcclient.budget import Level
from tcclient.connection import Ending
from tcclient.feed import STOPPED, Owner, Understood, say_refused
from tcclient.intake import Intake
from tcclient.keywords import Refused
from tcclient.messages import Overlong
from tcclient.purse import Purse
from tcclient.stream import CaptureStream, Upstream
from tcclient.troublelog import TroubleLog
from tcclient.twitter import envelopes
from tcclient.twitter.backfill import Backfill
from tcclient.twitter.ruleapi import RuleApi
from tcclient.twitter.rulebook import Manner, Rulebook
from tcclient.twitter.rules import Clause, clauses
from tcclient.twitter.ruleset import PresentRule
from tcclient.twitter.v2 import StreamQuery

log = Logger()

FOREIGN_INTERVAL = 60.0
"""Seconds between two lines about posts that only other programs' rules matched."""

BUDGET = Ending("budget", "the budget is used up")

_NOT_ALONE = (
    "without keywords it asks for the sample of all posts, which cannot be captured beside other "
    "captures"
)


@attrs.frozen
class Terms:
    """What a capture asks X for; without clauses it is the sample stream."""

    clauses: tuple[Clause, ...]

    def for_ledger(self) -> dict[str, object]:
        """As Asked."""
        return {"clauses": [clause.text for clause in self.clauses]}


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
        note: Callable[..., None],
        backfill: Backfill | None = None,
        make_purse: Callable[["Trunk"], Purse] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # not annotated
        self._upstream = upstream
        self._clock = upstream.clock
        self._manner = manner
        self._rulebook = Rulebook(api, manner, self, upstream.clock)
        self._note = note
        self._parting = False
        self._purse = make_purse(self) if make_purse else None
        if self._purse is not None:
            self._purse.setServiceParent(self)  # type: ignore[no-untyped-call]  # not annotated
        self._backfill = backfill or Backfill(wanted=False)
        self._again = 0
        self._branches: dict[int, Branch] = {}
        self._stream: CaptureStream[StreamQuery] | None = None
        self._turn = DeferredLock()
        self._intake = Intake(upstream.source, self._end)
        self._trouble = TroubleLog(upstream.clock)
        self._foreign: Counter[str] = Counter()
        self._telling = LoopingCall(self._tell_foreign)
        self._telling.clock = upstream.clock

    def feed_for(self, job_id: int, owner: Owner) -> "Branch":
        """As Feeds."""
        return Branch(self, job_id, owner)

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]  # not annotated
        self._telling.start(FOREIGN_INTERVAL, now=False)

    def stopService(self) -> Deferred[None]:
        """Fires when the connection is closed."""
        Service.stopService(self)
        self._telling.stop()
        self._tell_foreign()
        self._rulebook.stop()
        return self._aim()

    def part(self) -> None:
        """As Feeds: the rules stay, so that the next start goes on with them at once."""
        self._parting = True

    @property
    def connected(self) -> bool:
        """Whether the stream is open."""
        return self._stream is not None and self._stream.connected

    def has(self, branch: "Branch") -> bool:
        """Whether the capture hangs on this trunk."""
        return self._branches.get(branch.job_id) is branch

    def serves(self, branch: "Branch") -> bool:
        """Whether its posts come now: the stream is open, and X has a rule of it."""
        if self._stream is None or not self._stream.connected or not self.has(branch):
            return False
        if self._stream.query.is_sample:
            return branch.is_sample
        return bool(self._rulebook.rules_of(branch.job_id))

    def follow(self, branch: "Branch", text: str | None) -> Understood:
        """Bring `branch` what the keyword text asks for."""
        found, refused = clauses(text, self._manner.rule_length)
        self._branches[branch.job_id] = branch
        branch.is_sample = not found and not refused
        if found:
            self._rulebook.want(branch.job_id, found)
        else:
            self._rulebook.drop(branch.job_id)
        self._refuse_samples()
        self._aim()
        return Understood(None if refused and not found else Terms(found), refused)

    async def leave(self, branch: "Branch") -> None:
        """Bring `branch` nothing more.  Returns when what has arrived for it is stored."""
        if not self.has(branch):
            return
        if self._stream is not None and len(self._branches) > 1:
            await self._stream.drain()
        del self._branches[branch.job_id]
        if not self._parting:
            self._rulebook.drop(branch.job_id)
        await self._aim()

    def rules_accepted(self, job_id: int, rules: Sequence[PresentRule]) -> None:
        """As Reader."""
        works_in = self._manner.rule_delay
        self._note_rules(job_id, "rules_accepted", rules, works_in=works_in)

    def rules_deleted(self, job_id: int, rules: Sequence[PresentRule]) -> None:
        """As Reader."""
        self._note_rules(job_id, "rules_deleted", rules)

    def terms_refused(self, job_id: int, refused: Sequence[Refused]) -> None:
        """As Reader."""
        archive = self._archive(job_id)
        if archive is not None:
            say_refused(archive.name, refused)
            archive.note("terms_refused", refused=[attrs.asdict(term) for term in refused])

    def rules_failed(self, reason: str, wait: float) -> None:
        """As Reader."""
        self._note_all("rules_failed", reason=reason, wait=wait)

    def rules_seen(self) -> None:
        """As Reader."""
        self._aim()
        self._announce()

    def budget_exhausted(self, level: Level, until: float) -> None:
        """As Holder."""
        log.warn(
            "The budget of this {name} is used up ({spent} posts): nothing is captured before "
            "{until}.",
            name=level.name,
            spent=level.spent,
            until=datetime.fromtimestamp(until, UTC).strftime("%Y-%m-%d %H:%M UTC"),
        )
        self._note_all("budget_exhausted", **attrs.asdict(level), until=until)
        self._aim()

    def budget_renewed(self) -> None:
        """As Holder."""
        log.info("A new period of the budget has begun.")
        self._note_all("budget_renewed")
        self._aim()

    def stream_opened(self) -> None:
        """As Listener."""
        if self._stream is not None:
            query = self._stream.query
            self._trouble.opened(self._names(), f"{self._endpoint()}, {query}")
            self._intake.connected()
            self._announce()

    def stream_received(self, messages: list[bytes | Overlong]) -> None:
        """As Listener: each post goes to every capture that it matched."""
        found: dict[int, list[bytes]] = {}
        delivered = 0
        self._backfill.heard(self._clock.seconds())
        for message in messages:
            if isinstance(message, Overlong):
                for archive in self._archives():
                    self._intake.refuse(archive, "too long", message.size, message.head)
                continue
            envelope = envelopes.read(message)
            if isinstance(envelope, envelopes.Post):
                if not self._backfill.is_new(envelope.id):
                    self._again += 1
                    continue
                delivered += 1
                for job_id in self._takers(envelope):
                    found.setdefault(job_id, []).append(message)
            else:
                self._heed(envelope, message)
        for job_id, posts in found.items():
            taker = self._archive(job_id)
            if taker is not None:
                self._intake.store(taker, posts)
        if self._purse is not None and delivered:
            self._purse.spend(delivered)

    def stream_ended(self, ending: Ending) -> None:
        """As Listener."""
        news = self._trouble.ended(self._names(), ending)
        for branch in self._branches.values():
            branch.announced = False
        if self._again:
            self._note("delivered_again", posts=self._again)
            self._again = 0
        if news or ending.was_connected:
            kind = "disconnected" if ending.was_connected else "not_connected"
            for archive in self._archives():
                archive.note(kind, **ending.for_ledger())

    def _takers(self, post: envelopes.Post) -> Sequence[int]:
        """The jobs that a post is for; one that is for nobody here is counted."""
        if self._stream is not None and self._stream.query.is_sample:
            return [job_id for job_id, branch in self._branches.items() if branch.is_sample]
        routed = self._rulebook.routing.route(post.rules)
        takers = [job_id for job_id in routed.jobs if job_id in self._branches]
        if not takers:
            self._foreign.update(rule_id for rule_id, _ in post.rules)
        return takers

    def _heed(self, said: object, line: bytes) -> None:
        for archive in self._archives():
            if isinstance(said, envelopes.NotJSON):
                self._intake.refuse(archive, "not JSON", len(line), line)
            elif isinstance(said, envelopes.Farewell):
                archive.note("disconnect", message=said.message)
            elif isinstance(said, envelopes.Other):
                archive.note("unknown", message=said.message)
        if isinstance(said, envelopes.Farewell):
            meaning, trouble = self._upstream.source.disconnect(said.disconnect_type)
            self._end(Ending("disconnect", f"X disconnected: {meaning}", trouble))

    def _announce(self) -> None:
        """Tell the captures whose posts come from now on."""
        for branch in list(self._branches.values()):
            if not branch.announced and self.serves(branch):
                branch.announced = True
                archive = branch.owner.archive
                if archive is not None:
                    archive.note(
                        "connected",
                        endpoint=self._endpoint(),
                        status=200,
                        failed_attempts=self._trouble.attempts,
                        rules=[rule.id for rule in self._rulebook.rules_of(branch.job_id)],
                    )
                branch.owner.connected()

    def _refuse_samples(self) -> None:
        for branch in self._branches.values():
            alone = len(self._branches) == 1
            if branch.is_sample and not alone and not branch.refused:
                archive = branch.owner.archive
                if archive is not None:
                    log.warn("Capture {name!r} does not run: {reason}.", name=archive.name,
                             reason=_NOT_ALONE)  # fmt: skip
                    archive.note("sample_refused", reason=_NOT_ALONE)
            branch.refused = branch.is_sample and not alone

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
            await self._stream.hang_up(BUDGET if self._is_broke() else STOPPED)
            self._backfill.closed()
            await maybeDeferred(self._stream.disownServiceParent)
            self._stream = None
        wanted = self._wanted()
        if wanted is not None:
            self._stream = CaptureStream(self._upstream, wanted, self)
            self._stream.setServiceParent(self)  # type: ignore[no-untyped-call]

    def _is_broke(self) -> bool:
        return self._purse is not None and self._purse.exhausted

    def _wanted(self) -> StreamQuery | None:
        if not self.running or self._is_broke():
            return None
        branches = self._branches.values()
        if any(self._rulebook.rules_of(branch.job_id) for branch in branches):
            return StreamQuery()
        if len(branches) == 1 and all(branch.is_sample for branch in branches):
            return StreamQuery(is_sample=True)
        return None

    def _end(self, ending: Ending) -> None:
        if self._stream is not None:
            self._stream.end(ending)

    def _note_rules(
        self, job_id: int, kind: str, rules: Sequence[PresentRule], **fields: object
    ) -> None:
        described = [{"id": rule.id, "value": rule.value} for rule in rules]
        archive = self._archive(job_id)
        if archive is not None:
            archive.note(kind, rules=described, **fields)
        else:
            self._note(kind, job=job_id, rules=described, **fields)

    def _note_all(self, kind: str, **fields: object) -> None:
        self._note(kind, **fields)
        for archive in self._archives():
            archive.note(kind, **fields)

    def _tell_foreign(self) -> None:
        counts, self._foreign = self._foreign, Counter()
        if counts:
            self._note("foreign_posts", by_rule=dict(counts))

    def _archive(self, job_id: int) -> Archive | None:
        branch = self._branches.get(job_id)
        return None if branch is None else branch.owner.archive

    def _archives(self) -> list[Archive]:
        found = (branch.owner.archive for branch in self._branches.values())
        return [archive for archive in found if archive is not None]

    def _names(self) -> str:
        return ", ".join(archive.name for archive in self._archives())


class Branch(Service):
    """As Feed: what one capture has of the trunk."""

    def __init__(self, trunk: Trunk, job_id: int, owner: Owner) -> None:
        self.job_id = job_id
        self.owner = owner
        self.is_sample = False
        self.announced = False
        self.refused = False
        self._trunk = trunk

    @property
    def streaming(self) -> bool:
        return self._trunk.serves(self)

    @property
    def quiet(self) -> bool:
        return not self._trunk.has(self)

    def ask(self, text: str | None) -> Understood:
        """As Feed."""
        return self._trunk.follow(self, text)

    async def cease(self) -> None:
        """As Feed."""
        self.announced = self.refused = False
        await self._trunk.leave(self)
