"""
The v2 end of the simulator: finds out which app asks, and answers.

Knows requests and controls; what X says is decided in changes.py and token.py, streams are opened
in opening.py.
"""

from collections.abc import Callable, Sequence

import attrs
from twisted.web.server import Request

from tcsandbox.twitter.common.connects import ConnectLog
from tcsandbox.twitter.common.faults import Where
from tcsandbox.twitter.common.settings import StreamSettings
from tcsandbox.twitter.common.streams import Streams
from tcsandbox.twitter.common.text import Json
from tcsandbox.twitter.v2 import changes, problems
from tcsandbox.twitter.v2.answering import V2Request, answer_json
from tcsandbox.twitter.v2.app import App
from tcsandbox.twitter.v2.faults import AppFault, ChangePlan, ExpireToken
from tcsandbox.twitter.v2.opening import Opening
from tcsandbox.twitter.v2.plan import Plan
from tcsandbox.twitter.v2.pool import Pool
from tcsandbox.twitter.v2.problems import Denied, Reply
from tcsandbox.twitter.v2.rules import AppRule
from tcsandbox.twitter.v2.token import BearerTokens


class V2Desk:
    """X API v2 for the apps of all accounts; foreign rules concern the first account's app."""

    def __init__(
        self, streams: Streams, connects: ConnectLog, settings: StreamSettings, plan: Plan
    ) -> None:
        self._streams = streams
        self._tokens = BearerTokens(settings.accounts, streams.random)
        self._apps = {
            account.api_key: App(account.api_key, plan, Pool(streams.random), settings.scale)
            for account in settings.accounts
        }
        self._opening = Opening(streams, connects, settings, self._app)

    def token(self, request: Request, asked: V2Request) -> None:
        """Answer a request for a bearer token."""
        given, grant = asked.authorization, asked.form().get("grant_type")
        self._answer(request, "token", lambda: self._tokens.buy(given, grant))

    def invalidate_token(self, request: Request, asked: V2Request) -> None:
        """Answer a request to end a bearer token."""
        given, token = asked.authorization, {**asked.params, **asked.form()}.get("access_token")
        self._answer(request, "token", lambda: self._tokens.invalidate(given, token))

    def rules(self, request: Request, asked: V2Request) -> None:
        """Answer a GET or POST of the rules."""
        act = self._list_rules if asked.method == "GET" else self._change_rules
        self._answer(request, "rules", lambda: act(asked))

    def rule_counts(self, request: Request, asked: V2Request) -> None:
        """Answer a GET of the number of rules."""
        self._answer(request, "rules", lambda: changes.count_rules(self._app(asked)))

    def connect(self, request: Request, asked: V2Request, endpoint: str) -> None:
        """Answer a request for a stream: by an armed fault, a refusal or the stream."""
        self._opening.connect(request, asked, endpoint)

    def change(self, fault: AppFault) -> None:
        """Let `fault` change the tokens, the plan or the rules."""
        if isinstance(fault, ExpireToken):
            self._tokens.expire()
        elif isinstance(fault, ChangePlan):
            for app in self._apps.values():
                app.plan = fault.applied_to(app.plan)
        else:
            self.add_foreign(fault.value, fault.tag)

    def add_foreign(self, value: str, tag: str | None = None) -> str:
        """
        Add a rule as another program with the same keys would; return its id.

        Raise ValueError for a rule that X would not take.
        """
        app, now = self._first(), self._now()
        try:
            done = app.rules.add([(value, tag)], now, app.terms(), dry_run=False)
        except Denied as e:
            raise ValueError(str(e.reply.body["detail"])) from e
        if not done.rules:
            raise ValueError(f"X would not take the rule: {done.errors[0]}")
        self._record("add", done.rules)
        return done.rules[0].id

    def delete_foreign(self, rule_id: str) -> None:
        """Delete a rule as another program would; raise ValueError when it is not there."""
        app = self._first()
        done = app.rules.delete([rule_id], self._now(), app.terms(), dry_run=False)
        if not done.rules:
            raise ValueError(f"There is no rule {rule_id}.")
        self._record("delete", done.rules)

    def state(self) -> Json:
        """Return the first app's rules and plan and the number of tokens sold, ready for JSON."""
        app = self._first() if self._apps else None
        return {
            "rules": [] if app is None else app.rules.state(),
            "tokens": self._tokens.sold,
            "plan": {} if app is None else attrs.asdict(app.plan),
        }

    def _now(self) -> float:
        return self._streams.clock.seconds()

    def _first(self) -> App:
        return next(iter(self._apps.values()))

    def _app(self, asked: V2Request) -> App:
        return self._apps[self._tokens.owner(asked.authorization)]

    def _answer(self, request: Request, where: Where, act: Callable[[], Reply]) -> None:
        """Answer `request` by an armed fault or by `act`, whose Denied is an answer too."""
        fault = self._streams.answer_fault(where)
        if fault is not None:
            fault.answer(request, self._now())
            return
        try:
            reply = act()
        except Denied as e:
            reply = e.reply
        answer_json(request, reply)

    def _list_rules(self, asked: V2Request) -> Reply:
        app, now = self._app(asked), self._now()
        within, headers = app.count("rule_reads", now)
        if not within:
            return problems.too_many_requests(headers)
        return changes.list_rules(app, asked.params, now).with_headers(headers)

    def _change_rules(self, asked: V2Request) -> Reply:
        app, now = self._app(asked), self._now()
        within, headers = app.count("rule_changes", now)
        if not within:
            return problems.too_many_requests(headers)
        try:
            outcome = changes.change_rules(app, asked.params, asked.body, now)
        except Denied as e:
            return e.reply.with_headers(headers)
        self._record(outcome.change, outcome.rules)
        return outcome.reply.with_headers(headers)

    def _record(self, change: str, rules: Sequence[AppRule]) -> None:
        """Write to the journal which rules were changed, and from when on that works."""
        if self._streams.journal is None:
            return
        for rule in rules:
            when = rule.effective if change == "add" else rule.ends
            what: Json = {"id": rule.id, "value": rule.value, "tag": rule.tag}
            self._streams.journal.remark({"change": change, **what, "effective": when})
