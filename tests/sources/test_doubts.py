"""Keywords that look right and find nothing: what is mended, and what is only said."""

import time

from twisted.trial.unittest import SynchronousTestCase

from tcclient.sources.doubts import doubts
from tcclient.sources.keywords import MOST_TEXT, cleaned, split_terms
from tcclient.sources.twitter_v1.query import LIMITS, read
from tcclient.sources.twitter_v1.query import SYNTAX as V1
from tcclient.sources.twitter_v2.rules.clauses import SYNTAX as V2
from tcclient.sources.twitter_v2.rules.clauses import clauses


class CleanedTests(SynchronousTestCase):
    """A text as posts are written."""

    def test_table(self) -> None:
        """Text -> what is left of it."""
        for text, clean in (
            ("Zu\u0308rich", "Zürich"),
            ("\ufeffcats", "cats"),
            ("ca\u200bts", "cats"),
            ("cats\u200e, \u202edogs", "cats, dogs"),
            ("Donau\u00addampf", "Donaudampf"),
            ("می\u200cخواهم", "می\u200cخواهم"),
            ("क\u094d\u200dष", "क\u094d\u200dष"),
            ("\U0001f469\u200d\U0001f52c", "\U0001f469\u200d\U0001f52c"),
            ("\u200ccats\u200d dogs\u200d", "cats dogs"),
            ("\U0001f3f4\U000e0067\U000e007f", "\U0001f3f4\U000e0067\U000e007f"),
            ("half \ud800", "half \ud800"),
            ("ca\u200dts, d\u200c\u200dogs", "cats, dogs"),
            ("\u200dcats\u200c,\u200ddogs \u200c", "cats,dogs "),
            ("3\u200d4, \u043a\u200d\u043e\u0442, 猫\u200d犬", "34, \u043a\u043e\u0442, 猫犬"),
            ("PDF\u200cها", "PDF\u200cها"),
            ("র\u200d্য", "র\u200d্য"),
            ("❤️\u200d\U0001f525", "❤️\u200d\U0001f525"),
            ("Zu\u200b\u0308rich", "Zürich"),
        ):
            self.assertEqual(cleaned(text), clean, ascii(text))
            self.assertEqual(cleaned(clean), clean, ascii(text))

    def test_terms_that_differ_in_nothing_visible(self) -> None:
        """They are one term, on either API."""
        self.assertEqual(split_terms("Zürich, Zu\u0308rich, \u200bZürich"), ["Zürich"])


class DoubtsTests(SynchronousTestCase):
    """What is asked for as it is written, and probably not meant."""

    def test_other_commas(self) -> None:
        """
        Each of them, and line ends and tabs, make one phrase of what were to be several terms,
        which is shown as it is written.
        """
        for separator in "，、،;；؛﹐﹑﹔､･︐՝፣߸᠂⹁꘍\n\r\t\v\f\x1c\x1e\x85\u2028\u2029":
            term = f"cats{separator} dogs{separator}birds"
            for syntax in (V1, V2):
                (found,) = doubts(f"good, {term}", syntax)
                self.assertEqual(found.term, term)
                self.assertIn("did you mean 3 terms", found.reason)

    def test_it_is_named_what_stands_for_commas(self) -> None:
        """In words: one cannot tell them apart by their looks."""
        for text, words in (
            ("a，b", "place of ， (fullwidth comma)"),
            ("a;b", "place of ; (semicolon)"),
            ("a\r\nb\x85c", "place of line ends"),
        ):
            (found,) = doubts(text, V2)
            self.assertTrue(found.reason.endswith(words), found.reason)

    def test_mistakes(self) -> None:
        """Term -> what is said of it on either API; of what there is on v2 alone nothing there."""
        for term, on_v1, on_v2 in (
            ("tea OR milk", "blanks mean and", "for that write rule:…"),
            ("tea AND milk", "blanks mean and", "for that write rule:…"),
            ("from:nasa", "not as an operator", "for that write rule:…"),
            ("tea lang:en", "not as an operator", "for that write rule:…"),
            ('"tea"~2', "quotation marks make no phrase", "for that write rule:…"),
            ("rule:tea", "not as an operator", ""),
            ('"black tea"', "quotation marks make no phrase", ""),
            ("“black tea”", "quotation marks make no phrase", ""),
            ("«thé noir»", "quotation marks make no phrase", ""),
            ("the “polling", "without a partner", "without a partner"),
        ):
            for syntax, words in ((V1, on_v1), (V2, on_v2)):
                said = [one.reason for one in doubts(term, syntax)]
                self.assertEqual(len(said), bool(words), (term, said))
                self.assertIn(words, "".join(said))

    def test_pasted_lists(self) -> None:
        """Their ends have brackets."""
        for text in ("[tea, milk]", "{tea, milk}", "(tea, milk)", "['tea', 'milk']", '["tea","m"]'):
            for syntax in (V1, V2):
                said = [one.reason for one in doubts(text, syntax)]
                self.assertEqual(len(said), 2, text)
                for reason in said:
                    self.assertIn("a part of a list", reason)
        self.assertEqual(len(doubts("[tea]", V2)), 1)

    def test_what_is_no_reason_for_doubt(self) -> None:
        """Ends of a text, boxes, rules, and what only looks a little like it."""
        for text in (
            *(None, "", "cats, dogs", "cats,\ndogs\n", "cats;", "\n\n", "~5", 'say "a b"'),
            *('rule:"a b"~5', "rule:a\nb", "geo: 1 2 3 4;", "geo: 1, 2, 3, 4"),
            *(":), :(, =], 8), x)", "f(x), (sic) indeed", "l’eau", "ジョン・レノン", "tea or milk"),
        ):
            self.assertEqual(doubts(text, V2), (), text)

    def test_many_terms_take_little_time(self) -> None:
        """The reactor waits for it, whatever the text."""
        for term in ("a;b{0:05}", "a-b:{0:04}", "({0:07}", '"a" OR{0:03}'):
            begun = time.thread_time()
            doubts(",".join(map(term.format, range(10_000)))[:MOST_TEXT], V2)
            self.assertLess(time.thread_time() - begun, 0.5, term)
        for text in ("(" * MOST_TEXT, "[a" * (MOST_TEXT // 2), "a)" * (MOST_TEXT // 2)):
            begun = time.thread_time()
            doubts(text, V2)
            self.assertLess(time.thread_time() - begun, 0.5, text[:9])


class TooLongTests(SynchronousTestCase):
    """A text that would hold up the reactor while it is taken apart."""

    def test_it_is_refused_in_one_sentence(self) -> None:
        """Nothing of it is asked for on either API, least of all the sample, and nothing quoted."""
        text = "some words，" * (1 << 17)
        reason = f"the keyword text has {len(text)} characters, and at most {MOST_TEXT} are taken"
        for asked, refused in (
            (read(text, LIMITS).query, read(text, LIMITS).refused),
            (clauses(text, 1024)[0] or None, clauses(text, 1024)[1]),
        ):
            self.assertIsNone(asked)
            self.assertEqual([one.reason for one in refused], [reason])
            self.assertLess(len(refused[0].term), 80)
        self.assertEqual(doubts(text, V2), ())

    def test_the_longest_one_is_taken(self) -> None:
        """That is 10,000 terms and more."""
        text = ",".join(f"word{n:05}" for n in range(10_000))
        self.assertLess(len(text), MOST_TEXT)
        self.assertEqual([len(part) for part in clauses(text, 1024)], [10_000, 0])


class QuotationMarkTests(SynchronousTestCase):
    """v1.1 knows none."""

    def test_they_are_not_sent(self) -> None:
        """The words are; nothing but marks is no term."""
        query = read('"green tea", “black” tea, „x“', LIMITS).query
        assert query is not None
        self.assertEqual(query.track, ("green tea", "black tea", "x"))
        self.assertIn("nothing in the quotation", read('""', LIMITS).refused[0].reason)
