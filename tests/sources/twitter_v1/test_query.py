"""A keyword text as a query of v1.1: what is asked for, and what is left out and why."""

from hypothesis import example, given
from twisted.trial.unittest import SynchronousTestCase

from tcclient.sources.keywords import Box, split_terms
from tcclient.sources.twitter_v1.query import LIMITS, Limits, Query, phrase, read
from tests.sources.test_keywords import any_text, pieces_of_text

FEW = Limits(phrases=2, phrase_bytes=10, boxes=2, box_degrees=(0.1, 360.0))

HEYDAY = Box(-122.75, 36.8, -121.75, 37.8)
"""San Francisco, as Twitter's own pages have it."""


class PhraseTests(SynchronousTestCase):
    """Commas separate terms."""

    def test_table(self) -> None:
        """Text -> phrases."""
        for text, track in (
            ("obama", ("obama",)),
            ("a,b", ("a", "b")),
            (" a , b ", ("a", "b")),
            (",,a,, ,b,", ("a", "b")),
            ("foo bar,baz", ("foo bar", "baz")),
            ("foo \t\r\n bar", ("foo bar",)),
            ("\u00a0a\u3000b\u2028", ("a b",)),
            ("b,a,b,A", ("b", "a", "A")),
            ("foo bar,foo  bar", ("foo bar",)),
            ('"foo,bar"', ("foo", "bar")),
            ("été,日本,#x,@y,$z", ("été", "日本", "#x", "@y", "$z")),
            ("geo", ("geo",)),
            ("a geo: 1 2 3 4", ("a geo: 1 2 3 4",)),
        ):
            reading = read(text, LIMITS)
            self.assertEqual(reading.query, Query(track), text)
            self.assertEqual(reading.refused, (), text)

    def test_no_text_asks_for_the_sample(self) -> None:
        """None, empty and blank."""
        for text in (None, "", " ", "\r\n\t\u3000"):
            reading = read(text, LIMITS)
            self.assertEqual((reading.query, reading.refused), (Query(), ()), text)
            assert reading.query is not None
            self.assertTrue(reading.query.is_sample)

    def test_commas_alone_never_ask_for_the_sample(self) -> None:
        """Somebody has typed something: it is refused, with a reason."""
        for text in (",", " , ,", "\n,"):
            reading = read(text, LIMITS)
            self.assertIsNone(reading.query)
            self.assertEqual(
                [(refused.term, refused.reason) for refused in reading.refused],
                [(text.strip(), "there is no term between the commas")],
            )

    def test_bytes_not_characters_are_counted(self) -> None:
        """60 bytes of UTF-8 are accepted, 61 are not."""
        for fits, too_long in (
            ("x" * 60, "x" * 61),
            ("é" * 30, "é" * 30 + "x"),
            ("😀" * 15, "😀" * 16),
        ):
            self.assertEqual(read(fits, LIMITS).query, Query((fits,)))
            reading = read(too_long, LIMITS)
            self.assertIsNone(reading.query)
            self.assertIn("bytes of UTF-8, and at most 60", reading.refused[0].reason)

    def test_blanks_that_go_do_not_count(self) -> None:
        """The length is that of the term as it is sent."""
        self.assertEqual(read("aaaa" + " " * 50 + "bbbbb", FEW).query, Query(("aaaa bbbbb",)))

    def test_too_many_phrases(self) -> None:
        """The first ones are used; one that is there twice is one."""
        reading = read("a,b,a,c,d", FEW)
        self.assertEqual(reading.query, Query(("a", "b")))
        self.assertEqual([refused.term for refused in reading.refused], ["c", "d"])
        self.assertEqual(
            {refused.reason for refused in reading.refused}, {"no more than 2 phrases are accepted"}
        )

    def test_400_phrases(self) -> None:
        """v1.1's number of them passes whole."""
        terms = [f"term {n}" for n in range(401)]
        reading = read(",".join(terms), LIMITS)
        self.assertEqual(reading.query, Query(tuple(terms[:400])))
        self.assertEqual([refused.term for refused in reading.refused], [terms[400]])

    def test_a_refused_term_takes_no_place(self) -> None:
        """Those behind it move up."""
        reading = read("much too long,a,b", FEW)
        self.assertEqual(reading.query, Query(("a", "b")))

    def test_characters_that_cannot_be_sent(self) -> None:
        """NUL and half a character."""
        reading = read("a\0b,\ud83d,c", LIMITS)
        self.assertEqual(reading.query, Query(("c",)))
        self.assertEqual(
            [refused.reason for refused in reading.refused],
            ["it contains a NUL character", "it contains half a character (a lone surrogate)"],
        )


class BoxTests(SynchronousTestCase):
    """Terms that begin with `geo:`."""

    def test_ways_to_write_a_box(self) -> None:
        """Any blank, upper and lower case, corners in any order, text behind it."""
        for text in (
            "geo: -122.75 36.8 -121.75 37.8",
            "geo:-122.75 36.8 -121.75 37.8",
            "  GeO:   -122.75\t36.8\n-121.75  37.8  ",
            "geo: -121.75 37.8 -122.75 36.8",
            "geo: -122.75 37.8 -121.75 36.8",
            "geo: -122.75 36.8 -121.75 37.8 San Francisco",
            "geo: -122.750 +36.8 -121.75 37.80",
        ):
            reading = read(text, LIMITS)
            self.assertEqual((reading.query, reading.refused), (Query((), (HEYDAY,)), ()), text)

    def test_commas_between_the_numbers(self) -> None:
        """With and without blanks beside them; the box is complete with the fourth number."""
        box = Box(-74, 40, -73, 41)
        for text, track in (
            ("geo: -74,40,-73,41", ()),
            ("geo:-74, 40 , -73 ,41", ()),
            ("geo: -74 40, -73 41", ()),
            ("geo: -74, 40 -73, 41", ()),
            ("geo:,-74,,40,-73,41", ()),
            ("geo: -74,41,-73,40,2020", ("2020",)),
            ("geo: -74 40 -73 41, 2020", ("2020",)),
            ("a,geo: -74,40,-73,41,geo: -74 40 -73 41,7", ("a", "7")),
        ):
            reading = read(text, LIMITS)
            self.assertEqual((reading.query, reading.refused), (Query(track, (box,)), ()), text)
        self.assertEqual(read("geo: 5,5,6,6", LIMITS).query, Query((), (Box(5, 5, 6, 6),)))

    def test_an_incomplete_box_is_one_term(self) -> None:
        """Its numbers do not become keywords; what is no number does."""
        for text, term, track in (
            ("geo: -74,40,-73", "geo: -74, 40, -73", None),
            ("geo: -74,40, rain, 41", "geo: -74, 40", ("rain", "41")),
            ("geo: -74,40,-73,41 NY", "geo: -74, 40, -73", ("41 NY",)),
            ("geo: -74.0.5,40,-73,41,x", "geo: -74.0.5, 40, -73, 41", ("x",)),
            ("geo: 7,5 51,2 8,5 52,1", "geo: 7, 5 51, 2 8, 5 52, 1", None),
            ("geo: a b c d, 2020", "geo: a b c d", ("2020",)),
        ):
            reading = read(text, LIMITS)
            self.assertEqual(reading.query, Query(track) if track else None, text)
            self.assertEqual([refused.term for refused in reading.refused], [term])
            self.assertIn("four numbers", reading.refused[0].reason)

    def test_ways_to_write_a_number(self) -> None:
        """With and without digits on either side of the point."""
        self.assertEqual(
            read("geo: 1. .5 +2 -.5", LIMITS).query, Query((), (Box(1, -0.5, 2, 0.5),))
        )

    def test_phrases_and_boxes(self) -> None:
        """Both are asked for; a box that is there twice, in whatever order, is one."""
        reading = read("a, geo: 0 0 1 1, b, geo: 1 1 0 0, geo: 2 2 3 3", LIMITS)
        self.assertEqual(reading.query, Query(("a", "b"), (Box(0, 0, 1, 1), Box(2, 2, 3, 3))))
        self.assertEqual(reading.refused, ())

    def test_refused(self) -> None:
        """Term -> a word of the reason."""
        for term, reason in (
            ("geo:", "four numbers"),
            ("geo: 1 2 3", "four numbers"),
            ("geo: 1.2.3 4 5 6", "four numbers"),
            ("geo: a b c d", "four numbers"),
            ("geo: 1 2 3 4x", "four numbers"),
            ("geo: 1e1 2 3 4", "four numbers"),
            ("geo: nan 2 3 4", "four numbers"),
            ("geo: - 2 3 4", "four numbers"),
            ("geo: . 2 3 4", "four numbers"),
            ("geo: 1;2;3;4", "four numbers"),
            ("geo: -180.1 0 1 1", "longitude lies"),
            ("geo: 0 0 180.1 1", "longitude lies"),
            ("geo: 36.8 -122.75 37.8 -121.75", "latitude lies"),
            ("geo: 0 0 1 90.1", "latitude lies"),
            ("geo: " + "9" * 400 + " 0 1 1", "longitude lies"),
            ("geo: 170 0 -170 1", "antimeridian"),
            ("geo: 179 0 -179 1", "antimeridian"),
            ("geo: 5 5 5 5", "sides"),
            ("geo: 0 0 0.0999 1", "sides"),
            ("geo: 0 0 1 0.0999", "sides"),
        ):
            reading = read(f"{term},ok", LIMITS)
            self.assertEqual(reading.query, Query(("ok",)), term)
            self.assertEqual([refused.term for refused in reading.refused], [term])
            self.assertIn(reason, reading.refused[0].reason, term)

    def test_sides_at_the_limits(self) -> None:
        """A tenth of a degree, where floats are a little less, and the whole world."""
        for text, box in (
            ("geo: 8.1 50 8.2 50.1", Box(8.1, 50, 8.2, 50.1)),
            ("geo: -180 -90 180 90", Box(-180, -90, 180, 90)),
        ):
            self.assertEqual(read(text, LIMITS).query, Query((), (box,)))

    def test_too_many_boxes(self) -> None:
        """Counted apart from the phrases."""
        reading = read("a,b,geo: 0 0 1 1,geo: 0 0 2 2,geo: 0 0 3 3", FEW)
        assert reading.query is not None
        self.assertEqual((len(reading.query.track), len(reading.query.locations)), (2, 2))
        self.assertEqual(reading.refused[0].reason, "no more than 2 boxes are accepted")

    def test_a_refused_box_is_never_a_phrase(self) -> None:
        """Alone, it leaves nothing to ask for."""
        self.assertIsNone(read("geo: 1 2 3", LIMITS).query)

    def test_long_rows_of_digits(self) -> None:
        """KeywordReading takes time in proportion to the text, also where no box comes of it."""
        for term in (
            "geo: " + " ".join(["1" * 2000] * 4) + "x",
            "geo: " + "1" * 60_000,
            "geo: 1 2 3, 4 5" + ", 6" * 30_000,
        ):
            self.assertIn("four numbers", read(term, LIMITS).refused[0].reason)


class QueryTests(SynchronousTestCase):
    """What can be asked of a query."""

    def test_same_as(self) -> None:
        """Order does not matter, case and boxes do."""
        boxes = (Box(0, 0, 1, 1), Box(0, 0, 2, 2))
        query = Query(("a", "b"), boxes)
        self.assertTrue(query.same_as(Query(("b", "a"), boxes[::-1])))
        for other in (Query(("a", "B"), boxes), Query(("a", "b"), boxes[:1]), Query(), None):
            self.assertFalse(query.same_as(other))

    def test_words(self) -> None:
        """The clause for the log."""
        self.assertEqual(str(Query()), "the sample of all posts")
        self.assertEqual(str(Query(("a",), (HEYDAY, HEYDAY))), "1 term and 2 boxes")

    def test_ledger(self) -> None:
        """Corners in the order west, south, east, north; nothing of what is not asked for."""
        box = [-122.75, 36.8, -121.75, 37.8]
        for query, asked in (
            (Query(("a",), (HEYDAY,)), {"track": ["a"], "locations": [box]}),
            (Query(("a",)), {"track": ["a"]}),
            (Query(locations=(HEYDAY,)), {"locations": [box]}),
            (Query(), {}),
        ):
            self.assertEqual(query.for_ledger(), asked)


class AnyTextTests(SynchronousTestCase):
    """Whatever somebody types."""

    @given(any_text | pieces_of_text)
    @example("\x1c,\x85")
    def test_any_text(self, text: str) -> None:
        """Nothing raises, and a text with anything in it never asks for the sample."""
        reading = read(text, FEW)
        blank = not text.strip()
        self.assertEqual(reading.query is not None and reading.query.is_sample, blank)
        self.assertTrue(blank or reading.query or reading.refused)

    @given(any_text | pieces_of_text)
    def test_what_is_asked_for_keeps_the_limits(self, text: str) -> None:
        """Number, length, and nothing that would mean something else on the wire."""
        query = read(text, FEW).query or Query()
        self.assertLessEqual(len(query.track), FEW.phrases)
        self.assertLessEqual(len(query.locations), FEW.boxes)
        for asked in query.track:
            self.assertTrue(1 <= len(asked.encode()) <= FEW.phrase_bytes)
            self.assertNotIn(",", asked)
            self.assertEqual(asked, " ".join(asked.split()))
        for box in query.locations:
            self.assertTrue(-180 <= box.west < box.east <= 180)
            self.assertTrue(-90 <= box.south < box.north <= 90)

    @given(any_text | pieces_of_text)
    def test_no_term_vanishes(self, text: str) -> None:
        """Each is asked for, or said to be left out."""
        reading = read(text, FEW)
        query = reading.query or Query()
        left_out = {refused.term for refused in reading.refused}
        for term in split_terms(text):
            if term[:4].lower() == "geo:":
                self.assertTrue(query.locations or term in left_out)
            elif term not in left_out:
                self.assertIn(phrase(term, FEW), query.track)
