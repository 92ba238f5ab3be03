"""A recorded answer of Twitter, byte for byte, against the client."""

import hashlib
import json
import os
import signal
from pathlib import Path

from tests.e2e.processes import python, start, twistd
from tests.e2e.stage import Stage

RECORDING = str(Path(os.environ.get("TCC_RECORDING", "")).absolute())
DIGEST = os.environ.get("TCC_RECORDING_SHA256", "")


class RecordingTests(Stage):
    if not ("TCC_RECORDING" in os.environ and DIGEST):
        skip = "did not run: TCC_RECORDING and TCC_RECORDING_SHA256 name no recording"

    async def test_replayed_and_cut(self) -> None:
        """
        TCC_RECORDING holds an answer that ends within a post: the posts before it are stored as
        they were sent, and their digest, each with a newline, is TCC_RECORDING_SHA256.
        """
        alone = ("-m", "tcsandbox.twitter", "--port", "0", "--rate", "0")
        twitter = start(self, self.folder, python(*alone, "--replay", RECORDING))
        await twitter.says('"twitter_auth": ')
        v1 = json.loads(f"{{{twitter.out.splitlines()[1]}}}")
        self.write_settings(**v1)
        client = start(self, self.folder, twistd("-n", "tcc", "--config", "settings.json"))
        await client.says("is connected again")
        await client.end(signal.SIGTERM)
        self.assertEqual((await twitter.end(signal.SIGINT)).err, "")

        posts = self.posts()
        digest = hashlib.sha256(b"".join(post + b"\n" for post in posts)).hexdigest()
        self.assertEqual(digest, DIGEST, f"{len(posts)} posts")
        self.assertEqual(self.total, len(posts))
        cut, _ = self.ledger("disconnected")
        self.assertGreater(cut["incomplete"], 0, cut)
