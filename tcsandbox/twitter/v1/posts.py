"""
A cheap, endless supply of v1.1 posts for one stream.

Knows ids and time stamps.  Statuses are written and encoded once, as templates; each post is a
template with its own id, time and link filled in, which costs a few microseconds.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random

from tcsandbox.twitter.common.ids import ID_STEP, Ids, link_code
from tcsandbox.twitter.common.stream import PostSource
from tcsandbox.twitter.common.text import Json, as_format
from tcsandbox.twitter.v1.filters import Filter
from tcsandbox.twitter.v1.statuses import TIMESTAMP_MS, StatusWriter, Subject
from tcsandbox.twitter.v1.stream import encode
from tcsandbox.twitter.v1.users import twitter_time

TEMPLATES = 256  # besides one for each thing asked for
FIRST_TEMPLATES = 32  # written before the first post; the rest follows while posts are taken
MORE_TEMPLATES = 8
LARGE_TEMPLATES = 2
LARGE_SHARE = 1 / 200  # posts over 16 kB


class V1PostSource(PostSource):
    """A source of posts that match `wanted`; several sources may share one `ids`."""

    def __init__(self, wanted: Filter, ids: Ids, rng: Random) -> None:
        self._ids = ids
        self._rng = rng
        everything: list[Subject] = [*wanted.track, *wanted.follow, *wanted.locations]
        self._subjects: Sequence[Subject] = everything or [None]
        self._templates: list[bytes] = []
        self._large: list[bytes] = []

    def take(self, count: int, now: float) -> tuple[list[bytes], range]:
        """Return `count` posts of the Unix time `now`, each ending in CRLF, and their ids."""
        self._write_more(now)
        milliseconds = int(now * 1000)
        ids = self._ids.take(milliseconds, count)
        created_at = twitter_time(datetime.fromtimestamp(now, UTC)).encode()
        fields: dict[bytes, object] = {b"at": created_at, b"ms": b"%d" % milliseconds}
        random, templates, known = self._rng.random, self._templates, len(self._templates)
        posts = []
        for post_id in ids:
            fields[b"id"] = post_id
            fields[b"code"] = link_code(post_id)
            if random() < LARGE_SHARE:
                template = self._large[post_id // ID_STEP % LARGE_TEMPLATES]
            else:
                template = templates[int(random() * known)]
            posts.append(template % fields)
        return posts, ids

    def _write_more(self, now: float) -> None:
        """Write the first templates, or a few of those still missing."""
        written = len(self._templates)
        wanted = TEMPLATES + len(self._subjects)
        more = FIRST_TEMPLATES if not written else min(MORE_TEMPLATES, wanted - written)
        if not more:
            return
        writer = StatusWriter(self._rng, datetime.fromtimestamp(now, UTC))
        if not written:
            some = self._rng.choices(self._subjects, k=LARGE_TEMPLATES)
            self._large = [_template(writer.large_post(subject)) for subject in some]
            self._rng.shuffle(subjects := list(self._subjects))
            self._subjects = subjects
        for n in range(written, written + more):
            subject = self._subjects[n % len(self._subjects)]
            self._templates.append(_template(writer.post(subject)))


def _template(status: Json) -> bytes:
    """Return `status` encoded, as a bytes format with the keys id, at, ms and code."""
    return as_format(encode(status)).replace(TIMESTAMP_MS.encode(), b"%(ms)b")
