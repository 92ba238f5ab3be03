"""
What `--check` can find out about v2: whether the budget can be read, whether X gives the app's
rules, which connections it has, and what it used.

Knows settings, verdicts and their words; opens no stream, and changes nothing at X.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from urllib.parse import urlsplit

import attrs

from tcclient.health.judgement import is_nearly_used_up
from tcclient.ledger.entries import RefusedTerm
from tcclient.runtime.addresses import addresses_of
from tcclient.runtime.backoff import Refusal, RefusalError
from tcclient.runtime.secrets import Secret
from tcclient.runtime.threads import Threads
from tcclient.runtime.verdicts import Verdict, fail, ok, warn
from tcclient.runtime.wallclock import Wall
from tcclient.sources.doubts import doubts
from tcclient.sources.source import Check, SourceChecks
from tcclient.sources.twitter import credentials
from tcclient.sources.twitter.settings import impatience
from tcclient.sources.twitter_v2.api import KEEP_ALIVE
from tcclient.sources.twitter_v2.budget.budget import Budget
from tcclient.sources.twitter_v2.budget.limits import limits_from, utc_minute
from tcclient.sources.twitter_v2.budget.records import Illegible, read_record, record_path
from tcclient.sources.twitter_v2.fields import unknown
from tcclient.sources.twitter_v2.rules.api import RuleApi, RuleError
from tcclient.sources.twitter_v2.rules.clauses import SYNTAX
from tcclient.sources.twitter_v2.rules.ownership import Ownership, Whose
from tcclient.sources.twitter_v2.rules.ruleset import PresentRule
from tcclient.sources.twitter_v2.settings import V2Auth, V2Section
from tcclient.sources.twitter_v2.slot.appapi import AppApi
from tcclient.sources.twitter_v2.slot.ownslot import holders
from tcclient.sources.twitter_v2.slot.usage import in_words
from tcclient.storage.folders import Folders


@attrs.frozen
class V2Checks(SourceChecks):
    """
    The checks of v2 with its settings.  `rules` asks X for the rules of the app, `app` for its
    connections and what it used; `folders` know who this client is.  `in_thread` does what may take
    long, `wall` returns the date.
    """

    _section: V2Section
    _auth: V2Auth
    _rules: RuleApi
    _app: AppApi
    _folders: Folders
    _in_thread: Threads
    _wall: Wall

    @property
    def address(self) -> tuple[str, str]:
        return "twitter.api_url", self._section.api_url

    def doubts(self) -> Iterator[str]:
        """Yield a clause for a short stall time-out, and one for fields that tcc does not know."""
        yield from impatience(self._section.stall_timeout, KEEP_ALIVE)
        names = unknown(self._section.fields)
        if names:
            yield (
                f"twitter.fields has {', '.join(names[:5])}, which tcc does not know: X refuses "
                "the stream where it does not know a name either"
            )

    def keyword_doubts(self, text: str | None) -> tuple[RefusedTerm, ...]:
        return doubts(text, SYNTAX)

    def credentials(self, others: Mapping[str, Secret]) -> Verdict:
        """Return what the shape of the bearer token tells, or of the keys that buy one."""
        auth = self._auth
        used: dict[str, Secret | None] = {"bearer_token": auth.bearer_token}
        if auth.bearer_token is None:
            used = {"api_key": auth.api_key, "api_secret": auth.api_secret}
        return credentials.verdict(used, others)

    def of_this_machine(self) -> Iterable[tuple[str, Check]]:
        """Return the check of the budget, if there is a budget."""
        return () if self._section.budget is None else (("budget", self.budget),)

    def of_the_network(self) -> Iterable[tuple[str, Check]]:
        """Return the checks that ask X about the app; they change nothing."""
        return (("x api", self.x_api), ("connections", self.connections), ("usage", self.usage))

    async def budget(self) -> Verdict:
        """Return how much of the budget is used, read in a thread: a network's disk may hang."""
        limits = limits_from(self._section.budget)
        identity = await self._in_thread(self._folders.installation.peek)
        path = record_path(self._folders.base_dir, identity.server)
        try:
            record = await self._in_thread(lambda: read_record(path))
        except Illegible as e:
            return warn(str(e))
        return _of_budget(Budget(limits, record, self._wall()))

    async def connections(self) -> Verdict:
        """Return which connections the app has: while one is open, another client gets none."""
        if not await self._has_address():
            return ok("X cannot be asked")
        try:
            found = await self._app.connections()
        except RefusalError as e:
            return ok(f"X does not tell which connections the app has: {e}")
        return ok(f"open: {holders(found)}" if found.open else "none is open")

    async def usage(self) -> Verdict:
        """Return what is used of the plan's posts, a warning if that is nearly all."""
        if not await self._has_address():
            return ok("X cannot be asked")
        try:
            found = await self._app.usage()
        except RefusalError as e:
            return ok(f"X does not say how many posts are used: {e}")
        said = in_words(found)
        return warn(said) if is_nearly_used_up(found.used, found.cap) else ok(said)

    async def _has_address(self) -> bool:
        """Return whether X's name can be resolved, looked up where it holds up nothing."""
        host = urlsplit(self._section.api_url).hostname or ""
        return bool(await self._in_thread(lambda: addresses_of(host)))

    async def x_api(self) -> Verdict:
        """Return whether X gives the app's rules, as it does if the credentials are good."""
        api_url = self._section.api_url
        if not await self._has_address():
            return fail(f"{api_url}: its name cannot be resolved")
        try:
            found = await self._rules.rules()
        except RuleError as e:
            return x_refused(api_url, str(e), e.refusal)
        identity = await self._in_thread(self._folders.installation.peek)
        return x_answers(api_url, found, Ownership(identity))


def _of_budget(found: Budget) -> Verdict:
    """
    Return the verdict on a budget whose file could be read.  While a client runs, the newest part
    of its spending is an estimate.
    """
    clauses = []
    for level in found.levels():
        left = f"{level.limit - level.spent} are left"
        if level.exhausted:
            left = f"and nothing is captured before {utc_minute(found.renewed_at(level))}"
        clauses.append(f"of this {level.name}'s {level.limit} posts {level.used} are used, {left}")
    text = "; ".join(clauses)
    return ok(text) if found.exhausted() is None else warn(text)


def x_answers(api_url: str, rules: Collection[PresentRule], ownership: Ownership) -> Verdict:
    """Return the verdict if X has given the app's `rules`, of which `ownership` knows ours."""
    count = len(rules)
    text = f"{api_url} answers; the app has {count or 'no'} rule{'' if count == 1 else 's'}"
    numbers = Counter(ownership.whose(rule.tag) for rule in rules)
    others = [f"{numbers[whose]} {whose.value}" for whose in Whose if whose is not Whose.OURS]
    named = ", ".join(text for text in others if not text.startswith("0 "))
    if not named:
        return ok(text)
    said = f"{text}, {named}: what they match comes here and is billed; see tcc-rules list"
    is_left_over = numbers[Whose.ELSEWHERE] or numbers[Whose.ANOTHER_TCC]
    return warn(said) if is_left_over else ok(said)


def x_refused(api_url: str, reason: str, refusal: Refusal) -> Verdict:
    """Return the verdict if X has not given the rules, because of `reason`, a clause."""
    said = f" ({refusal.explanation})" if refusal.explanation else ""
    advice = f". {refusal.advice}" if refusal.advice else ""
    return fail(f"{api_url}: {reason}{said}{advice}")
