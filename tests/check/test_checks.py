"""Behaviour of `--check`: each line it can print, its exit status, and what it leaves behind."""

import json
import os
import re
import shlex
import socket
import sys
import threading
from pathlib import Path
from random import Random
from typing import Any

import attrs
import msgspec
from msgspec import structs
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.utils import getProcessOutputAndValue
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.http_headers import Headers

from tcclient.check import checks, probes, verdicts
from tcclient.config.settings import load
from tcclient.control.client import JobList
from tcclient.control.jobs import Job
from tcclient.ledger.entries import RefusedTerm
from tcclient.runtime.cautions import exposed, proxies
from tcclient.runtime.secrets import Secret
from tcclient.runtime.threads import in_threads
from tcclient.runtime.verdicts import Outcome, fail, ok, warn
from tcclient.service import make_other_sides
from tcclient.sources.doubts import doubts
from tcclient.sources.terms import MOST_TERMS
from tcclient.sources.twitter_v2 import problems
from tcclient.sources.twitter_v2.budget.budget import NOTHING_SPENT, Budget
from tcclient.sources.twitter_v2.budget.limits import BudgetLimits
from tcclient.sources.twitter_v2.budget.records import read_record, record_path, write_record
from tcclient.sources.twitter_v2.rules.clauses import SYNTAX
from tcclient.storage.knownservers import address, key
from tcsandbox.server import CaptureServer, quirks
from tcsandbox.twitter import SANDBOX_BEARER_TOKEN, SANDBOX_CREDENTIALS, Simulator
from tcsandbox.twitter.common.faults import HttpStatusFault, NoAnswer
from tests.marks import Need, needs

ROOT = Path(__file__).parents[2]
TWISTD = "import sys; from twisted.scripts.twistd import run; sys.argv[0] = 'twistd'; run()"
TOKEN = "9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b"
SANDBOX_AUTH = attrs.asdict(SANDBOX_CREDENTIALS)
PLAUSIBLE = (
    "api_key, api_secret, access_token and access_token_secret of twitter_auth look plausible"
)
ABSENT_ADDRESS = "203.0.113.9"  # RFC 5737: nobody has it


def job(job_id: int) -> Job:
    return Job(job_id, "storm", 1, None, None, None, False, None)


def running(*jobs: tuple[str, str]) -> JobList:
    """Jobs that are to run, by their names and keywords."""
    return JobList(
        tuple(structs.replace(job(1), status=3, name=name, keywords=text) for name, text in jobs)
    )


def none(_: str | None) -> tuple[RefusedTerm, ...]:
    """No term is doubtful."""
    return ()


def unsure(text: str | None) -> tuple[RefusedTerm, ...]:
    """What is doubtful on v2."""
    return doubts(text, SYNTAX)


class LineTests(SynchronousTestCase):
    """What a line looks like."""

    def test_lines_are_aligned(self) -> None:
        """The texts of all levels and subjects begin in one column."""
        self.assertEqual(verdicts.line("server", ok("x"), ()), "ok    server       x")
        self.assertEqual(verdicts.line("CA store", warn("x"), ()), "warn  CA store     x")
        self.assertEqual(verdicts.line("base_dir", fail("x"), ()), "FAIL  base_dir     x")

    def test_a_secret_in_a_text_is_replaced(self) -> None:
        """A server may repeat the token that it refuses; the longest goes first."""
        secrets = [Secret("abcdef"), Secret("abcdefghi")]
        line = verdicts.line("server", fail("no abcdefghi, no abcdef"), secrets)
        self.assertEqual(line, "FAIL  server       no ..., no ...")

    def test_what_a_server_says_stays_on_one_line(self) -> None:
        """Neither a line break nor an escape sequence reaches the terminal."""
        line = verdicts.line("server", fail("a\nok    \x1b[2J"), ())
        self.assertEqual(line, "FAIL  server       a\\nok    \\x1b[2J")


class SettingsTests(SynchronousTestCase):
    """What the file says that can be used and should not be."""

    def test_doubts(self) -> None:
        """All of them in one line; without any it is good."""
        self.assertEqual(verdicts.settings("x.json", ()), ok("x.json is good"))
        self.assertEqual(
            verdicts.settings("x.json", iter(("it is odd", "it is old"))),
            warn("x.json can be used, but it is odd; it is old"),
        )


class PermissionsTests(SynchronousTestCase):
    """Who can read the settings file."""

    def test_group_and_others_count(self) -> None:
        """Reading does; writing and executing are no business of a secret."""
        for mode in (0o604, 0o640, 0o644):
            self.assertTrue(exposed(mode, "s"), oct(mode))
        for mode in (0o600, 0o400, 0o633):
            self.assertEqual(exposed(mode, "s"), "", oct(mode))

    def test_the_command_can_be_pasted(self) -> None:
        """A name with a blank is quoted."""
        self.assertEqual(
            exposed(0o100644, "/a b/s.json"),
            "others than its owner can read the settings file (mode 0644): chmod 600 '/a b/s.json'",
        )


class CertificatesTests(SynchronousTestCase):
    """Where CA certificates are looked for, and what counts as some."""

    def test_variables_replace_the_defaults(self) -> None:
        """SSL_CERT_DIR is a list."""
        defaults = ("/d",)
        self.assertEqual(verdicts.ca_places({}, defaults), ("/d",))
        self.assertEqual(verdicts.ca_places({"SSL_CERT_FILE": "/f"}, defaults), ("/f",))
        both = {"SSL_CERT_FILE": "/f", "SSL_CERT_DIR": "/a:/b"}
        self.assertEqual(verdicts.ca_places(both, defaults), ("/f", "/a", "/b"))
        self.assertEqual(verdicts.ca_places({"SSL_CERT_FILE": ""}, defaults), ())

    def test_a_machine_without_certificates(self) -> None:
        """The line says what to install."""
        self.assertEqual(
            verdicts.ca_store(["/d"], None, {}),
            warn(
                "this machine has no CA certificates, so that no https:// address is trusted: "
                "install the package ca-certificates, or set SSL_CERT_FILE"
            ),
        )

    def test_files_and_folders(self) -> None:
        """A folder serves by its hashed names only: OpenSSL does not see others."""
        folder = Path(self.mktemp())
        folder.mkdir()
        bundle = folder / "ca.pem"
        bundle.write_text("nothing\n")
        self.assertFalse(probes.holds_certificates(str(bundle)))
        self.assertFalse(probes.holds_certificates(str(folder / "absent")))
        bundle.write_text("-----BEGIN CERTIFICATE-----\n")
        self.assertTrue(probes.holds_certificates(str(bundle)))
        self.assertFalse(probes.holds_certificates(str(folder)))
        (folder / "002c0b4f.0").touch()
        self.assertTrue(probes.holds_certificates(str(folder)))


class StreamHostTests(SynchronousTestCase):
    """Whether source_addr can reach the stream's host."""

    both = ("192.0.2.1", "2001:db8::1")

    def test_a_family_in_common(self) -> None:
        """Without source_addr any will do."""
        cases = (
            (self.both, None, "IPv4 and IPv6"),
            (self.both, "2001:db8::7", "IPv4 and IPv6"),
            (("192.0.2.1", "192.0.2.2"), "192.0.2.7", "IPv4"),
            (("127.0.0.1",), "127.0.0.9", "IPv4"),
            (("::1",), None, "IPv6"),
        )
        for addresses, source, families in cases:
            self.assertEqual(
                verdicts.stream_host("twitter.api_url", "h", addresses, source),
                ok(f"h has an address: {families}"),
            )

    def test_no_family_in_common(self) -> None:
        """The warning names the one that is missing."""
        for addresses, source, family in (
            (("192.0.2.1",), "2001:db8::7", "IPv6"),
            (("2001:db8::1",), "192.0.2.7", "IPv4"),
        ):
            self.assertEqual(
                verdicts.stream_host("twitter.api_url", "h", addresses, source),
                warn(
                    f"h has no {family} address, and source_addr is one: "
                    "the stream cannot be reached from it"
                ),
            )

    def test_a_loopback_address_reaches_this_machine_only(self) -> None:
        """As in the example that the project has always shown."""
        self.assertEqual(
            verdicts.stream_host("twitter.api_url", "h", self.both, "127.0.0.1"),
            warn(
                "h is not on this machine, and source_addr is a loopback address: "
                "the stream cannot be reached from it"
            ),
        )


class ServerTests(SynchronousTestCase):
    """A server that answers."""

    def test_jobs_are_counted(self) -> None:
        """None is an answer too."""
        for count, words in ((0, "0 jobs are"), (1, "1 job is"), (2, "2 jobs are")):
            answer = JobList(tuple(job(i) for i in range(count)))
            self.assertEqual(
                verdicts.server("http://h/", answer, 1, none),
                ok(f"http://h/ answers; {words} assigned to this client"),
            )

    def test_another_client_s_number(self) -> None:
        """The server knows by the token who asks."""
        answer = JobList((structs.replace(job(1), assigned_worker=7),))
        found = verdicts.server("http://h/", answer, 1, none)
        self.assertIs(found.outcome, Outcome.FAIL)
        self.assertIn("as client 7, and server.client_id is 1", found.text)
        self.assertIs(verdicts.server("http://h/", answer, 7, none).outcome, Outcome.OK)

    def test_doubtful_keywords(self) -> None:
        """Those of a job that is to run are named, each with its job and as it is written."""
        for status, outcome in ((3, Outcome.WARN), (5, Outcome.OK)):
            one = structs.replace(job(1), status=status, keywords="cats、dogs")
            found = verdicts.server("http://h/", JobList((one,)), 1, unsure)
            self.assertIs(found.outcome, outcome)
        jobs = (("floods", "cats\ndogs, a;b"), ("storm", "a OR b"))
        said = verdicts.server("http://h/", running(*jobs), 1, unsure).text
        for name, term in (("floods", r"'cats\ndogs'"), ("floods", "'a;b'"), ("storm", "'a OR b'")):
            self.assertIn(f"job {name!r}: the term {term} may find nothing, or not what", said)

    def test_many_doubtful_keywords(self) -> None:
        """The first ones are named; of the others it is said how many there are."""
        for count, end in ((MOST_TERMS, "lines"), (MOST_TERMS + 2, "; and 2 more")):
            text = ",".join(f"cats{n:03};dogs" for n in range(count))
            said = verdicts.server("http://h/", running(("floods", text)), 1, unsure).text
            self.assertEqual(said.count("the term"), MOST_TERMS)
            self.assertEqual(said.endswith("; and 2 more"), end != "lines", said)

    def test_a_job_that_cannot_be_read_beside_a_doubtful_term(self) -> None:
        """Neither hides the other."""
        answer = structs.replace(running(("storm", "a;b")), problems={"it has no 'id'": 1})
        said = verdicts.server("http://h/", answer, 1, unsure).text
        self.assertIn("1 more cannot be read: it has no 'id'; job 'storm': the term 'a;b'", said)

    def test_a_job_that_cannot_be_read(self) -> None:
        """Each reason once."""
        answer = JobList((job(1),), {"a job has no member 'id'": 2})
        self.assertEqual(
            verdicts.server("http://h/", answer, 1, none),
            warn(
                "http://h/ answers; 1 job is assigned to this client, "
                "and 2 more cannot be read: a job has no member 'id'"
            ),
        )


class ThreadTests(TestCase):
    """Work that may hang."""

    async def test_results_and_exceptions_arrive(self) -> None:
        """As if it had been called."""
        self.assertEqual(await in_threads(reactor)(lambda: 7), 7)
        with self.assertRaises(ZeroDivisionError):
            await in_threads(reactor)(lambda: 1 // 0)

    async def test_who_gives_up_is_not_disturbed_by_a_late_result(self) -> None:
        """It arrives after the cancellation, and nowhere."""
        release, over = threading.Event(), Deferred[None]()

        def work() -> None:
            release.wait(30)
            reactor.callFromThread(reactor.callLater, 0, over.callback, None)

        done = in_threads(reactor)(work)
        failed = self.assertFailure(done.addTimeout(0.01, reactor), Exception)
        await failed
        release.set()
        await over


class CheckTestCase(TestCase):
    """A folder with settings, and a capture server stand-in with one job."""

    maxDiff = None

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.capture_server = CaptureServer(reactor, token=TOKEN)
        self.capture_server.store.create("storm", "storm", 1)
        port: IListeningPort = self.capture_server.listen(reactor)
        self.addCleanup(port.stopListening)
        self.addCleanup(self.capture_server.hang_up)
        self.base_url = f"http://127.0.0.1:{port.getHost().port}/api/"
        self.path = self.folder / "settings.json"
        self.twitter = {"api": "1.1", "stream_url": "http://127.0.0.1:9/1.1/"}

    def write(self, mode: int = 0o600, **sections: Any) -> None:
        """Settings that are all right where `sections` does not say otherwise."""
        server = {"base_url": self.base_url, "client_id": 1, "auth_token": TOKEN}
        document: dict[str, Any] = {
            "server": {**server, **sections.pop("server", {})},
            "twitter_auth": sections.pop("twitter_auth", SANDBOX_AUTH),
            "twitter": {**self.twitter, **sections.pop("twitter", {})},
            "source_addr": "127.0.0.1",
            **sections,
        }
        self.path.write_text(json.dumps(document))
        self.path.chmod(mode)

    def files(self) -> list[str]:
        return sorted(str(file.relative_to(self.folder)) for file in self.folder.rglob("*"))

    def no_secret_in(self, text: str) -> None:
        secrets = (TOKEN, *(SANDBOX_AUTH[name] for name in ("api_secret", "access_token_secret")))
        for secret in secrets:
            self.assertNotIn(secret, text)

    async def lines(self, limit: float = 15.0) -> dict[str, str]:
        """Each check's line by its subject; `passed` is the outcome."""
        settings = load(self.path, {})
        said: list[str] = []
        ours = checks.Checks(settings, *make_other_sides(settings, reactor), reactor, {}, limit)
        self.passed = await ours.run(said.append)
        self.no_secret_in("\n".join(said))
        return {line[6:17].strip(): line for line in said}


class LinesTests(CheckTestCase):
    """Single lines, over real sockets and files."""

    async def test_a_server_that_refuses_the_token(self) -> None:
        """The line names the key to look at."""
        self.write(server={"auth_token": "0123456789abcdef"})
        lines = await self.lines()
        self.assertEqual(
            lines["server"],
            f"FAIL  server       {self.base_url}: it answers 403 (Invalid token.): "
            "check server.auth_token",
        )
        self.assertFalse(self.passed)

    async def test_a_server_that_repeats_the_token(self) -> None:
        """It is not shown."""
        detail = {"detail": f"No such token: {TOKEN}"}
        self.capture_server.fault(quirks.Answered(status=401, json=detail))
        self.write()
        lines = await self.lines()
        self.assertEqual(
            lines["server"],
            f"FAIL  server       {self.base_url}: it answers 401 (No such token: ...): "
            "check server.auth_token",
        )

    async def test_a_server_with_a_job_that_cannot_be_read(self) -> None:
        """A warning: the client goes on with the others."""
        self.capture_server.fault(quirks.Incomplete(members=["name"]))
        self.write()
        lines = await self.lines()
        self.assertEqual(
            lines["server"],
            f"warn  server       {self.base_url} answers; 0 jobs are assigned to this client, "
            "and 1 more cannot be read: a job has no member 'name'",
        )
        self.assertTrue(self.passed)

    async def test_something_else_than_a_capture_server(self) -> None:
        """A page for people, for one."""
        self.capture_server.fault(quirks.Answered(status=200, body="<html>"))
        self.write()
        lines = await self.lines()
        self.assertEqual(
            lines["server"],
            f"FAIL  server       {self.base_url}: the answer is not JSON, or cut",
        )

    @needs(Need.SECONDS)
    async def test_a_silent_server_is_given_up(self) -> None:
        """Its request is cancelled."""
        self.capture_server.fault(quirks.Silent())
        self.write()
        lines = await self.lines(limit=0.5)
        self.assertEqual(
            lines["server"], f"FAIL  server       {self.base_url}: there was no answer in time"
        )

    @needs(Need.SECONDS)
    async def test_silent_name_servers_are_given_up(self) -> None:
        """Every check has its limit, and the thread that still waits holds up nobody."""
        release = threading.Event()
        self.addCleanup(release.set)
        self.patch(checks, "addresses_of", lambda _: (release.wait(30), ())[1])
        self.write()
        lines = await self.lines(limit=0.3)
        self.assertEqual(
            lines["stream host"], "FAIL  stream host  there was no answer within 0.3 s"
        )
        self.assertEqual(lines["server"], "FAIL  server       there was no answer within 0.3 s")
        self.assertEqual(self.capture_server.requests(), [])

    async def test_a_check_that_breaks_off_has_failed(self) -> None:
        """The checks after it are made; here the settings file is gone by now."""
        self.write()
        settings = load(self.path, {})
        self.path.unlink()
        said: list[str] = []
        ours = checks.Checks(settings, *make_other_sides(settings, reactor), reactor, {})
        self.assertFalse(await ours.run(said.append))
        self.assertEqual(
            said[1],
            f"FAIL  permissions  this cannot be checked: No such file or directory ({self.path})",
        )
        self.assertEqual(len(said), 9)

    async def test_a_server_whose_name_cannot_be_resolved(self) -> None:
        """RFC 2606 keeps .invalid free."""
        self.write(server={"base_url": "http://captures.invalid/api/"})
        lines = await self.lines()
        self.assertEqual(
            lines["server"],
            "FAIL  server       http://captures.invalid/api/: its name cannot be resolved",
        )

    def test_slots_that_do_not_divide_an_hour(self) -> None:
        """The last one of each hour is shorter."""
        for minutes in (1, 5, 10, 30, 60):
            self.assertEqual(list(verdicts.slots(minutes)), [])
        (said,) = verdicts.slots(7)
        self.assertIn("the last file of each hour has 4 min", said)

    def test_room_that_is_soon_used_up(self) -> None:
        """By what has come within the last day."""
        megabyte = 1_000_000
        found = verdicts.base_dir(
            "data", exists=True, free=109 * megabyte, least=100 * megabyte, daily=2_592 * megabyte
        )
        self.assertIs(found.outcome, Outcome.WARN)
        self.assertIn(
            "109 MB are free, and capturing stops at 100 MB: at the last day's rate that is 5 min",
            found.text,
        )
        much = verdicts.base_dir("data", exists=True, free=10**12, least=10**8, daily=10**9)
        self.assertIs(much.outcome, Outcome.OK)
        little = verdicts.base_dir("data", exists=True, free=109 * megabyte, least=100 * megabyte)
        self.assertIs(little.outcome, Outcome.WARN)

    def test_proxies(self) -> None:
        """They are not used, and that is said."""
        self.assertEqual(proxies({"HTTPS_PROXY": ""}), "")
        said = proxies({"https_proxy": "http://p/", "HTTP_PROXY": "http://p/"})
        self.assertIn("although HTTP_PROXY and https_proxy is set", said)

    def test_too_little_room(self) -> None:
        """The client would store nothing."""
        found = verdicts.base_dir("data", exists=True, free=999, least=1000)
        self.assertEqual(
            verdicts.line("base_dir", found, ()),
            "FAIL  base_dir     data can be written, but has 999 bytes free, and nothing is stored "
            "with less than 1000 (output.min_free_bytes)",
        )

    async def test_a_file_in_the_place_of_base_dir(self) -> None:
        """It is left as it is."""
        (self.folder / "data").write_text("mine")
        self.write()
        lines = await self.lines()
        self.assertEqual(
            lines["base_dir"],
            f"FAIL  base_dir     {self.folder / 'data'} cannot be written: "
            "there is a file of that name",
        )
        self.assertEqual((self.folder / "data").read_text(), "mine")

    async def test_an_ipv6_source_address(self) -> None:
        """Bound as an IPv4 one is."""
        try:
            probes.bind("::1")
        except OSError:
            self.skipTest("this machine has no IPv6")
        self.write(source_addr="::1", twitter={"stream_url": "http://[::1]:9/"})
        lines = await self.lines()
        self.assertEqual(lines["source_addr"], "ok    source_addr  ::1 can be bound")
        self.assertEqual(lines["stream host"], "ok    stream host  ::1 has an address: IPv6")
        self.write(source_addr="2001:db8::9")
        lines = await self.lines()
        self.assertEqual(
            lines["source_addr"],
            "FAIL  source_addr  2001:db8::9 cannot be bound: this machine does not have it",
        )

    async def test_secrets_in_files_of_their_own(self) -> None:
        """Their modes count like that of the settings file, unless systemd hands them over."""
        secret = self.path.with_name("token")
        secret.write_text("0123456789abcdef")
        secret.chmod(0o640)
        self.write(server={"auth_token": {"file": "token"}})
        lines = await self.lines()
        self.assertEqual(
            lines["permissions"],
            "warn  permissions  others than its owner can read a file of secrets (mode 0640): "
            f"chmod 600 {secret}",
        )
        handed_over = {"CREDENTIALS_DIRECTORY": str(secret.parent)}
        self.assertEqual(load(self.path, {}).exposures(handed_over), [])

    async def test_settings_that_come_from_a_pipe(self) -> None:
        """A shell's <(...): it has no permissions that matter."""
        self.write()
        text = self.path.read_bytes()
        self.path.unlink()
        os.mkfifo(self.path, 0o644)
        writer = threading.Thread(target=self.path.write_bytes, args=[text])
        writer.start()
        lines = await self.lines()
        writer.join()
        self.assertEqual(
            lines["permissions"],
            "ok    permissions  only their owner can read the files with secrets",
        )

    async def test_no_bytes_and_no_names_stay_in_base_dir(self) -> None:
        """Nor anywhere else."""
        self.write()
        await self.lines()
        self.assertEqual(self.files(), ["settings.json"])


class XLinesTests(CheckTestCase):
    """What v2 adds, over real sockets: a simulated X with one app."""

    def setUp(self) -> None:
        super().setUp()
        self.x = Simulator(reactor, Random(1))
        port: IListeningPort = reactor.listenTCP(0, self.x.site(), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.addCleanup(self.x.stop)
        self.url = f"http://127.0.0.1:{port.getHost().port}/"
        self.twitter = {"api": "2", "api_url": self.url}

    async def test_the_rules_are_read_and_left(self) -> None:
        """Ours and others'; no stream is opened."""
        ours = f"tcc:{key(address(self.base_url), 1)}:5"
        for value, rule_tag in (("tea", ours), ("milk", None), ("cocoa", "theirs")):
            self.x.v2.add_foreign(value, rule_tag)
        before = self.x.v2.state()["rules"]
        pair = {name: SANDBOX_AUTH[name] for name in ("api_key", "api_secret")}
        for auth, words, sold in (
            (pair, "api_key and api_secret of twitter_auth look plausible", 1),
            ({"bearer_token": SANDBOX_BEARER_TOKEN}, "bearer_token of twitter_auth looks pl", 1),
        ):
            self.write(twitter_auth=auth)
            lines = await self.lines()
            self.assertTrue(self.passed, lines)
            self.assertTrue(lines["credentials"].startswith(f"ok    credentials  {words}"), lines)
            self.assertEqual(
                lines["x api"],
                f"ok    x api        {self.url} answers; the app has 3 rules, 2 of another "
                "program: what they match comes here and is billed; see tcc-rules list",
            )
            self.assertEqual(self.x.v2.state()["tokens"], sold)
        names = ["stream host", "x api", "connections", "usage", "server"]
        self.assertEqual(list(lines)[-5:], names)
        self.assertEqual(lines["connections"], "ok    connections  none is open")
        self.assertIn("0 of the plan's 3,000,000 posts are used", lines["usage"])
        self.assertEqual(self.x.v2.state()["rules"], before)
        self.assertEqual(self.x.state()["connects"], [])

    async def test_what_is_left_of_the_budget(self) -> None:
        """By the file of this client, which stays as it is; a warning where nothing is left."""
        path = record_path(self.folder / "data", key(address(self.base_url), 1))
        # Tomorrow's, which counts as today's, so that a midnight may pass meanwhile.
        budget = Budget(BudgetLimits(), NOTHING_SPENT, reactor.seconds() + 86400)
        for spent, ahead, line in (
            (0, 0, "ok    budget       of this day's 100 posts 0 are used, 100 are left; "),
            (99, 0, "ok    budget       of this day's 100 posts 99 are used, 1 are left; "),
            (80, 9, "ok    budget       of this day's 100 posts at most 89 (9 of them estimated) "),
            (100, 0, "warn  budget       of this day's 100 posts 100 are used, and nothing is "),
        ):
            record = msgspec.structs.replace(
                budget.last_record(), day_posts=spent, month_posts=spent, ahead=ahead
            )
            write_record(path, record)
            self.write(twitter={"budget": {"posts_per_day": 100, "posts_per_month": 1000}})
            lines = await self.lines()
            self.assertTrue(lines["budget"].startswith(line), lines["budget"])
            self.assertIn("; of this month's 1000 posts ", lines["budget"])
            self.assertTrue(self.passed)
            self.assertEqual(read_record(path), record)
        self.assertEqual(list(path.parent.iterdir()), [path])

    async def test_a_budget_that_cannot_be_read(self) -> None:
        """A warning that says what it means; where there is no file nothing is used."""
        self.write(twitter={"budget": {"posts_per_month": 100}})
        lines = await self.lines()
        words = "ok    budget       of this month's 100 posts 0 are used, 100 are left"
        self.assertEqual(lines["budget"], words)
        path = record_path(self.folder / "data", key(address(self.base_url), 1))
        path.parent.mkdir()
        path.write_text("{")
        lines = await self.lines()
        self.assertTrue(lines["budget"].startswith(f"warn  budget       {path} cannot be read ("))
        self.assertIn("counts as used up", lines["budget"])
        self.assertEqual(path.read_text(), "{")

    async def refused(self, words: str, auth: dict[str, str]) -> None:
        """The line is FAIL with `words`; the check after it is made."""
        self.write(twitter_auth=auth)
        lines = await self.lines()
        start = f"FAIL  x api        {self.url}: {words}"
        self.assertTrue(lines["x api"].startswith(start), lines["x api"])
        self.assertFalse(self.passed)
        self.assertTrue(lines["server"].startswith("ok "), lines["server"])

    async def test_wrong_credentials(self) -> None:
        """Keys that buy nothing, and a token that opens nothing."""
        wrong = {"api_key": "another-key", "api_secret": "another-secret"}
        await self.refused("the token endpoint answered 403 (", wrong)
        await self.refused(
            "the answer was 401 (Unauthorized). Check twitter_auth in the settings",
            {"bearer_token": "AAAA"},
        )

    async def test_refusals(self) -> None:
        """An app that may not, or cannot pay, a wrong place, and an X that is out of order."""
        for status, title in ((402, "CreditsDepleted"), (403, "Forbidden"), (404, ""), (503, "")):
            body = json.dumps({"title": title, "detail": "Oops"})
            self.x.fault(HttpStatusFault(where="rules", status=status, body=body))
            advice = problems.refusal(status, Headers(), body.encode(), 0.0, ()).advice
            await self.refused(f"the answer was {status} (Oops). {advice}", SANDBOX_AUTH)

    @needs(Need.SECONDS)
    async def test_a_silent_x_is_given_up(self) -> None:
        """At either of its endpoints; the request is cancelled."""
        for where in ("rules", "token"):
            self.x.fault(NoAnswer(where=where))
            self.write()
            lines = await self.lines(limit=0.5)
            self.assertEqual(lines["x api"], "FAIL  x api        there was no answer within 0.5 s")

    async def test_an_address_that_does_not_exist(self) -> None:
        """Of the stream's host, which is that of api_url, and so of X."""
        self.write(twitter={"api_url": "http://x.invalid/"})
        lines = await self.lines()
        self.assertEqual(
            lines["stream host"],
            "FAIL  stream host  x.invalid cannot be resolved: check twitter.api_url and this "
            "machine's name servers",
        )
        self.assertEqual(
            lines["x api"], "FAIL  x api        http://x.invalid/: its name cannot be resolved"
        )

    async def test_https_needs_ca_certificates(self) -> None:
        """At api_url; what v1.1 would ask is of no interest."""
        self.write(twitter={"stream_url": "https://stream.invalid/"})
        lines = await self.lines()
        self.assertIn("not needed", lines["CA store"])
        self.assertIn("127.0.0.1 has an address", lines["stream host"])
        self.write(twitter={"api_url": "https://127.0.0.1:9/"})
        lines = await self.lines()
        self.assertNotIn("not needed", lines["CA store"])
        self.assertEqual(
            lines["x api"],
            "FAIL  x api        https://127.0.0.1:9/: "
            "the connection was refused: nothing listens there",
        )


class Interrupted(ProcessProtocol):
    """Gets a SIGINT, as from Ctrl-C, once it has printed `word`; then `ended` fires."""

    def __init__(self, word: str) -> None:
        self.ended = Deferred[None]()
        self.out = self.err = b""
        self.status: int | None = None
        self._word = word.encode()

    def outReceived(self, data: bytes) -> None:
        seen = self._word in self.out
        self.out += data
        if self._word in self.out and not seen:
            self.transport.signalProcess("INT")

    def errReceived(self, data: bytes) -> None:
        self.err += data

    def processEnded(self, reason: Failure) -> None:
        self.status = reason.value.exitCode
        self.ended.callback(None)


@needs(Need.PROCESSES)
class CommandTests(CheckTestCase):
    """`twistd -n tcc --config settings.json --check`, in a process of its own."""

    async def check(self, *options: str, **environ: str) -> tuple[list[str], str, int]:
        """Its lines, what is on stderr, and its exit status."""
        arguments = options or ("--config", str(self.path), "--check")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("SSL_CERT_")}
        out, err, status = await getProcessOutputAndValue(
            sys.executable,
            ["-c", TWISTD, "-n", "tcc", *arguments],
            env={**inherited, "PYTHONPATH": str(ROOT), **environ},
            path=str(self.folder),
        )
        self.no_secret_in((out + err).decode())
        return out.decode().splitlines(), err.decode(), status

    async def test_a_reader_that_goes_after_a_line(self) -> None:
        """`--check | head -1` ends quietly, with the status of the check."""
        self.write()
        command = [sys.executable, "-c", TWISTD, "-n", "tcc", "--config", str(self.path), "--check"]
        out, err, status = await getProcessOutputAndValue(
            "/bin/bash",
            [
                "-c",
                f"{shlex.join(command)} | (read -r line; exec <&-; echo $line); "
                "exit ${PIPESTATUS[0]}",
            ],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            path=str(self.folder),
        )
        self.assertIn("settings", out.decode())
        self.assertEqual((len(out.splitlines()), err.decode(), status), (1, "", 0))

    async def test_an_output_that_is_full(self) -> None:
        """One sentence, and not the status of a check that has passed."""
        self.write()
        command = [sys.executable, "-c", TWISTD, "-n", "tcc", "--config", str(self.path), "--check"]
        out, err, status = await getProcessOutputAndValue(
            "/bin/bash",
            ["-c", f"exec {shlex.join(command)} > /dev/full"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            path=str(self.folder),
        )
        said = "twistd tcc --check: The output cannot be written: No space left on device.\n"
        self.assertEqual((out, err.decode(), status), (b"", said, 1))

    async def test_everything_is_well(self) -> None:
        """Nine lines, status 0, and no capture: the server is asked once and told nothing."""
        self.write()
        lines, err, status = await self.check()
        self.assertEqual(
            [re.sub(r"[0-9,]+ MB", "N MB", line) for line in lines],
            [
                f"ok    settings     {self.path} is good",
                "ok    permissions  only their owner can read the files with secrets",
                "ok    logging      no section of that name: twistd's own log is used",
                f"ok    credentials  {PLAUSIBLE}",
                "ok    source_addr  127.0.0.1 can be bound",
                f"ok    base_dir     {self.folder}/data can be made; N MB are free",
                "ok    CA store     not needed: no address begins with https://",
                "ok    stream host  127.0.0.1 has an address: IPv4",
                f"ok    server       {self.base_url} answers; 1 job is assigned to this client",
            ],
        )
        self.assertEqual((err, status), ("", 0))
        self.assertEqual([seen.method for seen in self.capture_server.requests()], ["GET"])
        self.assertEqual(self.files(), ["settings.json"])

    async def test_everything_fails(self) -> None:
        """Each failure has its line; the first does not keep the others from being said."""
        (self.folder / "file").touch()
        free = socket.socket()
        self.addCleanup(free.close)
        free.bind(("127.0.0.1", 0))  # not listening: a connection is refused
        refused = f"http://127.0.0.1:{free.getsockname()[1]}/api/"
        self.write(
            server={"base_url": refused},
            twitter_auth={**SANDBOX_AUTH, "access_token": SANDBOX_AUTH["api_secret"]},
            twitter={"stream_url": "http://stream.invalid/1.1/"},
            source_addr=ABSENT_ADDRESS,
            output={"base_dir": "file/data"},
            logging={"version": 1, "handlers": {"h": {"class": "no.Such"}}},
        )
        lines, err, status = await self.check()
        self.assertEqual(
            lines,
            [
                f"ok    settings     {self.path} is good",
                "ok    permissions  only their owner can read the files with secrets",
                "FAIL  logging      $.logging.handlers.h.class must name a logging handler's class "
                'that can be imported, found "no.Such" (ModuleNotFoundError)',
                "FAIL  credentials  in twitter_auth api_secret and access_token have the same "
                "value; access_token does not begin with a user's number and a hyphen",
                f"FAIL  source_addr  {ABSENT_ADDRESS} cannot be bound: "
                "this machine does not have it",
                f"FAIL  base_dir     {self.folder}/file/data cannot be written: Not a directory",
                "ok    CA store     not needed: no address begins with https://",
                "FAIL  stream host  stream.invalid cannot be resolved: "
                "check twitter.stream_url and this machine's name servers",
                f"FAIL  server       {refused}: the connection was refused: nothing listens there",
            ],
        )
        self.assertEqual((err, status), ("", 1))

    async def test_warnings_do_not_fail(self) -> None:
        """Status 0; log files are neither made nor emptied by it, nor are folders made for them."""
        kept = self.folder / "kept.log"
        kept.write_text("a line\n")
        handler = {"class": "logging.FileHandler", "mode": "w"}
        self.write(
            mode=0o644,
            twitter={"stream_url": "https://[2001:db8::1]/1.1/"},
            logging={
                "version": 1,
                "handlers": {
                    "kept": {**handler, "filename": "kept.log"},
                    "fresh": {**handler, "filename": "logs/2026/fresh.log"},
                    "made": {"()": "logging.FileHandler", "filename": "more/made.log"},
                    "console": {"class": "coloredlogs.ColoredStreamHandler"},
                },
                "root": {"level": "DEBUG", "handlers": ["kept", "fresh", "made", "console"]},
            },
        )
        lines, err, status = await self.check(SSL_CERT_FILE="/nowhere/ca.pem")
        warnings = [line for line in lines if line.startswith("warn")]
        self.assertEqual(
            warnings,
            [
                "warn  permissions  others than its owner can read the settings file (mode 0644): "
                f"chmod 600 {self.path}",
                "warn  logging      $.logging.handlers.console: coloredlogs.ColoredStreamHandler "
                "is replaced by a plain logging.StreamHandler.",
                "warn  CA store     no CA certificates where SSL_CERT_FILE says "
                "(/nowhere/ca.pem), so that no https:// address is trusted: correct it",
                "warn  stream host  2001:db8::1 has no IPv4 address, and source_addr is one: "
                "the stream cannot be reached from it",
            ],
        )
        self.assertEqual([line for line in lines if line.startswith("FAIL")], [])
        self.assertEqual((len(lines), err, status), (9, "", 0))
        self.assertEqual(kept.read_text(), "a line\n")
        self.assertEqual(self.files(), ["kept.log", "settings.json"])

    async def test_a_ca_file_is_named(self) -> None:
        """And a log file that cannot be written fails."""
        bundle = self.folder / "ca.pem"
        bundle.write_text("-----BEGIN CERTIFICATE-----\n")
        handler = {"class": "logging.FileHandler", "filename": "."}
        self.write(
            source_addr=None,
            twitter={"stream_url": "https://127.0.0.1/1.1/"},
            logging={"version": 1, "handlers": {"h": handler}},
        )
        lines, _, status = await self.check(SSL_CERT_FILE=str(bundle))
        self.assertIn(f"ok    CA store     CA certificates are in {bundle}", lines)
        self.assertIn("ok    source_addr  not set: the system chooses one", lines)
        self.assertIn(f"FAIL  logging      {self.folder} cannot be written", lines)
        self.assertEqual(status, 1)

    async def test_an_interrupted_check_has_not_passed(self) -> None:
        """Ctrl-C while the server lets it wait: status 1, no traceback."""
        self.capture_server.fault(quirks.Silent())
        self.write()
        process = Interrupted("stream host")
        arguments = [
            sys.executable,
            "-c",
            TWISTD,
            "-n",
            "tcc",
            "--config",
            str(self.path),
            "--check",
        ]
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        reactor.spawnProcess(process, sys.executable, arguments, environ, str(self.folder))
        await process.ended
        self.assertEqual((process.err, process.status), (b"", 1))

    async def test_settings_that_cannot_be_used(self) -> None:
        """Their one sentence, as without --check."""
        self.write(source_addr="here")
        lines, err, status = await self.check()
        self.assertEqual((lines, status), ([], 1))
        self.assertEqual(
            err,
            f"{self.path}: $.source_addr must be an IPv4 or IPv6 address of this machine, "
            "or null, found something else\n",
        )

    async def test_a_sandbox_has_nothing_to_check(self) -> None:
        """One sentence, and no sandbox is made."""
        sandbox = self.folder / "sandbox"
        lines, err, status = await self.check("--sandbox", str(sandbox), "--check")
        self.assertEqual((lines, status), ([], 1))
        self.assertEqual(
            err, "twistd tcc --check needs --config FILE: a sandbox has nothing to check.\n"
        )
        self.assertFalse(sandbox.exists())
