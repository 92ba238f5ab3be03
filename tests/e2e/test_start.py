"""What a start imports: what the settings ask for, and nothing besides."""

import copy
import json
from pathlib import Path
from typing import Any

from twisted.trial.unittest import TestCase

from tests.config.test_settings import MINIMAL
from tests.e2e.processes import python, run

PROGRAM = """
import gc, json, sys
from tcclient.command import Options, makeService
options = Options()
options.parseOptions(["--config", "settings.json"])
makeService(options)
found = {"modules": [*sys.modules], "frozen": gc.get_freeze_count(), "on": gc.isenabled()}
print(json.dumps(found))
"""

WARNED = """
from twisted.logger import capturedLogs, formatEvent
from tcclient.command import Options, makeService
options = Options()
options.parseOptions(["--config", "settings.json"])
with capturedLogs() as events:
    makeService(options)
print(*map(formatEvent, events), sep="\\n")
"""

NEVER = {
    "argparse",
    "difflib",
    "importlib.metadata",
    "tcaccount",
    "tcclient.check",
    "tcclient.push",
    "tcclient.rulescommand",
    "tcclient.sources.twitter_v1.checks",
    "tcclient.sources.twitter_v2.rules.store",
    "tcsandbox",
    "websockets",
}
"""What no capture needs, or not before a server has answered."""
V1, V2 = "tcclient.sources.twitter_v1.feed", "tcclient.sources.twitter_v2.sharedstream"
V1_KEYS = {"access_token": "12-a", "access_token_secret": "b"}


class StartTests(TestCase):
    """In a process of its own, which has imported nothing."""

    timeout = 90

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()

    async def start(self, **changes: Any) -> dict[str, Any]:
        """Return what is known of a client with these settings that has not begun to run."""
        document = copy.deepcopy(MINIMAL)
        for section, keys in changes.items():
            document.setdefault(section, {}).update(keys)
        (self.folder / "settings.json").write_text(json.dumps(document))
        ended = await run(self, self.folder, python("-c", PROGRAM))
        self.assertEqual((ended.err, ended.status), ("", 0))
        found: dict[str, Any] = json.loads(ended.out)
        self.assertEqual(NEVER & {*found["modules"]}, set())
        return found

    async def test_what_it_warns_of(self) -> None:
        """Secrets that others can read, and proxies that it does not use."""
        settings = self.folder / "settings.json"
        settings.write_text(json.dumps(MINIMAL))
        settings.chmod(0o644)
        proxy = {"HTTPS_PROXY": "http://127.0.0.1:9"}
        ended = await run(self, self.folder, python("-c", WARNED), **proxy)
        self.assertEqual((ended.err, ended.status), ("", 0))
        self.assertIn("Mind that others than its owner can read the settings file", ended.out)
        self.assertIn("chmod 600", ended.out)
        self.assertIn("although HTTPS_PROXY is set", ended.out)

    async def test_v2(self) -> None:
        """Neither v1.1 nor what signs its requests, nor logging that nobody has configured."""
        found = await self.start()
        self.assertIn(V2, found["modules"])
        for name in (
            V1,
            "oauthlib",
            "logging.config",
            "tcclient.logs.observer",
            "tcclient.logs.section",
        ):
            self.assertNotIn(name, found["modules"])

    async def test_v1(self) -> None:
        """Nothing of v2's rules."""
        found = await self.start(twitter={"api": "1.1"}, twitter_auth=V1_KEYS)
        self.assertIn(V1, found["modules"])
        for name in (V2, "tcclient.sources.twitter_v2.rules"):
            self.assertNotIn(name, found["modules"])

    async def test_logging(self) -> None:
        """Is there for the settings that have a section of that name."""
        found = await self.start(logging={"version": 1})
        self.assertIn("tcclient.logs.observer", found["modules"])

    async def test_no_garbage_is_looked_for_in_what_lasts(self) -> None:
        """It is looked for in what comes afterwards."""
        found = await self.start()
        self.assertGreater(found["frozen"], 10_000)
        self.assertTrue(found["on"])
