"""The v2 end of the simulator: which URLs there are, which app asks, and what is answered."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import attrs
from twisted.web.server import Request

from tcsandbox.twitter.common.answers import Route
from tcsandbox.twitter.common.asking import SimulatorRequest, read_request
from tcsandbox.twitter.common.faults import Where
from tcsandbox.twitter.common.streams import Streams
from tcsandbox.twitter.common.text import Json
from tcsandbox.twitter.v2 import changes, problems
from tcsandbox.twitter.v2.app import App
from tcsandbox.twitter.v2.connections import ENDPOINTS, AppConnections
from tcsandbox.twitter.v2.faults import AppFault, ChangePlan, ExpireToken
from tcsandbox.twitter.v2.opening import SAMPLE, SEARCH, Opening
from tcsandbox.twitter.v2.plan import Plan
from tcsandbox.twitter.v2.pool import Pool
from tcsandbox.twitter.v2.problems import Denied, Reply
from tcsandbox.twitter.v2.rules import AppRule
from tcsandbox.twitter.v2.token import BearerTokens


class V2Desk:
    """X API v2 for the apps of all accounts; foreign rules concern the first account's app."""

    def __init__(self, streams: Streams, plan: Plan) -> None:
        self._streams = streams
        settings = streams.settings
        self._tokens = BearerTokens(settings.accounts, streams.random)
        self._apps = {
            account.api_key: App(
                plan, Pool(streams.random), AppConnections(streams.random), settings.scale
            )
            for account in settings.accounts
        }
        self._opening = Opening(streams, self._app)

    def routes(self) -> Iterator[Route]:
        """Yield the URLs of v2."""
        rules, post = f"/2/tweets/{SEARCH}/rules", {b"POST"}
        yield "/oauth2/token", post, self._answering("token", self._buy_token)
        yield "/oauth2/invalidate_token", post, self._answering("token", self._invalidate_token)
        yield rules, {b"GET", b"POST"}, self._answering("rules", self._rules)
        counted = self._answering("rules", lambda asked: changes.count_rules(self._app(asked)))
        yield f"{rules}/counts", {b"GET"}, counted
        for endpoint in (SEARCH, SAMPLE):
            connect = self._streams.connecting(endpoint, self._opening.answer)
            yield f"/2/tweets/{endpoint}", {b"GET"}, connect

        yield "/2/usage/tweets", {b"GET"}, self._answering("usage", self._usage)
        connections = self._answering("connections", self._connections)
        yield "/2/connections", {b"GET", b"DELETE"}, connections
        for ended in ("all", *ENDPOINTS.values()):
            yield f"/2/connections/{ended}", {b"DELETE"}, connections

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
        """Add a rule as another program would, and return its id; raise ValueError if X refuses."""
        app, now = self._first(), self._now()
        try:
            done = app.rules.add([(value, tag)], now, app.plan, dry_run=False)
        except Denied as e:
            raise ValueError(str(e.reply.body["detail"])) from e
        if not done.rules:
            raise ValueError(f"X would not take the rule: {done.errors[0]}")
        self._record("add", done.rules)
        return done.rules[0].id

    def delete_foreign(self, rule_id: str) -> None:
        """Delete a rule as another program would; raise ValueError when it is not there."""
        app = self._first()
        done = app.rules.delete([rule_id], self._now(), app.plan, dry_run=False)
        if not done.rules:
            raise ValueError(f"There is no rule {rule_id}.")
        self._record("delete", done.rules)

    def state(self) -> Json:
        """Return the first app's rules and plan and the number of tokens sold, ready for JSON."""
        app, sold = self._first(), self._tokens.sold
        return {"rules": app.rules.state(), "tokens": sold, "plan": attrs.asdict(app.plan)}

    def _now(self) -> float:
        return self._streams.clock.seconds()

    def _first(self) -> App:
        return next(iter(self._apps.values()))

    def _app(self, asked: SimulatorRequest) -> App:
        return self._apps[self._tokens.owner(asked.signed.authorization)]

    def _answering(
        self, where: Where, act: Callable[[SimulatorRequest], Reply]
    ) -> Callable[[Request], None]:
        """Return what answers by an armed fault or by `act`, whose Denied is an answer too."""

        def respond(request: Request) -> None:
            asked = read_request(request)
            fault = self._streams.answer_fault(where)
            if fault is not None:
                fault.answer(request, self._now())
                return
            try:
                reply = act(asked)
            except Denied as e:
                reply = e.reply
            reply.send(request)

        return respond

    def _buy_token(self, asked: SimulatorRequest) -> Reply:
        return self._tokens.buy(asked.signed.authorization, asked.form().get("grant_type"))

    def _invalidate_token(self, asked: SimulatorRequest) -> Reply:
        token = {**asked.query, **asked.form()}.get("access_token")
        return self._tokens.invalidate(asked.signed.authorization, token)

    def _rules(self, asked: SimulatorRequest) -> Reply:
        """Answer a GET or POST of the rules within the rate limit, which its headers tell."""
        app, now = self._app(asked), self._now()
        if asked.signed.method == "GET":
            reading = partial(changes.list_rules, app, asked.query, now)
            return _limited(app, "rule_reads", now, reading)
        return _limited(app, "rule_changes", now, lambda: self._change_rules(app, asked, now))

    def _change_rules(self, app: App, asked: SimulatorRequest, now: float) -> Reply:
        outcome = changes.change_rules(app, asked.query, asked.body, now)
        self._record(outcome.change, outcome.rules)
        return outcome.reply

    def _usage(self, asked: SimulatorRequest) -> Reply:
        """Answer a GET of the usage within its rate limit."""
        app, now = self._app(asked), self._now()
        return _limited(app, "usage_reads", now, lambda: app.used(now).told(asked.query, app.plan))

    def _connections(self, asked: SimulatorRequest) -> Reply:
        """Answer a GET or DELETE of the app's connections within their rate limits."""
        app, now = self._app(asked), self._now()
        if not app.plan.connections_api:
            return problems.forbidden("official-client-forbidden")
        known, last = app.connections, asked.signed.url.rpartition("/")[2]
        if asked.signed.method == "GET":
            return _limited(app, "connection_reads", now, lambda: known.listed(asked.query, now))
        if last == "connections":
            return _limited(app, "connection_ends", now, lambda: known.end_by_id(asked.body, now))
        endpoint = None if last == "all" else last
        return _limited(app, "connection_ends", now, lambda: known.end_all(endpoint, now))

    def _record(self, change: str, rules: Sequence[AppRule]) -> None:
        """Write to the journal which rules were changed, and from when on that works."""
        if self._streams.journal is None:
            return
        for rule in rules:
            when = rule.effective if change == "add" else rule.ends
            what: Json = {"id": rule.id, "value": rule.value, "tag": rule.tag}
            self._streams.journal.remark({"change": change, **what, "effective": when})


def _limited(app: App, endpoint: str, now: float, act: Callable[[], Reply]) -> Reply:
    """Answer within a rate limit, which the headers tell; raise Denied as `act` does."""
    within, headers = app.count(endpoint, now)
    if not within:
        return problems.TOO_MANY_REQUESTS.with_headers(headers)
    try:
        return act().with_headers(headers)
    except Denied as e:
        raise Denied(e.reply.with_headers(headers)) from e
