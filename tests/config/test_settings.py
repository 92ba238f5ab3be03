"""Behaviour of the settings file: what loads, and the one sentence when it does not."""

import copy
import json
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec.structs import FieldInfo, fields
from twisted.trial.unittest import SynchronousTestCase

from tcclient.config import values
from tcclient.config.schema import _meta, _section
from tcclient.config.settings import Settings, SettingsError, load, shape_for
from tcclient.runtime import addresses, secrets
from tcclient.runtime.secrets import Secret, Unfit
from tcclient.sources.registry import KINDS
from tcclient.sources.source import SourceKind
from tcclient.sources.twitter_v1.configured import TwitterV1
from tcclient.sources.twitter_v2.configured import TwitterV2
from tests import DEPTH

ROOT = Path(__file__).parents[2]

SECRETS = {
    "api_key": "KeyOfTheApp0001",
    "api_secret": "SecretOfTheApp0002",
    "access_token": "12345-TokenOfTheUser0003",
    "access_token_secret": "SecretOfTheUser0004",
}
KEY_AND_SECRET = {name: SECRETS[name] for name in ("api_key", "api_secret")}
BEARER_TOKEN = "AAAABearerTokenOfTheApp0005%3D"
TOKEN = "9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b"

MINIMAL: dict[str, Any] = {
    "server": {"base_url": "https://captures.example.org/api", "client_id": 7, "auth_token": TOKEN},
    "twitter_auth": SECRETS,
}

# The example that the project has always shown its users, with its placeholders filled in.  It is
# older than the section `twitter`.
OLD_EXAMPLE = """
{

    "server": {
        "base_url": "http://127.0.0.1:8000/api/",
        "client_id": 1,
        "auth_token": "9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b",
        "ping_interval": 10.0,
        "update_interval": 30.0
    },


    "twitter_auth": {
        "api_key": "KeyOfTheApp0001",
        "api_secret": "SecretOfTheApp0002",
        "access_token": "12345-TokenOfTheUser0003",
        "access_token_secret": "SecretOfTheUser0004"
    },

    "source_addr": "127.0.0.1",

    "output": {
        "base_dir": "./data/",
        "extension": ".json",
        "temporary_extension": ".tmp",
        "minute_interval": 10,
        "filename_timefmt": "%Y%m%d_%H%M"
    },

    "logging": {
        "version": 1,
        "disable_existing_loggers": false,

        "formatters" : {
            "default" : {
                "format": "%(asctime)s %(levelname)-8s %(name)-15s %(message)s",
                                "datefmt": "%Y-%m-%d %H:%M:%S"
            }
        },

        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "level": "DEBUG",
                "formatter": "default",
                "stream": "ext://sys.stdout"
            },

            "error_file_handler": {
            "class": "logging.handlers.RotatingFileHandler",
            "level": "ERROR",
            "formatter": "default",
            "filename": "logs/54/errors.log",
            "maxBytes": 10485760,
            "backupCount": 20,
            "encoding": "utf8"
            }
        },
        "loggers": {
            "twitter_monitor.listener": {
                "level": "WARN",
                "handlers": ["console"],
                "propagate": "no"
            },
            "requests.packages.urllib3.connectionpool": {
                "level": "WARN",
                "handlers": ["console"],
                "propagate": "no"
            }
        },

       "root": {
            "level": "DEBUG",
            "handlers": [
                "console",
                "error_file_handler"
            ]
        }
    }
}
"""


def with_value(place: str, value: object) -> dict[str, Any]:
    """The minimal document with `value` at a dotted place; sections are made on the way."""
    document = copy.deepcopy(MINIMAL)
    *sections, key = place.split(".")
    inner = document
    for section in sections:
        inner = inner.setdefault(section, {})
    inner[key] = value
    return document


def v2(settings: Settings) -> TwitterV2:
    """Return the source that settings have, which is v2."""
    assert isinstance(settings.source, TwitterV2)
    return settings.source


def credentials(settings: Settings) -> dict[str, str]:
    """Return the credentials that the source of the settings has, by the names of their keys."""
    source = settings.source
    assert isinstance(source, TwitterV1 | TwitterV2)
    auth = source.keys if isinstance(source, TwitterV1) else source.auth
    named = {name: getattr(auth, name, None) for name in (*SECRETS, "bearer_token")}
    return {name: secret.reveal() for name, secret in named.items() if secret is not None}


def as_in_the_file(settings: Settings) -> Any:
    """Return an object with a settings file's keys, for what was made of them."""
    (twitter,) = settings.sections
    auth = settings.source.auth if isinstance(settings.source, TwitterV2) else None
    return SimpleNamespace(
        server=settings.server,
        twitter_auth=auth,
        twitter=twitter,
        source_addr=settings.source_addr,
        output=settings.output,
        logging=settings.logging,
    )


def keys_of(kind: SourceKind) -> dict[str, FieldInfo]:
    """Return the top-level keys of a file that asks for such a source."""
    return {field.name: field for field in fields(shape_for(kind, KINDS))}


def without(place: str) -> dict[str, Any]:
    """Return the minimal document without what is at a dotted place."""
    document = copy.deepcopy(MINIMAL)
    *sections, key = place.split(".")
    inner = document
    for section in sections:
        inner = inner[section]
    del inner[key]
    return document


class SettingsTestCase(SynchronousTestCase):
    """Has a folder of its own with a settings file in it."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.path = self.folder / "settings.json"

    def load(self, content: object, environ: dict[str, str] | None = None) -> Settings:
        if isinstance(content, bytes):
            self.path.write_bytes(content)
        elif isinstance(content, str):
            self.path.write_text(content)
        else:
            self.path.write_text(json.dumps(content))
        return load(self.path, environ or {})

    def refusal(self, content: object, environ: dict[str, str] | None = None) -> str:
        """The sentence, without the file's name that it must begin with."""
        error = self.assertRaises(SettingsError, self.load, content, environ)
        file, sentence = (
            str(error)[: len(str(self.path)) + 2],
            str(error)[len(str(self.path)) + 2 :],
        )
        self.assertEqual(file, f"{self.path}: ")
        self.assertNotIn("\n", sentence)
        return sentence


class DefaultsTests(SettingsTestCase):
    def test_only_server_and_credentials_are_required(self) -> None:
        """Everything else has the documented default."""
        loaded = self.load(MINIMAL)
        self.assertEqual(loaded.path, self.path)
        self.assertEqual(loaded.server.base_url, "https://captures.example.org/api/")
        self.assertEqual(loaded.server.client_id, 7)
        self.assertEqual(loaded.server.ping_interval, 10.0)
        self.assertEqual(loaded.server.update_interval, 30.0)
        self.assertIsNone(v2(loaded).auth.bearer_token)
        twitter = v2(loaded).section
        self.assertEqual(twitter.api, "2")
        self.assertIsNone(twitter.stall_timeout)
        self.assertEqual(twitter.api_url, "https://api.x.com/")
        self.assertIsNone(twitter.fields)
        self.assertEqual(twitter.rule_length, 1024)
        self.assertEqual(twitter.rule_delay, 20.0)
        self.assertIs(twitter.backfill, False)
        self.assertIs(twitter.stock_http, False)
        self.assertIsNone(twitter.budget)
        self.assertEqual(twitter.post_price, 0.005)
        v1 = self.load(with_value("twitter.api", "1.1")).source
        assert isinstance(v1, TwitterV1)
        self.assertEqual(v1.section.stream_url, "https://stream.twitter.com/1.1/")
        self.assertEqual((v1.section.stall_timeout, v1.section.stock_http), (None, False))
        self.assertIsNone(loaded.source_addr)
        self.assertEqual(loaded.output.base_dir, self.folder / "data")
        self.assertEqual(loaded.output.extension, ".json")
        self.assertEqual(loaded.output.temporary_extension, ".tmp")
        self.assertEqual(loaded.output.minute_interval, 10)
        self.assertEqual(loaded.output.filename_timefmt, "%Y%m%d_%H%M")
        self.assertIs(loaded.output.utc, False)
        self.assertEqual(loaded.output.flush_interval, 0.14)
        self.assertEqual(loaded.output.fsync_interval, 1.0)
        self.assertEqual(loaded.output.min_free_bytes, 100_000_000)
        self.assertIsNone(loaded.logging)

    def test_the_projects_old_example_loads(self) -> None:
        """
        Every key of the old example is taken at its value, the logging section untouched; where it
        asked v1.1, v2 is asked with the same keys.
        """
        loaded = self.load(OLD_EXAMPLE)
        self.assertEqual(v2(loaded).section.api, "2")
        self.assertEqual(credentials(loaded), KEY_AND_SECRET)
        asked_for_v1 = self.load({**json.loads(OLD_EXAMPLE), "twitter": {"api": "1.1"}})
        self.assertEqual(credentials(asked_for_v1), SECRETS)
        self.assertEqual(loaded.source_addr, "127.0.0.1")
        self.assertEqual(loaded.output.base_dir, self.folder / "data")
        self.assertEqual(loaded.logging, json.loads(OLD_EXAMPLE)["logging"])

    def test_the_shipped_example_has_every_key_and_its_default(self) -> None:
        """With its placeholders filled, settings.example.json is the defaults written out."""
        example = json.loads((ROOT / "settings.example.json").read_text())
        example["server"] |= MINIMAL["server"]
        example["twitter_auth"] |= KEY_AND_SECRET
        loaded = self.load(example)
        minimal = self.load(with_value("twitter_auth", KEY_AND_SECRET))
        for part in ("server", "sections", "source_addr", "output"):
            self.assertEqual(getattr(loaded, part), getattr(minimal, part))
        self.assertEqual(vars(loaded.source), vars(minimal.source))
        for kind in KINDS:
            sections = keys_of(kind)
            self.assertEqual(example.keys(), sections.keys())
            for section in ("server", "twitter_auth", "twitter", "output"):
                names = [field.name for field in fields(sections[section].type)]
                # The default of push_url is another one with each base_url.
                self.assertCountEqual(example[section], [n for n in names if n != "push_url"])

    def test_the_shipped_example_as_it_is_names_what_to_fill_in(self) -> None:
        """All placeholders are named at once, so that one round is enough for v2."""
        sentence = self.refusal((ROOT / "settings.example.json").read_text())
        self.assertEqual(
            sentence,
            "$.server.base_url must be filled in, found a placeholder <...> (so must "
            "$.server.auth_token, $.twitter_auth.api_key, $.twitter_auth.api_secret)",
        )

    def test_every_key_says_what_it_expects(self) -> None:
        """Each key that is no section has the description that its sentences are made with."""
        for kind in KINDS:
            leaves = []
            sections = [*keys_of(kind).values()]
            while sections:
                field = sections.pop()
                section = _section(field)
                if section:
                    sections += fields(section)
                else:
                    leaves.append(_meta(field).description)
            self.assertGreaterEqual(len(leaves), 25)
            self.assertTrue(all(leaves))

    def test_the_fingerprint(self) -> None:
        """Equal for equal settings; other secrets change nothing, other settings do."""
        ours = self.load(with_value("output.utc", False)).fingerprint()
        self.assertEqual(len(ours), 64)
        for place, value, alike in (
            ("output.utc", False, True),
            ("server.auth_token", "another", True),
            ("twitter_auth.api_secret", "another", True),
            ("logging", {"version": 1}, True),
            ("server.ping_interval", 11.0, False),
            ("server.push_url", None, True),
            ("output.utc", True, False),
            ("twitter.post_price", 0.01, True),
            ("output.flush_interval", 0.14, True),
            ("output.flush_interval", 0.2, False),
            ("output.duplicates", "drop", True),
            ("output.duplicates", "keep", False),
        ):
            other = self.load(with_value(place, value)).fingerprint()
            self.assertEqual(other == ours, alike, place)

    def test_the_fingerprint_of_release_1_0_0(self) -> None:
        """
        The example, with its placeholders filled in, has the hash that it had there: an update of
        the client does not look like a change of settings.
        """
        example = json.loads((ROOT / "settings.example.json").read_text())
        example["server"] |= MINIMAL["server"]
        example["twitter_auth"] |= SECRETS
        example["output"]["base_dir"] = "/srv/tcc/data"
        for api, fingerprint in (
            ("2", "ba9a6d03effe54530463676f3fcd014bd57ce2f77092642a7c83edce945f4748"),
            ("1.1", "22a9c3b12eae7cf61927f1e93caefed1270164f113956ae2571524f9edce4221"),
        ):
            example["twitter"]["api"] = api
            self.assertEqual(self.load(example).fingerprint(), fingerprint, api)

    def test_a_relative_path_is_made_absolute(self) -> None:
        """Folders are counted from the settings file wherever twistd goes later."""
        self.load(MINIMAL)
        loaded = load(Path(self.path.relative_to(Path.cwd())), {})
        self.assertEqual(loaded.path, self.path)
        self.assertEqual(loaded.output.base_dir, self.folder / "data")


class AcceptedTests(SettingsTestCase):
    def test_values(self) -> None:
        """What is allowed, and the form in which the program sees it."""
        table: list[tuple[str, object, object]] = [
            ("server.base_url", "http://127.0.0.1:8000", "http://127.0.0.1:8000/"),
            ("server.base_url", "http://h.example/api///", "http://h.example/api/"),
            ("server.base_url", "HTTPS://h.example/", "https://h.example/"),
            ("server.base_url", "http://[::1]:8000/api", "http://[::1]:8000/api/"),
            ("server.base_url", "http://a_host/%7Eme", "http://a_host/%7Eme/"),
            ("server.client_id", 1, 1),
            ("server.push_url", None, None),
            ("server.push_url", "wss://h:8443/live", "wss://h:8443/live/"),
            ("server.ping_interval", 1, 1.0),
            ("server.ping_interval", 0.1, 0.1),
            ("server.update_interval", 86400, 86400.0),
            ("twitter_auth.bearer_token", None, None),
            ("twitter_auth.bearer_token", BEARER_TOKEN, Secret(BEARER_TOKEN)),
            ("twitter.api", "2", "2"),
            ("twitter.api", "1.1", "1.1"),
            ("twitter.api_url", "http://127.0.0.1:9999", "http://127.0.0.1:9999/"),
            ("twitter.fields", None, None),
            ("twitter.fields", {"poll.fields": []}, {"poll.fields": []}),
            ("twitter.fields", {"tweet.fields": ["new.name"]}, {"tweet.fields": ["new.name"]}),
            ("twitter.rule_length", 128, 128),
            ("twitter.rule_length", 2048, 2048),
            ("twitter.rule_delay", 1e-9, 1e-9),
            ("twitter.rule_delay", 3600, 3600.0),
            ("twitter.backfill", True, True),
            ("twitter.stock_http", True, True),
            ("twitter.budget", None, None),
            ("twitter.post_price", None, None),
            ("twitter.post_price", 0.000001, 0.000001),
            ("twitter.post_price", 1000, 1000.0),
            ("twitter.budget", {"posts_per_day": 1}, {"posts_per_day": 1}),
            ("twitter.budget", {"posts_per_month": 10**9}, {"posts_per_month": 10**9}),
            (
                "twitter.budget",
                {"posts_per_day": None, "posts_per_month": 5},
                {"posts_per_day": None, "posts_per_month": 5},
            ),
            ("twitter.stream_url", "http://127.0.0.1:9999/1.1", "http://127.0.0.1:9999/1.1/"),
            ("twitter.stall_timeout", None, None),
            ("twitter.stall_timeout", 1e-9, 1e-9),
            ("twitter.stall_timeout", 86400, 86400.0),
            ("source_addr", None, None),
            ("source_addr", "192.0.2.7", "192.0.2.7"),
            ("source_addr", "2001:DB8::7", "2001:db8::7"),
            ("output.base_dir", "/srv/tweets", Path("/srv/tweets")),
            ("output.extension", ".jsonl", ".jsonl"),
            ("output.extension", ".ü", ".ü"),
            ("output.temporary_extension", ".being.written", ".being.written"),
            ("output.minute_interval", 1, 1),
            ("output.minute_interval", 60, 60),
            ("output.filename_timefmt", "-%Y-%m-%dT%H.%M", "-%Y-%m-%dT%H.%M"),
            ("output.filename_timefmt", "%Y%j%I%M%p", "%Y%j%I%M%p"),
            ("output.filename_timefmt", "%Y%m%d_%H%M%%Q", "%Y%m%d_%H%M%%Q"),
            ("output.utc", True, True),
            ("output.flush_interval", 0, 0.0),
            ("output.flush_interval", 10, 10.0),
            ("output.fsync_interval", 0.001, 0.001),
            ("output.fsync_interval", 3600, 3600.0),
            ("output.min_free_bytes", 0, 0),
            ("output.duplicates", "keep", "keep"),
            ("logging", None, None),
            ("logging", {"a": "<b>", "c": {"env": "D"}}, {"a": "<b>", "c": {"env": "D"}}),
        ]
        for place, written, seen in table:
            value: Any = as_in_the_file(self.load(with_value(place, written)))
            for key in place.split("."):
                value = getattr(value, key)
            self.assertEqual(value, seen, place)
            self.assertIs(type(value), type(seen) if place != "output.base_dir" else type(value))

    def test_hours_need_no_minutes_when_a_slot_is_an_hour(self) -> None:
        """What a time format must tell apart depends on minute_interval."""
        document = with_value("output", {"minute_interval": 60, "filename_timefmt": "%Y%m%d%H"})
        self.assertEqual(self.load(document).output.filename_timefmt, "%Y%m%d%H")
        document["output"]["minute_interval"] = 59
        self.assertIn("two neighbouring slots", self.refusal(document))

    def test_a_byte_order_mark_is_no_mistake(self) -> None:
        """Some editors put one in front."""
        content = b"\xef\xbb\xbf" + json.dumps(MINIMAL).encode()
        self.assertEqual(self.load(content).server.client_id, 7)


class CredentialsTests(SettingsTestCase):
    """Which of the credentials must be there depends on the API that they are for."""

    def auth(self, api: str, **auth: str | None) -> dict[str, Any]:
        return {**MINIMAL, "twitter_auth": auth, "twitter": {"api": api}}

    def test_what_is_enough(self) -> None:
        """v2 needs a bearer token, or the pair that buys one; v1.1 needs four keys."""
        bearer = {"bearer_token": BEARER_TOKEN}
        for api, auth in (
            ("2", bearer),
            ("2", KEY_AND_SECRET),
            ("2", {**KEY_AND_SECRET, **bearer}),
            ("2", {**bearer, "api_key": SECRETS["api_key"], "api_secret": None}),
            ("2", SECRETS),
            ("1.1", SECRETS),
            ("1.1", {**SECRETS, **bearer}),
        ):
            used = ("api_key", "api_secret", "bearer_token") if api == "2" else SECRETS
            expected = {name: value for name, value in auth.items() if value and name in used}
            self.assertEqual(credentials(self.load(self.auth(api, **auth))), expected)

    def test_all_are_known(self) -> None:
        """Those that the API does not use are kept out of sight as well."""
        everything = {**SECRETS, "bearer_token": BEARER_TOKEN}
        for api in ("2", "1.1"):
            settings = self.load(self.auth(api, **everything))
            shown = {secret.reveal() for secret in settings.secrets}
            self.assertEqual(shown, set(everything.values()))

    def test_what_the_other_api_would_refuse(self) -> None:
        """A value that is wrong is said to be, whichever API is chosen."""
        for key, value in (("fields", {"fields": []}), ("budget", {"posts_per_day": 0})):
            for api in ("2", "1.1"):
                document = {**self.auth(api, **SECRETS), "twitter": {"api": api, key: value}}
                self.assertTrue(self.refusal(document).startswith(f"$.twitter.{key} must be "))

    def test_what_is_missing(self) -> None:
        """The first that is not there, and all that the API needs; null is not there either."""
        pair = "API 2 needs bearer_token, or api_key and api_secret"
        four = "API 1.1 needs api_key, api_secret, access_token and access_token_secret"
        for api, missing, needs in (
            ("2", "api_key", pair),
            ("2", "api_secret", pair),
            *(("1.1", name, four) for name in SECRETS),
        ):
            rest = {name: value for name, value in SECRETS.items() if name != missing}
            for auth in (rest, {**rest, missing: None}):
                self.assertEqual(
                    self.refusal(self.auth(api, **auth)),
                    f"$.twitter_auth.{missing} must have a value: {needs}",
                )
        self.assertTrue(self.refusal(self.auth("2")).startswith("$.twitter_auth.api_key must"))
        alone = self.auth("1.1", bearer_token=BEARER_TOKEN)
        self.assertTrue(self.refusal(alone).startswith("$.twitter_auth.api_key must have"))


class RefusedValueTests(SettingsTestCase):
    SECONDS = "must be a number of seconds from 0.1 to 86400, found "
    DELAY = "must be a number of seconds above 0, 3600 at most, found "
    PRICE = "must be a number of US dollars from 0.000001 to 1000, or null, found "
    STALL = (
        "must be a number of seconds above 0, 86400 at most, or null for 30 s on v2 and 90 s on "
        "v1.1, found "
    )
    URL = "must be an http:// or https:// address without user, query and fragment, found "
    DOT = "must be a dot and the characters after it, without / and white space, found "
    FORMAT = "must be a strftime format that names every slot differently, in at most 64 bytes "
    CHANNEL = "must be a ws:// or wss:// address without user, query and fragment, or null, found "
    MINUTES = "must be a whole number of minutes from 1 to 60, found "
    FIELDS = 'must be an object of lists such as {"tweet.fields": ["created_at"]}, or null, found '
    BUDGET = (
        'must be {"posts_per_day": 10000, "posts_per_month": 200000}, one of them or both, '
        "whole numbers from 1 up, or null, found "
    )
    LENGTH = "must be a whole number of characters from 128 to 2048, found "
    TABLE: tuple[tuple[str, object, str], ...] = (
        ("server", [], "must be an object, found an array"),
        ("output", None, "must be an object, found null"),
        ("server.push_url", "https://h/", CHANNEL + "an address that does not begin with ws:// or"),
        ("server.push_url", "wss://me:x@h/", CHANNEL + "a user name or a password in it"),
        ("server.push_url", False, CHANNEL + "false"),
        ("server.ping_interval", 0, SECONDS + "0"),
        ("server.ping_interval", -0.5, SECONDS + "-0.5"),
        ("server.ping_interval", "10", SECONDS + '"10"'),
        ("server.ping_interval", True, SECONDS + "true"),
        ("server.ping_interval", None, SECONDS + "null"),
        ("server.ping_interval", math.inf, SECONDS + "Infinity"),
        ("server.ping_interval", math.nan, SECONDS + "NaN"),
        ("server.ping_interval", 10**400, SECONDS + "1000"),
        ("server.ping_interval", 0.0999, SECONDS + "0.0999"),
        ("server.update_interval", 1e-9, SECONDS + "1e-09"),
        ("server.update_interval", 86400.1, SECONDS + "86400.1"),
        ("server.update_interval", {}, SECONDS + "an object"),
        ("server.client_id", 0, "must be a whole number from 1 up, found 0"),
        ("server.client_id", True, "must be a whole number from 1 up, found true"),
        ("server.client_id", 1.5, "must be a whole number from 1 up, found 1.5"),
        ("server.client_id", "1", 'must be a whole number from 1 up, found "1"'),
        ("server.base_url", "", URL + "nothing"),
        ("server.base_url", 5, URL + "a number"),
        ("server.base_url", "captures.example.org", URL + "an address that does not begin with"),
        ("server.base_url", "ftp://h/", URL + "an address that does not begin with http://"),
        ("server.base_url", "http:///api/", URL + "an address without a host"),
        ("server.base_url", "http://h:/", URL + "an address with a malformed host"),
        ("server.base_url", "http://h:0/", URL + "a port outside 1 to 65535"),
        ("server.base_url", "http://h:65536/", URL + "a port outside 1 to 65535"),
        ("server.base_url", "http://a..b/", URL + "an address with a malformed host"),
        ("server.base_url", "http://-a/", URL + "an address with a malformed host"),
        ("server.base_url", "http://" + "a" * 64 + "/", URL + "an address with a malformed host"),
        ("server.base_url", "http://[::1/", URL + "an address with a malformed host"),
        ("server.base_url", "http://[::1::]/", URL + "an address with a malformed host"),
        ("server.base_url", "http://u:p@h/", URL + "a user name or a password in it"),
        ("server.base_url", "http://h/?a=b", URL + "a query or a fragment in it"),
        ("server.base_url", "http://h/?", URL + "a query or a fragment in it"),
        ("server.base_url", "http://h/#a", URL + "a query or a fragment in it"),
        ("server.base_url", "http://h/a b", URL + "a character that no web address has"),
        ("server.base_url", "http://h/\n", URL + "a character that no web address has"),
        ("server.base_url", "http://<host>/", URL + "a character that no web address has"),
        ("server.base_url", "http://h/%zz", URL + "a character that no web address has"),
        ("twitter.stream_url", "stream.twitter.com", URL + "an address that does not begin"),
        ("twitter.api", "3", 'must be "2" or "1.1", found "3"'),
        ("twitter.api", 2, 'must be "2" or "1.1", found 2'),
        ("twitter.api", 1.1, 'must be "2" or "1.1", found 1.1'),
        ("twitter.stall_timeout", 0, STALL + "0"),
        ("twitter.stall_timeout", 86401, STALL + "86401"),
        ("twitter.api_url", "api.x.com", URL + "an address that does not begin"),
        ("twitter.api_url", None, URL + "null"),
        ("twitter.fields", [], FIELDS + "an array"),
        ("twitter.fields", {"tweet.fields": "id"}, FIELDS + "one with another kind of"),
        ("twitter.fields", {"tweet.fields": [1]}, FIELDS + "one with another kind of"),
        ("twitter.fields", {"fields": []}, FIELDS + "one in which 'fields' is not one of tweet.fi"),
        ("twitter.fields", {"poll.fields": ["a,b"]}, FIELDS + "one in which 'a,b' in poll.fields"),
        ("twitter.rule_length", 127, LENGTH + "127"),
        ("twitter.rule_length", 2049, LENGTH + "2049"),
        ("twitter.rule_length", 512.0, LENGTH + "512.0"),
        ("twitter.rule_delay", 0, DELAY + "0"),
        ("twitter.rule_delay", 3600.5, DELAY + "3600.5"),
        ("twitter.rule_delay", None, DELAY + "null"),
        ("twitter.backfill", 5, "must be true or false, found 5"),
        ("twitter.stock_http", "no", 'must be true or false, found "no"'),
        ("twitter.post_price", 0, PRICE + "0"),
        ("twitter.post_price", 1000.5, PRICE + "1000.5"),
        ("twitter.post_price", "$5", PRICE + '"$5"'),
        ("twitter.budget", 5, BUDGET + "5"),
        ("twitter.budget", {}, BUDGET + "one in which there is no limit"),
        ("twitter.budget", {"posts_per_day": None}, BUDGET + "one in which there is no limit"),
        ("twitter.budget", {"posts_per_day": 0}, BUDGET + "one in which posts_per_day is not a w"),
        ("twitter.budget", {"posts_per_day": "9"}, BUDGET + "one in which posts_per_day is not a"),
        ("twitter.budget", {"posts_per_month": True}, BUDGET + "one in which posts_per_month is n"),
        ("twitter.budget", {"posts_per_week": 9}, BUDGET + "one in which 'posts_per_week' is not "),
        ("source_addr", "", "must be an IPv4 or IPv6 address of this machine, or null, found som"),
        ("source_addr", "eth0", "must be an IPv4 or IPv6 address of this machine, or null, found"),
        ("source_addr", "10.0.0.256", "must be an IPv4 or IPv6 address of this machine"),
        ("source_addr", 127, "must be an IPv4 or IPv6 address of this machine, or null, found 127"),
        ("output.base_dir", "", "must be the name of a folder, found an empty string"),
        ("output.base_dir", "a\0b", "must be the name of a folder, found a control character"),
        ("output.base_dir", "~/data", "must be the name of a folder, found a leading ~, which onl"),
        ("output.base_dir", None, "must be the name of a folder, found null"),
        ("output.extension", "json", DOT + "no dot at its beginning"),
        ("output.extension", "", DOT + "nothing but dots"),
        ("output.extension", ".", DOT + "nothing but dots"),
        ("output.extension", ".a/b", DOT + "a slash in it"),
        ("output.extension", ".a\0", DOT + "white space or a control character in it"),
        ("output.extension", ".a b", DOT + "white space or a control character in it"),
        ("output.extension", "." + "a" * 32, DOT + "more than 32 bytes"),
        ("output.temporary_extension", "tmp", DOT + "no dot at its beginning"),
        ("output.temporary_extension", ".json", DOT + "the same as in extension"),
        ("output.temporary_extension", ".torn", DOT + "one that gives names of tcc's own files"),
        ("output.temporary_extension", ".a.TORN", DOT + "one that gives names of tcc's own files"),
        ("output.extension", ".torn", DOT + "one that gives names of tcc's own files"),
        ("output.extension", ".ledger.jsonl", DOT + "one that gives names of tcc's own files"),
        ("output.minute_interval", 0, MINUTES + "0"),
        ("output.minute_interval", 61, MINUTES + "61"),
        ("output.minute_interval", 10.0, MINUTES + "10.0"),
        ("output.minute_interval", True, MINUTES + "true"),
        ("output.flush_interval", -0.1, "must be a number of seconds from 0 to 10, found -0.1"),
        ("output.flush_interval", 10.1, "must be a number of seconds from 0 to 10, found 10.1"),
        ("output.fsync_interval", 0, "must be a number of seconds above 0, and 3600 at the most"),
        ("output.fsync_interval", 3601, "must be a number of seconds above 0, and 3600 at the "),
        ("output.min_free_bytes", -1, "must be a whole number of bytes from 0 up, found -1"),
        ("output.min_free_bytes", 0.5, "must be a whole number of bytes from 0 up, found 0.5"),
        ("output.min_free_bytes", 10**20, "must be a whole number of bytes from 0 up, found 1000"),
        ("output.minute_interval", 10**100, MINUTES + "1000"),
        ("output.duplicates", "all", 'must be "drop" or "keep", found "all"'),
        ("output.utc", "yes", 'must be true or false, found "yes"'),
        ("output.utc", 1, "must be true or false, found 1"),
        ("output.filename_timefmt", "", FORMAT + "without /, found an empty string"),
        ("output.filename_timefmt", 5, FORMAT + "without /, found 5"),
        ("output.filename_timefmt", "%Y\0", FORMAT + "without /, found a control character"),
        ("output.filename_timefmt", "%Y%n", FORMAT + "without /, found one that gives a name wit"),
        ("output.filename_timefmt", "%D_%H%M", FORMAT + "without /, found one that gives a name"),
        ("output.filename_timefmt", "%Y%m%d_%H%M%Q", FORMAT + "without /, found a % directive"),
        ("output.filename_timefmt", "%Y%m%d_%H%M%", FORMAT + "without /, found a % directive"),
        ("output.filename_timefmt", "%c" * 4, FORMAT + "without /, found one that gives more than"),
        ("output.filename_timefmt", "%9999Y", FORMAT + "without /, found one without result"),
        ("output.filename_timefmt", "x" * 201, FORMAT + "without /, found more than 200 charact"),
        ("output.filename_timefmt", "tweets", FORMAT + "without /, found one that names two neig"),
        ("logging", [], "must be an object as logging.config.dictConfig takes it, or null, found"),
    )

    def test_each_wrong_value_gets_its_sentence(self) -> None:
        """The JSON path, what is expected, what was found."""
        for place, value, expected in self.TABLE:
            sentence = self.refusal(with_value(place, value))
            self.assertTrue(sentence.startswith(f"$.{place} {expected}"), sentence)

    def test_extensions_that_make_a_reserved_one_together(self) -> None:
        """The ledger must not look like a file that a crash has left."""
        document = with_value("output.extension", ".ledger")
        document["output"]["temporary_extension"] = ".jsonl"
        self.assertIn("one that gives names of tcc's own files", self.refusal(document))

    def test_time_formats_that_name_two_slots_alike(self) -> None:
        """The sentence says which two slots would share a name."""
        for text, words in (
            ("%Y%m%d_%H", "two neighbouring slots"),
            ("%Y%m%d_%M", "two neighbouring hours"),
            ("%Y%m%d_%I%M", "morning and afternoon"),
            ("%Y%m_%H%M", "two neighbouring days"),
            ("%Y%m%a_%H%M", "the same day of two weeks"),
            ("%Y%d_%H%M", "the same day of two months"),
            ("%m%d_%H%M", "the same date of two years"),
            ("%U%a_%H%M", "the same weekday of two years"),
        ):
            sentence = self.refusal(with_value("output.filename_timefmt", text))
            self.assertIn(f"found one that names {words} alike", sentence)

    def test_a_long_value_is_cut(self) -> None:
        """A sentence stays a sentence."""
        sentence = self.refusal(with_value("server.client_id", "x" * 10_000))
        self.assertTrue(sentence.endswith('found "' + "x" * 40 + '"...'), sentence)


class RefusedKeyTests(SettingsTestCase):
    def test_unknown_keys(self) -> None:
        """An unknown key is refused with the nearest key there is."""
        for place, nearest in (
            ("server.ping_intervall", "$.server.ping_interval"),
            ("server.token", "$.server.auth_token"),
            ("serverr", "$.server"),
            ("twitter_auth.bearer", "$.twitter_auth.bearer_token"),
            ("twitter_auth.access_tokens", "$.twitter_auth.access_token"),
            ("twitter.url", "$.twitter.api_url"),
            ("output.utf", "$.output.utc"),
            ("output.source_addr", "$.source_addr"),
            ("api_key", "$.twitter_auth.api_key"),
            ("path", "$."),
            ("zzz", "$."),
        ):
            sentence = self.refusal(with_value(place, 1))
            start = f"$.{place} is not a known key, the nearest one is {nearest}"
            self.assertTrue(sentence.startswith(start), sentence)

    def test_a_key_of_another_version_is_unknown(self) -> None:
        """A key that does nothing is not accepted."""
        for place in ("server.push", "monitor", "output.compress"):
            self.assertIn("is not a known key", self.refusal(with_value(place, None)))

    def test_an_odd_key_is_quoted(self) -> None:
        """A path stays readable, and on one line, whatever the key."""
        sentence = self.refusal(with_value("odd\nkey ü", 1))
        self.assertTrue(sentence.startswith('$["odd\\nkey \\u00fc"] is not a known key'), sentence)

    def test_missing_keys(self) -> None:
        """A missing key is named with what it should hold."""
        for place, expected in (
            ("server", "an object with the keys base_url, client_id, auth_token, ping_interval"),
            ("twitter_auth", "an object with the keys api_key, api_secret, access_token, access_"),
            ("server.base_url", "an http:// or https:// address"),
            ("server.client_id", "a whole number from 1 up"),
            ("server.auth_token", "a non-empty string without white space"),
        ):
            sentence = self.refusal(without(place))
            self.assertTrue(sentence.startswith(f"$.{place} is missing, expected {expected}"))

    def test_the_old_clients_dialect(self) -> None:
        """Its keys are refused with the place that took over."""
        section = json.loads(OLD_EXAMPLE)["logging"]
        moved = "move client.logging to the top-level key logging"
        for place, value, words in (
            ("_extend", "base.json", '{"file": "path"}'),
            ("server._extend", "server.json", '{"file": "path"}'),
            ("logging._extend", "logging.json", "one whole settings file for each client"),
            ("client", {"logging": section}, moved),
            ("client", None, moved),
        ):
            sentence = self.refusal(with_value(place, value))
            self.assertTrue(sentence.startswith(f"$.{place} is a "), sentence)
            self.assertIn("of the old client", sentence)
            self.assertIn(words, sentence)

    def test_placeholders(self) -> None:
        """A string that is still in angle brackets is no value."""
        for place in ("server.auth_token", "source_addr", "output.extension", "twitter.api"):
            for text in ("<x>", "<<<twitter api key>>>", " <a\nb> ", "<>"):
                sentence = self.refusal(with_value(place, text))
                expected = f"$.{place} must be filled in, found a placeholder <...>"
                self.assertEqual(sentence, expected)
        self.assertEqual(self.load(with_value("server.auth_token", "a<b>c")).server.client_id, 7)


class RefusedFileTests(SettingsTestCase):
    def test_what_is_no_document(self) -> None:
        """The sentence says why there is nothing to read, and where in the text."""
        for content, expected in (
            (b"", "must be JSON, found a mistake at line 1, column 1: "),
            (b'{\n  "a": 1,\n  b}', "must be JSON, found a mistake at line 3, column 3: "),
            (b"{'a': 1}", "must be JSON, found a mistake at line 1, column 2"),
            (b'{"a": "\xff"}', "must be UTF-8 text, found another byte at 7"),
            (b"[]", "$ must be an object, found an array"),
            (b"null", "$ must be an object, found null"),
            (b"[" * 100_000, "must be JSON of a bearable size"),
            (b'{"a": ' + b"1" * 5000 + b"}", "must be JSON of a bearable size"),
            (b'{"a": ' * 33 + b"1" + b"}" * 33, "$.a.a"),
            (b" " * (1 << 20) + b"{}", "cannot be read: it is larger than 1048576 bytes"),
            (b'{"server": {"auth_token": "a", "auth_token": "b"}}', "$.server.auth_token is given"),
            (b'{"logging": {"version": 1, "version": 1}}', "$.logging.version is given twice"),
            (b'{"server": "\\ud800"}', "$.server must be text, found half of a surrogate pair"),
            (b'{"\\ud800": 1}', '$["\\ud800"] must be text'),
        ):
            self.assertTrue(self.refusal(content).startswith(expected), self.refusal(content))

    def test_no_file_at_all(self) -> None:
        """Missing, a folder, below a file, impossible as a name."""
        self.load(MINIMAL)
        for path, reason in (
            (self.folder / "other.json", "cannot be read: No such file or directory"),
            (self.folder, "cannot be read: Is a directory"),
            (self.path / "settings.json", "cannot be read: Not a directory"),
            (self.folder / ("x" * 300), "cannot be read: File name too long"),
            (self.folder / "a\0b", "cannot be read: no file has such a name"),
        ):
            error = self.assertRaises(SettingsError, load, path, {})
            shown = str(path).replace("\0", "\\x00")
            self.assertEqual(str(error), f"{shown}: {reason}")


class ReferenceTests(SettingsTestCase):
    def test_values_come_from_the_environment_and_from_files(self) -> None:
        """Relative files are beside the settings file; one final line end is not the value."""
        (self.folder / "keys").mkdir()
        (self.folder / "keys" / "token").write_text(TOKEN + "\n")
        (self.folder / "dos").write_bytes(b"abc\r\n")
        document = with_value("server.auth_token", {"file": "keys/token"})
        document["twitter_auth"] = {key: {"env": key.upper()} for key in SECRETS}
        document["twitter_auth"]["api_key"] = {"file": str(self.folder / "dos")}
        document["output"] = {"base_dir": {"env": "DATA"}, "extension": {"env": "EXTENSION"}}
        environ = {key.upper(): value for key, value in SECRETS.items()}
        loaded = self.load(document, environ | {"DATA": "tweets", "EXTENSION": ".jsonl"})
        self.assertEqual(loaded.server.auth_token, Secret(TOKEN))
        self.assertEqual(credentials(loaded)["api_key"], "abc")
        self.assertEqual(credentials(loaded)["api_secret"], SECRETS["api_secret"])
        self.assertEqual(loaded.output.base_dir, self.folder / "tweets")
        self.assertEqual(loaded.output.extension, ".jsonl")

    def test_references_without_a_value(self) -> None:
        """The sentence names the place and the source, never what the source holds."""
        for name, content in (
            ("empty", b"\n"),
            ("two", b"one\ntwo\n"),
            ("binary", b"\xff"),
            ("big", b"x" * 65_537),
            ("placeholder", b"<put it here>\n"),
        ):
            (self.folder / name).write_bytes(content)
        environ = {"EMPTY": "", "SPACE": "hush hush", "ODD": "\udcff", "PLACEHOLDER": "<x>"}
        file = f"the file {self.folder}/"
        variable = 'the environment variable "'
        for reference, expected in (
            ({"env": "NONE"}, f'must have a value, but {variable}NONE" is not set'),
            ({"env": "EMPTY"}, f'must have a value, but {variable}EMPTY" is empty'),
            ({"env": "ODD"}, f'must be UTF-8 text, but {variable}ODD" holds something else'),
            (
                {"env": "PLACEHOLDER"},
                f'must be filled in, found a placeholder <...> in {variable}PLACEHOLDER"',
            ),
            (
                {"env": "SPACE"},
                "must be a non-empty string without white space, found a space, a control "
                f'character or a character outside ASCII in it in {variable}SPACE"',
            ),
            (
                {"file": "none"},
                f"must have a value, but {file}none cannot be read: No such file or directory",
            ),
            ({"file": "."}, f"must have a value, but the file {self.folder} cannot be read: Is a"),
            ({"file": "empty"}, f"must have a value, but {file}empty is empty"),
            ({"file": "binary"}, f"must have a value, but {file}binary must be UTF-8 text"),
            ({"file": "big"}, f"must have a value, but {file}big cannot be read: it is larger"),
            ({"file": "two"}, "must be a non-empty string without white space, found a space"),
            ({"file": "placeholder"}, "must be filled in, found a placeholder <...> in the file"),
            ({"file": "a\0"}, "must have a value, but the file"),
            ({"env": "A", "file": "b"}, 'must be {"env": "NAME"} or {"file": "path"}, found both'),
        ):
            sentence = self.refusal(with_value("server.auth_token", reference), environ)
            self.assertTrue(sentence.startswith(f"$.server.auth_token {expected}"), sentence)
            self.assertNotIn("hush", sentence)

    def test_a_reference_to_nothing(self) -> None:
        """The name itself must be a string with something in it."""
        for reference, expected in (
            ({"env": 5}, "$.source_addr.env must be a name, found a number"),
            ({"file": ""}, "$.source_addr.file must be a name, found an empty string"),
            ({"file": {"env": "A"}}, "$.source_addr.file must be a name, found an object"),
            ({"env": "<name>"}, "$.source_addr.env must be filled in, found a placeholder <...>"),
            ({}, "$.source_addr must be an IPv4 or IPv6 address of this machine, or null, found a"),
        ):
            sentence = self.refusal(with_value("source_addr", reference))
            self.assertTrue(sentence.startswith(expected), sentence)

    def test_what_a_reference_holds_is_not_shown_at_other_keys_either(self) -> None:
        """Somebody may have named the wrong file."""
        environ = {"WRONG": TOKEN}
        for place in ("output.extension", "server.client_id", "twitter.api", "server"):
            sentence = self.refusal(with_value(place, {"env": "WRONG"}), environ)
            self.assertNotIn(TOKEN, sentence)
            self.assertTrue(sentence.startswith(f"$.{place} must be "), sentence)


class SecretTests(SettingsTestCase):
    PLACES = ("server.auth_token", *(f"twitter_auth.{key}" for key in (*SECRETS, "bearer_token")))

    def test_a_secret_shows_itself_to_nobody(self) -> None:
        """Neither alone nor within the settings."""
        loaded = self.load(with_value("twitter_auth.bearer_token", BEARER_TOKEN))
        for text in (
            repr(loaded),
            str(loaded),
            f"{loaded.server.auth_token}",
            f"{Secret(TOKEN)!s}",
        ):
            for secret in (TOKEN, BEARER_TOKEN, *SECRETS.values()):
                self.assertNotIn(secret, text)
        self.assertEqual(str(Secret("a")), "Secret(...)")
        self.assertEqual(loaded.server.auth_token.reveal(), TOKEN)

    def test_secrets_are_equal_by_value(self) -> None:
        """So that settings can be compared."""
        self.assertEqual(Secret("a"), Secret("a"))
        self.assertNotEqual(Secret("a"), Secret("b"))
        self.assertNotEqual(Secret("a"), "a")

    def test_an_error_in_a_secret_does_not_repeat_it(self) -> None:
        """The sentence says what is wrong with it and no more."""
        word = "Hush0815"
        for place in self.PLACES:
            optional = ", or null" if place.startswith("twitter_auth.") else ""
            expected = f"must be a non-empty string without white space{optional}, found "
            for value, found in (
                ("", "an empty string"),
                (word + " ", "a space, a control character or a character outside ASCII in it"),
                (word + "\n", "a space, a control character or a character outside ASCII in it"),
                (word + "\u00e9", "a space, a control character or a character outside ASCII in"),
                ([word], "an array"),
                ({"value": word}, "an object"),
                (815, "a number"),
                (True, "true"),
            ):
                sentence = self.refusal(with_value(place, value))
                self.assertTrue(sentence.startswith(f"$.{place} {expected}{found}"), sentence)
                self.assertNotIn("815", sentence)
        self.assertEqual(
            self.refusal(with_value("server.auth_token", None)),
            "$.server.auth_token must be a non-empty string without white space, found null",
        )

    def test_an_address_is_not_repeated(self) -> None:
        """People paste addresses with passwords, or the token into the wrong line."""
        for text in (f"https://me:{TOKEN}@h/", f"https://h/?token={TOKEN}", TOKEN):
            self.assertNotIn(TOKEN, self.refusal(with_value("server.base_url", text)))


NAMES = [
    *("server", "twitter_auth", "twitter", "source_addr", "output", "logging", "client"),
    *("base_url", "client_id", "auth_token", "ping_interval", "api", "stall_timeout", "base_dir"),
    *("extension", "temporary_extension", "minute_interval", "filename_timefmt", "utc", "path"),
    *("env", "file", "_extend", "api_key", "bearer_token", "api_url", "fields", "tweet.fields"),
    *("rule_length", "rule_delay", "budget", "posts_per_day", "push_url", ""),
]
ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()))
    | st.text("%YmdHMQj./:<>~\0 @?[]", max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
PLACES = st.sampled_from(
    [
        *("server", "server.base_url", "server.client_id", "server.ping_interval", "twitter"),
        *("server.auth_token", "twitter_auth.api_key", "twitter.api", "twitter.stall_timeout"),
        *("twitter.stream_url", "source_addr", "output", "output.base_dir", "output.extension"),
        *("twitter_auth.bearer_token", "twitter.api_url", "twitter.fields", "twitter.rule_length"),
        "twitter.budget",
        *("output.temporary_extension", "output.minute_interval", "output.filename_timefmt"),
        *("output.utc", "logging", "extra", "server.extra"),
    ]
)
READERS = [
    *(secrets.secret, addresses.web_address, addresses.channel_address, addresses.address),
    *(values.folder, values.extension, values.time_format),
]
MANY = hypothesis_settings(
    max_examples=150 * DEPTH,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


class NothingElseEscapesTests(SettingsTestCase):
    """Whatever the file holds, it loads or SettingsError is raised with one clean sentence."""

    def attempt(self, content: object) -> None:
        try:
            self.load(content, {"A": "b"})
        except SettingsError as error:
            self.assertTrue(str(error).isprintable(), str(error))
            for secret in (TOKEN, *SECRETS.values()):
                self.assertNotIn(secret, str(error))

    @MANY
    @given(st.binary())
    def test_any_bytes(self, content: bytes) -> None:
        """Files that are no settings."""
        self.attempt(content)

    @MANY
    @given(ANY_JSON)
    def test_any_json(self, content: object) -> None:
        """JSON that may have some of the keys."""
        self.attempt({"doc": content} if isinstance(content, str | bytes) else content)

    @MANY
    @given(PLACES, ANY_JSON)
    def test_any_value_at_a_known_place(self, place: str, value: object) -> None:
        """Settings in which one thing is different."""
        self.attempt(with_value(place, value))

    @MANY
    @given(st.sampled_from(READERS), st.text() | st.text("%YmHMj:/.@[]?#htp~"))
    def test_any_text_for_a_reader(self, reader: Callable[[str], object], text: str) -> None:
        """A reader returns a value or raises Unfit with a reason."""
        try:
            reader(text)
        except Unfit as error:
            self.assertTrue(str(error).isprintable() and str(error))
