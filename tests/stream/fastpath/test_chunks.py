"""The chunks of an answer undone: Twisted's own decoder must see no difference."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http import _ChunkedTransferDecoder

from tcclient.stream.fastpath.chunks import _MOST_WAYS, MOST_HEAD, Unchunker, as_chunk

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """`data` as one chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """`data` in pieces."""
    edges = [0, *sorted({place for place in places if 0 < place < len(data)}), len(data)]
    return [data[begin:end] for begin, end in pairwise(edges)]


def joined(reads: Iterable[bytes]) -> list[bytes]:
    """What goes to the HTTP client after each read where nothing goes past it."""
    unchunker = Unchunker()
    passed = []
    for read in reads:
        is_first = not unchunker.has_begun
        before, pieces, after = unchunker.take(read)
        chunk = b"" if pieces is None else as_chunk(pieces, is_first=is_first)
        passed.append(before + chunk + after)
    return passed


def heard_both_ways(reads: Sequence[bytes]) -> tuple[bytes, bytes | None, str]:
    """As heard(), where all but the first of the body goes past the HTTP client."""
    content: list[bytes] = []
    rest: list[bytes] = []
    unchunker, decoder = Unchunker(), _ChunkedTransferDecoder(content.append, rest.append)
    unchunker.take(HEAD)
    try:
        for read in reads:
            before, pieces, after = unchunker.take(read)
            decoder.dataReceived(before)
            if pieces is not None and content:
                content += pieces
            elif pieces is not None:
                decoder.dataReceived(as_chunk(pieces, is_first=True))
            decoder.dataReceived(after)
            if rest:
                break
    except Exception as e:
        return b"".join(content), None, type(e).__name__
    return b"".join(content), rest[0] if rest else None, ""


def heard(reads: Sequence[bytes]) -> tuple[bytes, bytes | None, str, int]:
    """
    What a chunked body is to Twisted: its content, what came behind the last chunk, the error, and
    in how many pieces it came.
    """
    content: list[bytes] = []
    rest: list[bytes] = []
    decoder = _ChunkedTransferDecoder(content.append, rest.append)
    error = ""
    for read in reads:
        try:
            decoder.dataReceived(read)
        except Exception as e:
            error = type(e).__name__
        if error or rest:
            break
    return b"".join(content), rest[0] if rest else None, error, len(content)


def body(reads: Sequence[bytes]) -> list[bytes]:
    """What is passed on of a body that comes in these reads."""
    return joined([HEAD, *reads])[1:]


contents = st.lists(st.binary(min_size=1, max_size=30), max_size=8)
places = st.lists(st.integers(0, 300), max_size=12)
endings = st.sampled_from((b"", LAST, b"0\r\nA: b\r\n\r\n", LAST + b"more", b"0\r\nA", b"0"))
malformed = st.sampled_from(
    (
        *(
            b"x\r\n",
            b"\r\n",
            b"5\n",
            b"5\r5",
            b"-5\r\nhello\r\n",
            b"+5\r\nhello\r\n",
            b"0x5\r\nhello",
        ),
        *(
            b" 5\r\nhello\r\n",
            b"5 \r\nhello\r\n",
            b"1_0\r\n",
            b"5;a=b\r\nhello\r\n",
            b"5;\0\r\nhello",
        ),
        *(b"5\r\nhelloXX5\r\nhello", b"5\r\nhello\n", b"000000005\r\nhello\r\n", b"f" * 20),
        *(b"5" * 2000, b"ffffffffffff\r\nhello", b"5\r\nhello5\r\nhello\r\n", b"\xb2\r\nhello"),
    )
)


class SameBodyTests(SynchronousTestCase):
    """Whatever the chunks, the cuts and the damage."""

    def same(self, stream: bytes, places: Iterable[int]) -> None:
        """Twisted hears the same of both."""
        for reads in (cut(stream, places), [stream[i : i + 1] for i in range(len(stream))]):
            told = heard(reads)[:3]
            self.assertEqual(heard(body(reads))[:3], told)
            self.assertEqual(heard_both_ways(reads), told)

    @given(contents, endings, places)
    @example([b"a"], b"", [3])
    def test_any_segmentation(
        self, contents: list[bytes], ending: bytes, places: list[int]
    ) -> None:
        """Nothing is lost, late or added, and the end is an end in both."""
        self.same(b"".join(map(chunk, contents)) + ending, places)

    @given(contents, malformed, contents, places)
    def test_malformed(
        self, before: list[bytes], wrong: bytes, behind: list[bytes], places: list[int]
    ) -> None:
        """What Twisted refuses, or reads although few would, it gets to see as it came."""
        stream = b"".join(map(chunk, before)) + wrong + b"".join(map(chunk, behind))
        self.same(stream + LAST, places)

    @given(contents, st.binary(max_size=3), st.integers(0, 200), st.integers(0, 3), places)
    def test_damaged(
        self, contents: list[bytes], patch: bytes, at: int, gone: int, places: list[int]
    ) -> None:
        """The same with a hole or a patch anywhere."""
        stream = b"".join(map(chunk, contents)) + LAST
        at %= len(stream)
        self.same(stream[:at] + patch + stream[at + gone :], places)

    @given(st.binary(max_size=60) | st.text("0123456789abcdef\r\n;").map(str.encode), places)
    def test_any_bytes(self, stream: bytes, places: list[int]) -> None:
        """The same of what never was a body."""
        self.same(stream, places)


class FewerChunksTests(SynchronousTestCase):
    """What it is for."""

    def test_one_chunk_a_read(self) -> None:
        """However many have come, and wherever the read was cut."""
        stream = b"".join(chunk(b"%d" % n * 50) for n in range(1000))
        reads = cut(stream, range(0, len(stream), 7001))
        content, rest, error, pieces = heard(body(reads))
        self.assertEqual((content, rest, error), heard(reads)[:3])
        self.assertEqual(pieces, len(reads))

    def test_a_read_without_content(self) -> None:
        """An empty chunk would be the last one: nothing is passed on."""
        for reads in ([b"5\r\n", b"hello"], [b"5", b"\r\nhello"], [b"", b"5\r\nhello"]):
            self.assertEqual(body(reads), [b"", b"5\r\nhello"])
        self.assertEqual(body([b"5\r\nhello", b"\r\n", b""]), [b"5\r\nhello", b"", b""])


class KnownWaysTests(SynchronousTestCase):
    """A size that has been read is known again."""

    def test_more_sizes_than_are_remembered(self) -> None:
        """Nothing is taken for another one, and memory is bounded."""
        unchunker = Unchunker()
        unchunker.take(HEAD)
        for size in (*range(1, 2 * _MOST_WAYS, 3), *range(1, 300)):
            content = b"%d" % size * size
            content = content[:size]
            _, pieces, _ = unchunker.take(chunk(content))
            assert pieces is not None
            self.assertEqual(list(pieces), [content])
        self.assertLessEqual(len(unchunker._ways), _MOST_WAYS)

    def test_the_same_size_in_other_words(self) -> None:
        """Upper case, zeros in front, and a chunk that begins as a size goes on."""
        content, sizes = b"\r\n1" * 5, (b"f", b"F", b"00f", b"0000000F", b"f")
        stream = b"".join(b"%b\r\n%b\r\n" % (size, content) for size in sizes)
        _, pieces, after = Unchunker().take(HEAD + stream * 2 + LAST)
        assert pieces is not None
        self.assertEqual((list(pieces), after), ([content] * 10, b"\r\n" + LAST))


class HeadTests(SynchronousTestCase):
    """Which answers are touched."""

    def touched(self, head: bytes) -> bool:
        """Whether two chunks behind `head` become one; a touched head is passed on as it is."""
        rest = chunk(b"a") + chunk(b"b")
        whole = joined([head + rest])[0]
        for pieces in ([head, rest], [bytes([byte]) for byte in head] + [rest]):
            self.assertEqual(b"".join(joined(pieces)), whole)
        self.assertTrue(whole.startswith(head))
        self.assertIn(whole[len(head) :], (rest, b"2\r\nab"))
        return whole[len(head) :] != rest

    def test_chunked(self) -> None:
        """As Twisted reads it: any case, spaces, and line feeds alone."""
        for head in (
            HEAD,
            HEAD.replace(b"\r", b""),
            HEAD.lower().replace(b"http", b"HTTP"),
            HEAD.replace(b": chunked", b":\t CHUNKED "),
            HEAD.replace(b"OK", b"OK\r\nA: b").replace(b"\r\n\r\n", b"\r\nC: d\r\n\r\n"),
        ):
            self.assertTrue(self.touched(head), head)

    def test_others(self) -> None:
        """Another status, another version, another coding, or more than one."""
        for head in (
            HEAD.replace(b"200 OK", b"404 Not Found"),
            HEAD.replace(b"200 OK", b"2000 OK"),
            HEAD.replace(b"200 OK", b"100 Continue") + HEAD,
            HEAD.replace(b"1.1", b"1.0"),
            HEAD.replace(b"HTTP", b"ICY"),
            HEAD.replace(b"chunked", b"gzip, chunked"),
            HEAD.replace(b"chunked", b"identity"),
            HEAD.replace(b"chunked", b"chunked\r\nTransfer-Encoding: gzip"),
            HEAD.replace(b"Transfer-Encoding", b"X-Transfer-Encoding"),
            HEAD.replace(b"Transfer-Encoding: chunked", b"Content-Length: 12"),
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"\r\n" * 3,
            b"\n\n",
        ):
            self.assertFalse(self.touched(head), head)

    def test_a_head_without_end(self) -> None:
        """Is passed on, and not looked through for ever."""
        unchunker = Unchunker()
        line = b"A: %b\r\n" % (b"b" * 1000)
        passed = {unchunker.take(line) for _ in range(2 * MOST_HEAD // len(line))}
        self.assertEqual(passed, {(line, None, b"")})
        more = HEAD + chunk(b"a") + chunk(b"b")
        self.assertEqual(unchunker.take(more), (more, None, b""))
