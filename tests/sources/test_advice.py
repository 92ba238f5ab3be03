"""What is told of a keyword text while it is typed: what sources ask, and what may be meant."""

from twisted.trial.unittest import SynchronousTestCase

from tcclient.sources.advice import TermAdvice, many_lines
from tcclient.sources.keywords import Box
from tcclient.sources.registry import advice
from tcclient.sources.twitter_v1.query import LIMITS, read
from tcclient.sources.twitter_v2.rules.clauses import clauses, pack

TEXT = 'ballot, "polling station", geo: 7 50 8 51, geo: 1 2, ---, rule:(a OR b) lang:en, Ballot'


class AdviceTests(SynchronousTestCase):
    def test_it_is_what_the_sources_do(self) -> None:
        """The default first; each term that is asked or left out, with the rules of X API v2."""
        v2, v1 = advice(TEXT)
        found, refused = clauses(TEXT, 1024)
        self.assertEqual(
            {(one.term, one.asked) for one in v2.terms if not one.wrong},
            {(one.term, one.text) for one in found},
        )
        self.assertEqual(
            {(one.term, one.wrong) for one in v2.terms if one.wrong},
            {(one.term, one.reason) for one in refused},
        )
        self.assertEqual(v2.rules, pack(found, 1024))
        self.assertEqual((v2.title, v1.title, v1.rules), ("X API v2", "API v1.1", ()))
        query = read(TEXT, LIMITS).query
        assert query is not None
        asked = {one.asked for one in v1.terms if not one.wrong and one.box is None}
        self.assertEqual(asked, set(query.track))

    def test_boxes(self) -> None:
        for told in advice(TEXT):
            [box] = [one.box for one in told.terms if one.box is not None]
            self.assertEqual(box, Box(7, 50, 8, 51))

    def test_nothing(self) -> None:
        """Without a text there is no term; with commas alone there is one, which is wrong."""
        self.assertEqual([told.terms for told in advice(None)], [(), ()])
        for told in advice(" , "):
            wrong = TermAdvice(",", wrong="there is no term between the commas")
            self.assertEqual(told.terms, (wrong,))

    def test_phrases_on_v1(self) -> None:
        """Are none, which is said there only."""
        v2, v1 = advice('"polling station"')
        self.assertEqual((v2.terms[0].doubts, len(v1.terms[0].doubts)), ((), 1))


def told(term: str) -> tuple[str, ...]:
    """What is doubtful about the only term, on v2."""
    [one] = advice(term)[0].terms
    return one.doubts


class DoubtTests(SynchronousTestCase):
    def test_mistakes(self) -> None:
        for term, words in [
            ("from:nasa", "not as an operator; for that write rule:…"),
            ("tea -milk", "a minus leaves nothing out"),
            ("tea OR milk", "OR, AND and NOT are words"),
            ("elect*", "an asterisk"),
            ("tea; milk", "did you mean 2 terms?"),
            ("a tea with some milk", "all 5 words"),
            ('the "polling', "without a partner"),
            ("https://example.org/a", "links' addresses"),
            ("x", "a single letter"),
            ("tea\nmilk", "did you mean 2 terms?"),
        ]:
            found = told(term)
            self.assertEqual(len(found), 1, (term, found))
            self.assertIn(words, found[0])

    def test_what_is_well(self) -> None:
        well = ("tea", "#tea", "@nasa", "coca-cola", "tea or milk", '"a b c d e f"', "雪", "❄")
        for term in well:
            self.assertEqual(told(term), (), term)
        self.assertEqual(told("rule:from:nasa -is:retweet"), ())
        self.assertEqual(told("geo: -1 2 3 4"), ())

    def test_lines(self) -> None:
        for text, found in [("tea\nmilk", True), ("tea,\nmilk", False), ("tea milk\n", False)]:
            self.assertEqual(many_lines(text), found, text)
