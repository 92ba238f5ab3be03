"""How client and captures are told others: the words of health, in a form with a schema."""

import json
from contextlib import redirect_stdout
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
from twisted.trial.unittest import SynchronousTestCase

import tcclient
from tcaccount import schema
from tcclient.control.healthreport import (
    IDLE,
    LONGEST_REASON,
    STOPPING,
    Applied,
    Report,
    report,
    states,
)
from tcclient.control.reports import State
from tcclient.health.facts import CaptureFacts, ClientFacts, LimitFacts, ServerTrouble
from tcclient.health.judgement import judge
from tcclient.ledger.gaps import Missing

NOON = 1_795_780_800.0
FILE = Path(tcclient.__file__).with_name("health.schema.json")
SCHEMA = jsonschema.Draft202012Validator(json.loads(FILE.read_text()))


class ReportTests(SynchronousTestCase):
    def report(self, *captures: CaptureFacts, **more: Any) -> Report:
        """What is told, which the schema allows."""
        facts = ClientFacts(now=NOON, runs=more.pop("runs", True), captures=captures, **more)
        told = report(facts, judge(facts))
        SCHEMA.validate(json.loads(msgspec.json.encode(told)))
        return told

    def test_the_file_is_that_of_the_types(self) -> None:
        """`python -m tcaccount.schema health > tcclient/health.schema.json` makes it anew."""
        with redirect_stdout(StringIO()) as printed:
            schema.main(["health"])
        self.assertEqual(FILE.read_text(), printed.getvalue())

    def test_all_is_well(self) -> None:
        """With all that is known of capture and machine."""
        limits = [LimitFacts("day", 5, 100, NOON)]
        told = self.report(
            CaptureFacts(job=7, name="alpha", heard_since=NOON, rate=1.23456, total=5, lag=0.1),
            disk_free=10**12,
            disk_size=10**13,
            memory=5,
            cpu=1.5,
            clock_offset=-0.5,
            limits=limits,
            post_price=0.005,
        )
        [capture], host = told.captures, told.host
        self.assertEqual((capture.condition, capture.reason, capture.since), ("ok", "", MOMENT))
        self.assertEqual((capture.total, capture.rate, capture.lag), (5, 1.235, 0.1))
        self.assertEqual((host.disk_size, host.memory, host.clock_offset), (10**13, 5, -0.5))
        self.assertEqual(host.post_price, 0.005)
        self.assertEqual(host.budget, {"day": {"spent": 5, "limit": 100, "until": MOMENT}})

    def test_a_rate_that_is_not_known(self) -> None:
        """It is left out: 0 would say that nothing comes."""
        told = self.report(CaptureFacts(job=7, name="alpha", lively=46.9, total=5))
        [capture] = json.loads(msgspec.json.encode(told))["captures"]
        self.assertEqual(capture, {"job": 7, "condition": "ok", "total": 5})

    def test_a_capture_without_a_stream(self) -> None:
        """In the words of what was found, the worst of it, of this capture and no other."""
        missing = Missing(NOON, "stall", "nothing came")
        told = self.report(
            CaptureFacts(job=7, name="alpha", missing=missing, refused=1, next_attempt=NOON),
            CaptureFacts(job=8, name="beta", refused=1),
            CaptureFacts(job=9, name="gamma"),
            server=ServerTrouble("listing the jobs", "it is away", NOON),
        )
        self.assertEqual([one.condition for one in told.captures], ["stall", "terms_refused", "ok"])
        worst = next(one for one in told.findings if one.code == "stall")
        self.assertEqual(told.captures[0].reason, f"{worst.what} {worst.cure}")
        self.assertEqual((told.captures[0].since, told.captures[0].next_attempt), (MOMENT, MOMENT))

    def test_all_jobs(self) -> None:
        """Those that are not wanted too: with the revision applied, and the last numbers."""
        facts = ClientFacts(
            now=NOON, runs=True, captures=[CaptureFacts(job=7, name="alpha", rate=5.0, total=5)]
        )
        applied = [
            Applied(7, revision=3, total=6, rate=0.5),
            Applied(8, revision=1, ends=True, total=9),
            Applied(9, revision=2),
        ]
        told = states(applied, facts, judge(facts))
        self.assertEqual([one.condition for one in told], ["ok", STOPPING, IDLE])
        self.assertEqual([one.revision for one in told], [3, 1, 2])
        self.assertEqual([one.total for one in told], [6, 9, None])
        self.assertEqual([one.rate for one in told], [0.5, None, None])

    def test_what_a_damaged_ledger_says(self) -> None:
        """What is told of it is such that a server takes it, with all else."""
        missing = Missing(NOON, "No such cause!", "half \ud83d a character, and none \0")
        told = self.report(CaptureFacts(job=7, name="alpha", missing=missing))
        [state] = msgspec.json.decode(msgspec.json.encode(told.captures), type=list[State])
        self.assertEqual(state.condition, "other")
        self.assertNotIn("\0", state.reason)

    def test_a_client_that_died(self) -> None:
        """That is how each of its captures is."""
        told = self.report(CaptureFacts(job=7, name="alpha"), runs=False, sign=NOON)
        self.assertEqual(told.captures[0].condition, "client_dead")
        self.assertIn("has died", told.captures[0].reason)

    def test_a_long_reason(self) -> None:
        """It is cut, as whoever is told takes no more."""
        missing = Missing(NOON, "refused", "x" * 2000)
        [capture] = self.report(CaptureFacts(job=7, name="alpha", missing=missing)).captures
        self.assertEqual(len(capture.reason), LONGEST_REASON)


MOMENT = datetime(2026, 11, 27, 12, tzinfo=UTC)
