"""The parts of the benchmarks that decide what a figure means; nothing here measures anything."""

import gzip
import io
import itertools
import json
import os
import ssl
import sys
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterable
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import ingest, latency, ratios, soak
from benchmarks.bodies import Framing, Live, Recording
from benchmarks.checking import check
from benchmarks.feeding import Certificate, Feed, feeding
from benchmarks.framing import LARGE_CHUNK, delimited
from benchmarks.lag import delays, percentile, row
from benchmarks.modes import chosen, every_mode
from benchmarks.posts import JOBS, jobs_of, number_of, post_id, v1_posts, v2_posts
from benchmarks.rivals import CURL, RIVALS
from benchmarks.rounds import Amount
from benchmarks.rules import Rules
from benchmarks.sizes import sent_size, stored_size
from benchmarks.slowdisk import SlowDisk
from benchmarks.table import COLUMNS, Sample, markdown, ratio, rows, spread
from tcclient.sources.twitter_v1.messages import Kind, kind_of
from tcclient.sources.twitter_v2 import envelopes
from tcclient.sources.twitter_v2.rules.inventory import Inventory
from tests.marks import Need, needs
from tests.sources.twitter_v2.xrules import DELAY, OURS

TAGS = [f"tcc:0123abcd:{job}" for job in (1, 2, 3)]


def unchunked(body: bytes) -> list[bytes]:
    """The contents of the chunks of a whole body."""
    found = []
    while body:
        length, _, rest = body.partition(b"\r\n")
        size = int(length, 16)
        found.append(rest[:size])
        assert rest[size : size + 2] == b"\r\n", "a chunk ends with CRLF"
        body = rest[size + 2 :]
    assert found.pop() == b"", "the last chunk is empty"
    return found


def sample(**changes: object) -> Sample:
    members = {
        "posts": 1000, "cpu": 0.01, "startup": 0.4, "seconds": 0.5, "size": 4_000_000,
        "peak": 50.0, "found": "whole",
    }  # fmt: skip
    return Sample(**{**members, **changes})  # type: ignore[arg-type]


class PostTests(SynchronousTestCase):
    """What is sent."""

    def test_v1_posts_are_tweets_with_their_number(self) -> None:
        """Each is one line that counts as a tweet, and its number can be read from it."""
        for number, post in enumerate(v1_posts(600)):
            self.assertEqual(post.count(b"\n"), 1)
            self.assertIs(kind_of(post.removesuffix(b"\r\n")), Kind.POST)
            self.assertEqual(json.loads(post)["id_str"], post_id(number).decode())
            self.assertEqual(number_of(post), number)

    def test_v2_posts_are_routed_as_is_said(self) -> None:
        """The client's own rule sends each to the captures that jobs_of() names."""
        inventory = Inventory(OURS, DELAY, 0.0)
        for number, post in enumerate(v2_posts(600, TAGS)):
            read = envelopes.read(post.removesuffix(b"\r\n"))
            assert isinstance(read, envelopes.Post)
            self.assertEqual(read.id, post_id(number).decode())
            expected = {job + 1 for job in jobs_of(number)}
            self.assertEqual(inventory.route(read.rules, 0.0), expected)

    def test_a_post_matches_one_and_a_half_captures(self) -> None:
        """On average; each capture gets the same share."""
        matched = [job for number in range(600) for job in jobs_of(number)]
        self.assertEqual([matched.count(job) for job in range(JOBS)], [300] * JOBS)

    def test_the_sizes_are_those_of_what_is_sent_and_stored(self) -> None:
        """In the stream a post ends with CRLF, in a file with LF, in each file it belongs to."""
        posts = list(v2_posts(60, TAGS))
        self.assertEqual(sent_size("v2", 60, TAGS), sum(map(len, posts)))
        stored = sum((len(post) - 1) * len(jobs_of(n)) for n, post in enumerate(posts))
        self.assertEqual(stored_size("v2", 60, TAGS), stored)
        self.assertEqual(stored_size("v1.1", 60, []), sum(len(p) - 1 for p in v1_posts(60)))


class FramingTests(SynchronousTestCase):
    """How it is sent."""

    def recorded(self, posts: Iterable[bytes], framing: Framing) -> tuple[list[bytes], list[int]]:
        """The chunks of a recording, and how many posts are complete after each."""
        recording = Recording(posts, framing)
        self.addCleanup(os.close, recording.fd)
        pieces = list(recording.pieces())
        self.assertEqual(b"".join(content for content, _ in pieces), recording.content)
        self.assertEqual(recording.size, len(recording.content))
        return unchunked(bytes(recording.content) + recording.rest), [n for _, n in pieces]

    def test_a_chunk_for_each_tweet(self) -> None:
        """A chunk is a post."""
        posts = list(v1_posts(50))
        chunks, complete = self.recorded(posts, Framing("tweet", gzip=False))
        self.assertEqual(chunks, posts)
        self.assertEqual(complete, list(range(1, 51)))

    def test_large_chunks(self) -> None:
        """All but the last are of one size, and each piece says how many posts it has completed."""
        posts = list(v1_posts(50))
        chunks, complete = self.recorded(posts, Framing("64k", gzip=False))
        self.assertEqual(b"".join(chunks), b"".join(posts))
        self.assertEqual({len(chunk) for chunk in chunks[:-1]}, {LARGE_CHUNK})
        so_far = b""
        for chunk, number in zip(chunks, complete, strict=True):
            so_far += chunk
            self.assertEqual(number, so_far.count(b"\r\n"))

    def test_a_post_that_ends_with_a_large_chunk_is_complete(self) -> None:
        """So is one that fills several."""
        posts = [b"x" * (2 * LARGE_CHUNK), b"y" * (LARGE_CHUNK - 1), b"z"]
        _, complete = self.recorded(posts, Framing("64k", gzip=False))
        self.assertEqual(complete, [0, 1, 3])

    def test_gzip_can_be_inflated_post_by_post(self) -> None:
        """Each chunk brings its whole post, and the body is one whole gzip member."""
        posts = list(v1_posts(20))
        chunks, _ = self.recorded(posts, Framing("tweet", gzip=True))
        inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self.assertEqual([inflate.decompress(chunk) for chunk in chunks[:20]], posts)
        inflate.decompress(b"".join(chunks[20:]))
        self.assertTrue(inflate.eof)

    def test_a_live_body_is_the_same_as_a_recording(self) -> None:
        """Byte for byte, cut at the same places, with the same end."""
        for framing in (Framing("tweet", gzip=True), Framing("64k", gzip=False)):
            recording = Recording(v1_posts(50), framing)
            self.addCleanup(os.close, recording.fd)
            live = Live(v1_posts(50), framing)
            self.assertEqual(list(live.pieces()), list(recording.pieces()))
            self.assertEqual(live.rest, recording.rest)

    def test_delimited(self) -> None:
        """The length before a post counts its line end, as v1.1 has it."""
        self.assertEqual(list(delimited([b"{}\r\n"])), [b"4\r\n{}\r\n"])


class CheckTests(SynchronousTestCase):
    """Whether a file holds every post once."""

    def found(self, lines: Iterable[bytes], expected: Iterable[int] = range(4)) -> str:
        path = Path(self.mktemp())
        path.write_bytes(b"".join(lines))
        return str(check([path], list(expected)))

    def test_what_is_wrong(self) -> None:
        """Posts that are missing, stand there twice, were cut, or are nobody's."""
        posts = list(v1_posts(4))
        for lines, verdict in (
            (posts, "whole"),
            ([post.replace(b"\r\n", b"\n") for post in posts], "whole"),
            (posts[:3], "1 missing"),
            ([*posts, posts[2]], "1 surplus"),
            ([*posts[:3], posts[3][:100]], "1 missing, 1 torn"),
            ([*posts[:3], posts[3].rstrip()], "1 missing, 1 torn"),
            ([*posts, b"{}\n"], "1 torn"),
            ([], "4 missing"),
        ):
            self.assertEqual(self.found(lines), verdict)

    def test_posts_of_another_capture_are_not_expected(self) -> None:
        """One that was not sent for this capture is one too many."""
        self.assertEqual(self.found(v1_posts(4), (0, 1, 3)), "1 surplus")


class TableTests(SynchronousTestCase):
    """What is printed."""

    def test_spread(self) -> None:
        """Minimum, median, maximum; what reads the same is said once."""
        self.assertEqual(spread([3.0, 1.0, 2.0, 9.0]), "1.0 – 2.5 – 9.0")
        self.assertEqual(spread([1.01, 1.02, 1.03]), "1.0")

    def test_ratios_are_of_medians_per_post(self) -> None:
        """However many posts each consumer had."""
        samples = {
            "tcc": [sample(cpu=cpu) for cpu in (0.02, 0.03, 0.09)],
            "curl": [sample(cpu=0.1, posts=10_000)],
        }
        self.assertAlmostEqual(ratio(samples, "tcc", "curl") or 0.0, 3.0)

    def test_no_ratio_to_what_was_not_measured(self) -> None:
        """Neither to one that is not there, nor to one that had no round, nor to nothing."""
        samples = {"tcc": [sample()], "curl": [], "tweepy 4": [sample(cpu=0.0)]}
        for base in ("curl", "tweepy 4", "twarc2"):
            self.assertIsNone(ratio(samples, "tcc", base))

    def test_a_row_has_a_cell_for_each_column(self) -> None:
        """With what every round said of the files."""
        samples = {"tcc": [sample(), sample(found="3 missing")], "curl": [sample(cpu=0.005)]}
        first = dict(zip(COLUMNS, rows(samples)[0], strict=True))
        self.assertEqual(first["consumer"], "tcc")
        self.assertEqual(first["CPU µs/tweet"], "10.0")
        self.assertEqual(first["tweets/s"], "2,000")
        self.assertEqual(first["MB/s"], "8")
        self.assertEqual(first["÷ curl"], "2.00")
        self.assertEqual(first["÷ tweepy 4"], "–")
        self.assertEqual(first["files"], "3 missing; whole")

    def test_the_table_is_markdown(self) -> None:
        """Every line has the same number of cells; who had no round has no row."""
        lines = markdown({"tcc": [sample()], "curl": []}).splitlines()
        self.assertEqual({line.count(" | ") for line in lines}, {len(COLUMNS) - 1})
        self.assertEqual(len(lines), 3)


class RatioTests(SynchronousTestCase):
    """What lets the CI step fail."""

    def test_the_limit(self) -> None:
        """Up to FAR times what is committed is noise; beyond that is a complaint."""
        self.assertEqual(ratios.complaints({"a": 2.0 * ratios.FAR}, {"a": 2.0}), [])
        [sentence] = ratios.complaints({"a": 2.01 * ratios.FAR}, {"a": 2.0})
        self.assertIn("a: 4.02 times the CPU of curl; 2.00 is committed, and 4.00", sentence)

    def test_a_mode_that_is_missing(self) -> None:
        """Measuring nothing passes nothing."""
        self.assertEqual(ratios.complaints({}, {"a": 1.0}), ["a: not measured."])

    def test_what_is_committed_are_modes(self) -> None:
        """Each with a ratio above 0."""
        committed = ratios.committed()
        self.assertTrue(committed)
        self.assertLessEqual(set(committed), set(map(str, every_mode())))
        self.assertTrue(all(value > 0 for value in committed.values()))


class LagTests(SynchronousTestCase):
    """How late posts were."""

    def test_a_post_can_be_read_once_its_end_is_there(self) -> None:
        """Not when the file has begun to hold it; what never came is left out."""
        growth = [(10.0, 100), (11.0, 150), (12.0, 200)]
        late = delays([9.0, 9.5, 9.5, 9.5], [100, 101, 200, 201], growth)
        self.assertEqual(late, [1.0, 1.5, 2.5])

    def test_percentiles(self) -> None:
        """The smallest value which that share does not exceed."""
        values = [float(n) for n in range(100, 0, -1)]
        for share, expected in ((0.5, 50.0), (0.99, 99.0), (0.999, 100.0), (0.0, 1.0)):
            self.assertEqual(percentile(values, share), expected)

    def test_a_percentile_that_so_few_posts_cannot_tell_is_not_told(self) -> None:
        """Of 100 posts the last thousandth is none."""
        self.assertEqual(row([0.002] * 100, 120), "100 of 120 | 2.0 | 2.0 | – | 2.0")
        self.assertEqual(row([], 5), "0 of 5 | – | – | – | –")


class ModeTests(SynchronousTestCase):
    """What can be asked for."""

    def test_patterns(self) -> None:
        """A mode is found once, however many patterns match it."""
        self.assertEqual(
            [str(mode) for mode in chosen("v2/TLS/tweet/*, v2/TLS/tweet/flat")],
            ["v2/TLS/tweet/flat", "v2/TLS/tweet/paced"],
        )
        self.assertEqual(len(chosen("*")), 24)

    def test_a_pattern_without_a_mode(self) -> None:
        """It is said, so that a misspelt one does not measure nothing."""
        self.assertRaises(ValueError, chosen, "v1.1/*,v3/*")

    def test_modes_of_one_recording_stand_together(self) -> None:
        """Each recording is made once."""
        recordings = [mode.recording for mode in chosen("*")]
        changes = sum(a != b for a, b in itertools.pairwise(recordings))
        self.assertEqual(changes + 1, len(set(recordings)))


class IngestTests(SynchronousTestCase):
    """What the command is told, and makes of it."""

    def test_slow_peers_get_fewer_posts(self) -> None:
        """curl gets as many as the client; where posts are paced, everyone does."""
        options = ingest.read_arguments(["--posts=1000", "--peer-posts=10", "--paced-seconds=2"])
        flat, paced = chosen("v2/plain/tweet/flat")[0], chosen("v2/plain/tweet/paced")[0]
        slow = next(rival for rival in RIVALS if rival.slow)
        posts = [ingest.amount(flat, options, rival).posts for rival in (None, CURL, slow)]
        self.assertEqual(posts, [1000, 1000, 10])
        for rival in (None, CURL, slow):
            self.assertEqual(ingest.amount(paced, options, rival), Amount(10_000, 5_000.0))

    def test_the_small_run(self) -> None:
        """It measures just the modes that have a ratio, against curl, and can be made smaller."""
        options = ingest.read_arguments(["--ci", "--rounds=1"])
        self.assertEqual(set(map(str, options.modes)), set(ratios.committed()))
        self.assertEqual((options.rivals, options.rounds), ([CURL], 1))

    def test_peers_by_name(self) -> None:
        """curl is always among them, and a name that is none is refused."""
        self.assertEqual(ingest.read_arguments(["--peers=tweepy 4"]).rivals[0], CURL)
        self.patch(sys, "stderr", io.StringIO())
        self.assertRaises(SystemExit, ingest.read_arguments, ["--peers=tweepy 5"])
        self.assertRaises(SystemExit, ingest.read_arguments, ["--modes=v3/*"])

    def test_what_cannot_be_measured(self) -> None:
        """Is refused in one sentence, before anything begins."""
        for read, argument, sentence in (
            (ingest.read_arguments, "--posts=0", "must be a whole number above 0, found 0"),
            (ingest.read_arguments, "--rounds=-1", "must be a whole number above 0, found -1"),
            (ingest.read_arguments, "--minutes=nan", "must be a number above 0, found nan"),
            (ingest.read_arguments, "--folder=/none", "there is no folder /none"),
            (ingest.read_arguments, "--json=/none/a.json", "there is no folder /none"),
            (latency.read_arguments, "--rates=1,0", "must be a number above 0, found 0"),
            (latency.read_arguments, "--seconds=x", "must be a number above 0, found x"),
            (soak.read_arguments, "--minutes=0", "must be a number above 0, found 0"),
        ):
            said = io.StringIO()
            self.patch(sys, "stderr", said)
            self.assertRaises(SystemExit, read, [argument])
            self.assertIn(sentence, said.getvalue())
        self.assertEqual(latency.read_arguments([]).rates, [1.0, 100.0, 1000.0, 5000.0, 20000.0])


class RuleTests(SynchronousTestCase):
    """X's side of the rules."""

    def test_rules_get_the_ids_that_posts_carry(self) -> None:
        """Whatever is added first; others get an id too."""
        added = Rules(TAGS).changed(
            {"add": [{"value": "b", "tag": TAGS[1]}, {"value": "x", "tag": "else"}]}, dry_run=False
        )["data"]
        post = list(v2_posts(3, TAGS))[2]  # the third one is for the second capture
        self.assertIn(added[0]["id"].encode(), post)
        self.assertNotIn(added[1]["id"].encode(), post)

    def test_a_dry_run_changes_nothing(self) -> None:
        """What is added is listed until it is deleted."""
        rules = Rules(TAGS)
        body = {"add": [{"value": "a", "tag": TAGS[0]}]}
        rules.changed(body, dry_run=True)
        self.assertEqual(rules.listed()["data"], [])
        [rule] = rules.changed(body, dry_run=False)["data"]
        self.assertEqual(rules.listed()["data"], [rule])
        rules.changed({"delete": {"ids": [rule["id"]]}}, dry_run=False)
        self.assertEqual(rules.listed()["data"], [])


class SlowDiskTests(SynchronousTestCase):
    """A disk of 100 bytes a second."""

    def setUp(self) -> None:
        self.waits: list[float] = []
        self.synced: list[int] = []
        disk = SlowDisk(100.0, self.waits.append, lambda fd: fd % 10)
        self.write = disk.writing(lambda fd, data: len(data))
        self.sync = disk.syncing(self.synced.append)

    def test_syncing_waits_for_what_was_written_since(self) -> None:
        """To that file, by whichever descriptor; writing itself does not wait."""
        self.assertEqual(self.write(3, b"x" * 50), 50)
        self.write(3, b"x" * 100)
        self.write(4, b"x" * 900)
        self.assertEqual(self.waits, [])
        self.sync(13)  # the same file
        self.sync(3)
        self.assertEqual(self.waits, [1.5, 0.0])
        self.assertEqual(self.synced, [13, 3])


@needs(Need.PROCESSES)
class GeneratorTests(SynchronousTestCase):
    """The process that sends, asked by a plain client."""

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.certificate = Certificate.made_in(folder)
        self.trust = ssl.create_default_context(cafile=str(self.certificate.public))

    def taken(self, feed: Feed, path: str, *, tls: bool) -> bytes:
        """The whole body of the stream at `path`, of 100 posts that are expected now."""
        feed.expect(100)
        context = self.trust if tls else None
        with urllib.request.urlopen(feed.root(tls=tls) + path, timeout=10, context=context) as said:
            feed.wait_for_connection(10)
            feed.send()
            feed.sent(10)
            feed.end()
            body: bytes = said.read()
            return body

    def test_it_sends_what_was_prepared(self) -> None:
        """Plain and over TLS, to everyone who is expected, with lengths if asked for."""
        posts = list(v1_posts(100))
        with feeding(("v1.1", False, "tweet"), self.certificate.pem, []) as feed:
            path = "1.1/statuses/filter.json"
            for tls in (False, True):
                self.assertEqual(self.taken(feed, path, tls=tls), b"".join(posts))
            found = self.taken(feed, f"{path}?delimited=length", tls=False)
            self.assertEqual(found, b"".join(delimited(posts)))

    def test_nobody_else_gets_the_stream(self) -> None:
        """A client that comes again by itself takes nothing from the next consumer."""
        with feeding(("v2", True, "64k"), self.certificate.pem, TAGS) as feed:
            url = f"{feed.root(tls=False)}2/tweets/search/stream"
            refused = self.assertRaises(
                urllib.error.HTTPError, urllib.request.urlopen, url, timeout=10
            )
            refused.close()
            self.assertEqual(refused.code, 503)
            body = self.taken(feed, "2/tweets/search/stream", tls=False)
            self.assertEqual(gzip.decompress(body), b"".join(v2_posts(100, TAGS)))
