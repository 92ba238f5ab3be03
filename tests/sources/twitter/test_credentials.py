"""What the shapes of Twitter's credentials tell: which are surely wrong, and which pass."""

import attrs
from twisted.trial.unittest import SynchronousTestCase

from tcclient.runtime.secrets import Secret
from tcclient.runtime.verdicts import Outcome, Verdict, ok
from tcclient.sources.twitter_v1.settings import Keys
from tcclient.sources.twitter_v2.settings import V2Auth
from tcsandbox.twitter import SANDBOX_CREDENTIALS
from tests.sources.twitter_v1.test_checks import v1_checks
from tests.sources.twitter_v2.test_checks import v2_checks

TOKEN = "9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b"
SANDBOX_AUTH = attrs.asdict(SANDBOX_CREDENTIALS)
# Of the lengths that Twitter's have.
REAL_AUTH = {
    "api_key": "k" * 25,
    "api_secret": "s" * 50,
    "access_token": "1234567890-" + "t" * 40,
    "access_token_secret": "u" * 45,
}
BEARER_TOKEN = "A" * 22 + "b%3D" * 20
PLAUSIBLE = (
    "api_key, api_secret, access_token and access_token_secret of twitter_auth look plausible"
)


def credentials(token: str = TOKEN, api: str = "1.1", **changes: str) -> Verdict:
    """Return the verdict of an API on good credentials with these changes."""
    values = {**REAL_AUTH, **changes}
    names = (V2Auth if api == "2" else Keys).__struct_fields__
    used = {name: Secret(value) for name, value in values.items() if name in names}
    checks = v2_checks(auth=V2Auth(**used)) if api == "2" else v1_checks(keys=Keys(**used))
    return checks.credentials({"server.auth_token": Secret(token)})


class CredentialsTests(SynchronousTestCase):
    """The shapes that are surely wrong, and those that pass."""

    def refused(self, clause: str, **changes: str) -> None:
        """The credentials with these changes are refused for this reason."""
        self.assertEqual(
            credentials(**changes), Verdict(Outcome.FAIL, f"in twitter_auth {clause}"), changes
        )

    def test_twitters_and_the_sandboxs_pass(self) -> None:
        """The oldest ones of Twitter too, which were shorter."""
        old = {"api_key": "k" * 18, "api_secret": "s" * 40, "access_token_secret": "u" * 40}
        for changes in ({}, old, SANDBOX_AUTH):
            self.assertEqual(credentials(**changes).outcome, Outcome.OK)

    def test_an_access_token_begins_with_its_users_number(self) -> None:
        """Digits, a hyphen, and something after it."""
        for token in ("t" * 50, "1234567890", "1234567890-", "-tttt", "12a-tttt"):
            clause = "access_token does not begin with a user's number and a hyphen"
            self.refused(clause, access_token=token)
        self.assertEqual(credentials(access_token="1-t").outcome, Outcome.OK)

    def test_the_same_value_twice(self) -> None:
        """Also where the server's token was pasted into the wrong place."""
        self.refused(
            "api_secret and access_token_secret have the same value",
            access_token_secret=REAL_AUTH["api_secret"],
        )
        self.refused("api_key and server.auth_token have the same value", token="k" * 25)

    def test_a_swapped_key_and_secret(self) -> None:
        """A key of 36 and a secret of 30 characters are the first that surely are."""
        clause = "api_key and api_secret seem to be swapped: the key is the shorter one"
        self.refused(clause, api_key="k" * 50, api_secret="s" * 25)
        self.refused(clause, api_key="k" * 36, api_secret="s" * 30)
        self.assertEqual(credentials(api_key="k" * 35, api_secret="s" * 30).outcome, Outcome.OK)
        self.assertEqual(credentials(api_key="k" * 36, api_secret="s" * 31).outcome, Outcome.OK)

    def test_a_swapped_access_token_and_its_secret(self) -> None:
        """The one with the user's number stands in the other's place."""
        self.refused(
            "access_token and access_token_secret seem to be swapped",
            access_token=REAL_AUTH["access_token_secret"],
            access_token_secret=REAL_AUTH["access_token"],
        )

    def test_a_bearer_token_is_none_of_the_four(self) -> None:
        """It begins with many As and is long."""
        self.refused("api_key is a bearer token", api_key=BEARER_TOKEN)

    def test_a_value_pasted_with_its_quotation_marks(self) -> None:
        """Or with a comma, or in the brackets of a placeholder."""
        clause = "has a quotation mark, bracket or comma at its beginning or end"
        for value in ('"sss"', "sss,", "<sss"):
            self.refused(f"api_secret {clause}", api_secret=value)
        self.refused(f"access_token {clause}", access_token="'1234-ttt'")

    def test_all_faults_are_named_and_no_value(self) -> None:
        """One line for all of them."""
        verdict = credentials(api_key="'kkkkkkkk", access_token="tttttttttt")
        self.assertEqual(
            verdict.text,
            "in twitter_auth access_token does not begin with a user's number and a hyphen; "
            "api_key has a quotation mark, bracket or comma at its beginning or end",
        )

    def test_those_that_v2_does_not_use_may_be_anything(self) -> None:
        """The pair without the account's token, and a bearer token without the pair."""
        verdict = credentials(api="2", access_token="'t'", access_token_secret=REAL_AUTH["api_key"])
        self.assertEqual(verdict, ok("api_key and api_secret of twitter_auth look plausible"))
        verdict = credentials(api="2", api_key="'k'", api_secret=TOKEN, bearer_token=BEARER_TOKEN)
        self.assertEqual(verdict, ok("bearer_token of twitter_auth looks plausible"))
        verdict = credentials(bearer_token="'b'")
        self.assertEqual(verdict, ok(PLAUSIBLE))

    def test_those_that_v2_uses(self) -> None:
        """They have their shapes, and the server's token is none of them."""
        clause = "api_key and api_secret seem to be swapped: the key is the shorter one"
        self.refused(clause, api="2", api_key="k" * 50, api_secret="s" * 25)
        self.refused("api_secret is a bearer token", api="2", api_secret=BEARER_TOKEN)
        clause = "bearer_token and server.auth_token have the same value"
        self.refused(clause, api="2", bearer_token=TOKEN)
        clause = "bearer_token has a quotation mark, bracket or comma at its beginning or end"
        self.refused(clause, api="2", bearer_token=f"{BEARER_TOKEN},")
