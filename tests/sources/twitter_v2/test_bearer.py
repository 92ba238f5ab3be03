"""The bearer token: bought when needed, once for all who ask, and never shown."""

import base64
import json
from urllib.parse import unquote

from twisted.internet.defer import CancelledError, Deferred

from tcclient.runtime.backoff import Trouble
from tcclient.runtime.failures import explain
from tcclient.runtime.secrets import Secret
from tcclient.sources.twitter_v2.bearer import MOST_BYTES, TIMEOUT, Bearer, NoToken
from tests.peers import EPOCH
from tests.sources.twitter_v2.xapi import AGENT, GIVEN, KEY, SECRET, XTestCase

CODE_99 = {
    "errors": [
        {
            "code": 99,
            "message": "Unable to verify your credentials",
            "label": "authenticity_token_error",
        }
    ]
}


def ask(bearer: Bearer) -> Deferred[Secret]:
    """The token, as somebody asks for it."""
    return Deferred.fromCoroutine(bearer.token())


class BuyingTests(XTestCase):
    """The request, and the good answer to it."""

    def test_the_request(self) -> None:
        """As X's page "App only" has it: both escaped, then joined, then base64."""
        self.sells("AAA%2Fb%3D")
        token = self.successResultOf(ask(self.bearer()))
        self.assertEqual(token.reveal(), "AAA%2Fb%3D")
        (asked,) = self.x.asked
        self.assertEqual((asked.method, asked.path, asked.query), ("POST", "/oauth2/token", ""))
        self.assertEqual(asked.body, b"grant_type=client_credentials")
        self.assertEqual(
            asked.headers["content-type"], ["application/x-www-form-urlencoded;charset=UTF-8"]
        )
        self.assertEqual(asked.headers["user-agent"], [AGENT])
        self.assertEqual(asked.headers["content-length"], ["29"])
        scheme, _, pair = asked.headers["authorization"][0].partition(" ")
        key, _, secret = base64.b64decode(pair).decode().partition(":")
        self.assertEqual((scheme, unquote(key)), ("Basic", KEY.reveal()))
        self.assertEqual((secret, unquote(secret)), ("QtheQsecretQ%2B%2F%3D", SECRET.reveal()))

    def test_bought_once(self) -> None:
        """X would sell the same one again; asking costs time and a request."""
        self.sells("AAA")
        bearer = self.bearer()
        tokens = [self.successResultOf(ask(bearer)).reveal() for _ in range(3)]
        self.assertEqual((tokens, len(self.x.asked)), (["AAA"] * 3, 1))

    def test_bought_once_for_all_who_ask_at_the_same_time(self) -> None:
        """The stream and the rules begin together."""
        bearer = self.bearer()
        waiting = [ask(bearer) for _ in range(3)]
        for asker in waiting:
            self.assertNoResult(asker)
        self.x.say(200, b'{"token_type":"bearer","access_token":"AAA"}')
        self.client.flush()
        tokens = [self.successResultOf(asker).reveal() for asker in waiting]
        self.assertEqual((tokens, len(self.x.asked)), (["AAA"] * 3, 1))

    def test_the_one_who_buys_gives_up(self) -> None:
        """The next one buys it, for all the others."""
        bearer = self.bearer()
        waiting = [ask(bearer) for _ in range(3)]
        self.sells("AAA")
        waiting[0].cancel()
        self.failureResultOf(waiting[0])
        tokens = [self.successResultOf(asker).reveal() for asker in waiting[1:]]
        self.assertEqual((tokens, len(self.x.asked)), (["AAA"] * 2, 2))

    def test_one_who_waits_gives_up(self) -> None:
        """The purchase of the other goes on."""
        bearer = self.bearer()
        first, second = ask(bearer), ask(bearer)
        second.cancel()
        self.failureResultOf(second, CancelledError)
        self.x.say(200, b'{"token_type":"bearer","access_token":"AAA"}')
        self.client.flush()
        self.assertEqual(self.successResultOf(first).reveal(), "AAA")

    def test_given(self) -> None:
        """Nothing is bought, with or without keys, and nothing else is had when it is refused."""
        for key, secret in ((KEY, SECRET), (None, None)):
            bearer = self.bearer(key, secret, GIVEN)
            self.assertEqual(self.successResultOf(ask(bearer)), GIVEN)
            self.assertFalse(bearer.refused(GIVEN))
            self.assertEqual(self.successResultOf(ask(bearer)), GIVEN)
        self.assertEqual(self.x.asked, [])

    def test_letter_case_of_the_kind(self) -> None:
        """It has none: RFC 6749."""
        self.x.will_say(200, {"token_type": "Bearer", "access_token": "AAA"})
        self.assertEqual(self.successResultOf(ask(self.bearer())).reveal(), "AAA")


class RefusedTokenTests(XTestCase):
    """X does not accept a token any longer."""

    def test_another_one_is_bought(self) -> None:
        """When it is next asked for."""
        bearer = self.bearer()
        self.sells("AAA")
        old = self.successResultOf(ask(bearer))
        self.assertTrue(bearer.refused(old))
        self.sells("BBB")
        self.assertEqual(self.successResultOf(ask(bearer)).reveal(), "BBB")
        self.assertEqual(len(self.x.asked), 2)

    def test_refused_twice_is_bought_once(self) -> None:
        """Stream and rules learn of it separately; the new one is not thrown away."""
        bearer = self.bearer()
        self.sells("AAA")
        old = self.successResultOf(ask(bearer))
        self.assertTrue(bearer.refused(old))
        self.sells("BBB")
        self.successResultOf(ask(bearer))
        self.assertTrue(bearer.refused(old))
        self.assertEqual(self.successResultOf(ask(bearer)).reveal(), "BBB")
        self.assertEqual(len(self.x.asked), 2)


class NoTokenTests(XTestCase):
    """The endpoint does not give one."""

    def refused(self, bearer: Bearer | None = None) -> NoToken:
        """What comes of asking."""
        error = self.failureResultOf(ask(bearer or self.bearer()), NoToken).value
        assert isinstance(error, NoToken)
        return error

    def test_refusals(self) -> None:
        """Status and body -> trouble, and a word of what there is to do."""
        html = b"<html><title>x</title><h1>Over capacity</h1></html>"
        for status, content, trouble, word in (
            (403, CODE_99, Trouble.REFUSED, "api_key and api_secret"),
            (401, CODE_99, Trouble.REFUSED, "api_key and api_secret"),
            (400, b"", Trouble.REFUSED, "api_key and api_secret"),
            *((status, html, Trouble.HTTP, "in between") for status in (400, 401, 403, 404, 503)),
            (404, b"", Trouble.REFUSED, "api_url"),
            (301, b"", Trouble.REFUSED, "api_url"),
            (307, b"", Trouble.REFUSED, "api_url"),
            (429, b"", Trouble.RATE_LIMIT, "Too many"),
            (500, b"", Trouble.HTTP, "passes"),
            (503, b"", Trouble.HTTP, "passes"),
        ):
            self.x.will_say(status, content, Location="https://elsewhere.example/")
            error = self.refused()
            self.assertEqual(str(error), f"the token endpoint answered {status}")
            self.assertIs(error.refusal.trouble, trouble, status)
            self.assertIn(word, error.refusal.advice, status)
        self.assertEqual(set(self.paths), {"/oauth2/token"})

    def test_the_words_of_the_endpoint(self) -> None:
        """They explain it."""
        self.x.will_say(403, CODE_99)
        self.assertEqual(self.refused().refusal.explanation, "Unable to verify your credentials")
        self.x.will_say(503, b"<h1>Over capacity</h1>")
        self.assertEqual(self.refused().refusal.explanation, "Over capacity")

    def test_the_wait_that_is_asked_for(self) -> None:
        """The token endpoint has a rate limit, too."""
        self.x.will_say(429, b"", x_rate_limit_reset=str(int(EPOCH) + 600), Date="")
        self.assertEqual(self.refused().refusal.at_least, 600)

    def test_no_token_in_the_answer(self) -> None:
        """200 is not enough; what could not stand in a header is no token."""
        for content in (
            *(b"", b"<h1>Log in to this network</h1>", b"[]", b"null", b"{}", b"\xff", b"[" * 5000),
            {"access_token": "AAA"},
            {"token_type": "mac", "access_token": "AAA"},
            {"token_type": ["bearer"], "access_token": "AAA"},
            *(
                {"token_type": "bearer", "access_token": token}
                for token in (None, "", 7, ["AAA"], "é", "A A", "A\r\nX-Evil: 1", "A\x00", "\ud800")
            ),
            b"x" * (MOST_BYTES + 1),
        ):
            self.x.will_say(200, content)
            error = self.refused()
            self.assertIs(error.refusal.trouble, Trouble.HTTP, content)
            self.assertNotIn("AAA", str(error))

    def test_neither_token_nor_keys(self) -> None:
        """Nobody is asked."""
        for key, secret in ((None, None), (KEY, None), (None, SECRET)):
            error = self.refused(self.bearer(key, secret))
            self.assertIs(error.refusal.trouble, Trouble.REFUSED)
            self.assertIn("twitter_auth", error.refusal.advice)
        self.assertEqual(self.x.asked, [])

    def test_the_next_one_who_asks(self) -> None:
        """A failure is not remembered as if it were a token."""
        bearer = self.bearer()
        self.x.will_say(503)
        self.refused(bearer)
        self.sells("AAA")
        self.assertEqual(self.successResultOf(ask(bearer)).reveal(), "AAA")

    def test_no_answer_in_time(self) -> None:
        """It is hung up on, and the next one who asks begins anew."""
        bearer = self.bearer()
        waiting = ask(bearer)
        self.clock.advance(TIMEOUT - 0.001)
        self.assertNoResult(waiting)
        self.clock.advance(0.002)
        self.client.flush()
        self.assertEqual(explain(self.failureResultOf(waiting)), "there was no answer in time")
        self.sells("AAA")
        self.assertEqual(self.successResultOf(ask(bearer)).reveal(), "AAA")


class SecrecyTests(XTestCase):
    """Nothing that is shown has a secret in it."""

    def test_repr(self) -> None:
        """Of what has bought a token, and lost one."""
        bearer = self.bearer()
        self.sells("BBBbought")
        token = self.successResultOf(ask(bearer))
        for _ in range(2):
            for secret in (KEY, SECRET, token):
                self.assertNotIn(secret.reveal(), f"{bearer!r} {bearer} {token!r} {token}")
            bearer.refused(token)

    def test_known(self) -> None:
        """What is sent, and what was, for others to leave out: the pair as base64, too."""
        bearer = self.bearer(given=GIVEN)
        pair = base64.b64encode(b"QtheQkeyQ:QtheQsecretQ%2B%2F%3D").decode()
        self.assertEqual(
            {secret.reveal() for secret in bearer.secrets},
            {KEY.reveal(), SECRET.reveal(), GIVEN.reveal(), pair},
        )
        bearer = self.bearer()
        for name in ("BBBold", "BBBnew"):
            self.sells(name)
            bearer.refused(self.successResultOf(ask(bearer)))
        self.sells("BBBnewest")
        self.successResultOf(ask(bearer))
        known = {secret.reveal() for secret in bearer.secrets}
        self.assertLessEqual({"BBBnew", "BBBnewest"}, known)

    def test_an_answer_that_repeats_the_request(self) -> None:
        """As a proxy that wants to help does it."""
        bearer = self.bearer()
        shown = (KEY.reveal(), SECRET.reveal(), "QtheQsecretQ%2B%2F%3D")
        pair = base64.b64encode(b"QtheQkeyQ:QtheQsecretQ%2B%2F%3D").decode()
        for content in (
            f"bad: Authorization: Basic {pair}".encode(),
            json.dumps({"detail": " ".join((*shown, pair))}).encode(),
            json.dumps({"errors": [{"message": f"No {SECRET.reveal()}"}]})
            .replace("/", "\\/")
            .encode(),
        ):
            self.x.will_say(403, content)
            error = self.failureResultOf(ask(bearer), NoToken).value
            assert isinstance(error, NoToken)
            for secret in (*shown, pair):
                self.assertNotIn(secret, f"{error} {error!r} {error.refusal}")
