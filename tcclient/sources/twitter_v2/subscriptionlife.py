"""
The state machine of a subscription: whether the posts of a capture come over the shared stream, as
far as its ledger has been told.

                  +--refill-- dry <-overflow--+
                  |                           |
                  |  +-------lose, lack-------+
                  v  v                        |
    idle --want--> waiting ----serve-----> served --withdraw--> ceasing --lose--> idle
                    ^  |                    ^  |                   ^
                 admit refuse            admit refuse              |
                    |  v                    |  v                   |
                   refused <-lose, lack- yielding ---withdraw------+

`withdraw` leads from `waiting`, `refused` and `dry` to `idle`, `refuse` from `dry` to `refused`.
The posts come in `served`; in `yielding`, where those of the sample come until captures with
keywords have the stream; and in `ceasing`, until the last has been read.  In `dry` they come and
are not taken, as too many wait for the disk.  Any other input has no effect on the state.

Knows what is worth a line about one capture; does not know what other captures want, nor what X
has.
"""

from collections.abc import Callable

from automat import TypeMachineBuilder
from msgspec import structs
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tcclient.ledger.endings import STOPPED, Ending
from tcclient.runtime.unheeded import unheeded
from tcclient.sources.source import Subscriber
from tcclient.sources.twitter_v2.entries import SampleRefused
from tcclient.sources.twitter_v2.patience import Patience
from tcclient.sources.twitter_v2.subscription import Arrival, Subscription, SubscriptionInputs

log = Logger()

NO_RULE = Ending("rules", "X has no rule of it that can be used")
"""Why a capture gets nothing, although the connection is open."""
NO_TERM = Ending(NO_RULE.cause, "none of its keywords can be used", silent=0.0)
"""The same, where that is known before X is asked."""
SWITCHED = Ending("switched", "another stream, or none, is asked for")
"""Why the connection is closed when captures want another stream, or none."""

DRY_SPELL = Ending("disk", "the disk took no posts, and the others were read for")
"""Why a capture misses posts that come over an open connection."""
NOT_ALONE = (
    "without keywords it asks for the sample of all posts, which cannot be captured beside "
    "captures with keywords"
)


_builder = TypeMachineBuilder(SubscriptionInputs, Subscription)
IDLE = _builder.state("idle")
WAITING = _builder.state("waiting")
REFUSED = _builder.state("refused")
SERVED = _builder.state("served")
YIELDING = _builder.state("yielding")
CEASING = _builder.state("ceasing")
DRY = _builder.state("dry")


@IDLE.upon(SubscriptionInputs.want).to(WAITING)
def _want(
    _: SubscriptionInputs, core: Subscription, text: str | None, is_sample: bool, now: float
) -> None:
    """Take what is asked for now; since when the keywords are in force is news."""
    core.keeps_sample = core.is_served and core.takes_sample and not is_sample
    core.text, core.text_is_news, core.is_sample = text, True, is_sample
    if core.served_at is not None:
        core.served_at = now


def _refuse(_: SubscriptionInputs, core: Subscription) -> None:
    """Note in log and ledger that the capture does not run."""
    core.say_missed()
    core.dry_since, core.is_refused = None, True
    log.warn("Capture {name!r} does not run: {reason}.", name=core.title, reason=NOT_ALONE)
    core.note(SampleRefused(reason=NOT_ALONE))


def _admit(_: SubscriptionInputs, core: Subscription) -> None:
    core.is_refused = False


@WAITING.upon(SubscriptionInputs.serve).to(SERVED)
def _announce(_: SubscriptionInputs, core: Subscription, arrival: Arrival) -> None:
    """Note that the posts come from now on, and tell the capture."""
    core.served_at = arrival.now
    core.note(arrival.line)
    if core.archive is not None and arrival.begins_in is not None:
        core.archive.capture_log.heard(after=arrival.begins_in)
    core.subscriber.opened()
    if arrival.rule_delay is not None:
        log.info(
            "Capture {name!r} is connected: X has its rules, and they work within {delay:g} s.",
            name=core.title,
            delay=arrival.rule_delay,
        )


def _go_on(_: SubscriptionInputs, core: Subscription, arrival: Arrival) -> None:
    core.served_at = arrival.now


def _heard(
    _: SubscriptionInputs, core: Subscription, backfill: int | None, begins_in: float
) -> None:
    if core.archive is not None:
        core.archive.capture_log.heard(backfill, begins_in)


def _in_force(
    _: SubscriptionInputs, core: Subscription, after: float, rules: tuple[str, ...]
) -> None:
    """Note in the ledger since when the keywords are in force, if that is news."""
    if core.text_is_news and core.archive is not None:
        core.archive.capture_log.in_force(core.text, after, rules)
        core.text_is_news = False


@SERVED.upon(SubscriptionInputs.lack).to(WAITING)
@YIELDING.upon(SubscriptionInputs.lack).to(REFUSED)
def _lack(_: SubscriptionInputs, core: Subscription, now: float) -> None:
    """
    Note in log and ledger that nothing comes, because X has no rule.  Where somebody else has
    deleted the rules, nobody knows since when: at most since they were read last.
    """
    silent = 0.0 if core.served_at is None else now - core.served_at
    core.miss(structs.replace(NO_RULE, silent=silent))
    log.warn("Capture {name!r} gets nothing: {why}.", name=core.title, why=NO_RULE.detail)


@SERVED.upon(SubscriptionInputs.lose).to(WAITING)
@YIELDING.upon(SubscriptionInputs.lose).to(REFUSED)
def _lose(_: SubscriptionInputs, core: Subscription, ending: Ending) -> None:
    core.miss(ending)


@CEASING.upon(SubscriptionInputs.lose).to(IDLE)
def _finish(_: SubscriptionInputs, core: Subscription, ending: Ending) -> None:
    """Note in the ledger that nothing comes any more, which is because the capture stops."""
    if ending.cause == SWITCHED.cause:
        ending = structs.replace(ending, cause=STOPPED.cause, detail=STOPPED.detail)
    core.miss(ending)


@SERVED.upon(SubscriptionInputs.overflow).to(DRY)
def _overflow(_: SubscriptionInputs, core: Subscription, silent: float) -> None:
    """Note that the posts which come are missed from now on."""
    core.miss(structs.replace(DRY_SPELL, silent=silent))
    core.dry_since = core.clock.seconds() - silent
    log.error("Capture {name!r} misses posts: {why}.", name=core.title, why=DRY_SPELL.detail)


@DRY.upon(SubscriptionInputs.refill).to(WAITING)
def _refill(_: SubscriptionInputs, core: Subscription) -> None:
    """Note how many posts were missed, and that those before them are in files."""
    ago, core.dry_since = core.dry_for, None
    core.say_missed()
    if core.archive is not None and ago is not None:
        core.archive.capture_log.written(ago)


@DRY.upon(SubscriptionInputs.withdraw).to(IDLE)
def _leave_dry(_: SubscriptionInputs, core: Subscription) -> None:
    core.say_missed()
    core.dry_since = None


def _say_missed(_: SubscriptionInputs, core: Subscription) -> None:
    """Note how many posts were missed beside a state in which they are stored."""
    core.say_missed()


for _state in (IDLE, WAITING, REFUSED, SERVED, YIELDING, CEASING):
    _state.upon(SubscriptionInputs.refill).loop()(_say_missed)
for _state in (IDLE, WAITING, REFUSED, YIELDING, CEASING, DRY):
    _state.upon(SubscriptionInputs.overflow).loop()(unheeded)

for _state in (WAITING, REFUSED, SERVED, YIELDING, CEASING, DRY):
    _state.upon(SubscriptionInputs.want).loop()(_want)

for _wanted, _unwanted in ((WAITING, REFUSED), (SERVED, YIELDING)):
    _wanted.upon(SubscriptionInputs.refuse).to(_unwanted)(_refuse)
    _wanted.upon(SubscriptionInputs.admit).loop()(_admit)
    _unwanted.upon(SubscriptionInputs.refuse).loop()(unheeded)
    _unwanted.upon(SubscriptionInputs.admit).to(_wanted)(_admit)
DRY.upon(SubscriptionInputs.refuse).to(REFUSED)(_refuse)
DRY.upon(SubscriptionInputs.admit).loop()(_admit)
for _state in (IDLE, CEASING):
    _state.upon(SubscriptionInputs.refuse).loop()(unheeded)
    _state.upon(SubscriptionInputs.admit).loop()(_admit)

for _state in (SERVED, YIELDING, CEASING):
    _state.upon(SubscriptionInputs.serve).loop()(_go_on)
    _state.upon(SubscriptionInputs.heard).loop()(_heard)
    _state.upon(SubscriptionInputs.in_force).loop()(_in_force)
for _state in (IDLE, REFUSED, DRY):
    _state.upon(SubscriptionInputs.serve).loop()(unheeded)

CEASING.upon(SubscriptionInputs.lack).loop()(unheeded)  # its rules have been deleted for that
for _state in (IDLE, WAITING, REFUSED, DRY):
    for _unheeded in (
        SubscriptionInputs.heard,
        SubscriptionInputs.in_force,
        SubscriptionInputs.lack,
        SubscriptionInputs.lose,
    ):
        _state.upon(_unheeded).loop()(unheeded)

for _state in (IDLE, WAITING, REFUSED):
    _state.upon(SubscriptionInputs.withdraw).to(IDLE)(unheeded)
for _state in (SERVED, YIELDING, CEASING):
    _state.upon(SubscriptionInputs.withdraw).to(CEASING)(unheeded)

machine = _builder.build()
"""Returns the inputs of a new machine, in the state `idle`, for a Subscription."""


def new_subscription(
    job_id: int,
    subscriber: Subscriber,
    clock: IReactorTime,
    patience: Patience,
    silent: Callable[[], float | None],
) -> Subscription:
    """Return the subscription of a capture that asks for nothing yet."""
    made = Subscription(job_id, subscriber, clock, patience, silent)
    made.life = machine(made)
    return made
