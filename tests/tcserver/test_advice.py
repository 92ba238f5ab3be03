"""The form of a capture tells of each term what X will be asked."""

import re

from tcclient.sources.registry import advice
from tcserver.captures.services.archive import archive
from tcserver.captures.status import Wanted
from tests.tcserver.test_website import PageCase


class AdviceOnTheFormTests(PageCase):
    def told(self, text: str, of: str = "", **fields: object) -> str:
        """What is told while one types."""
        form, path = "/captures/new/", f"/captures/keywords/{of}"
        return self.post(path, form, 200, keywords=text, **fields).content.decode()

    def test_rules_of_the_client(self) -> None:
        """All captures that its app has rules for count, but the one that is edited."""
        world = self.world
        words = ", ".join(f"a-long-keyword-{n}" for n in range(100))
        world.capture("long", words)
        world.capture("waits", words, wanted=Wanted.NOTHING)
        archive(world.capture("gone", words).pk, world.act(world.rita))
        client = {"client": world.client.pk}
        own = len(advice(words)[0].rules)
        self.assertGreater(own, 1)
        self.assertIn(
            f"With 2 other captures of client1 that run: <strong>{own + 2} of 1,000</strong>",
            self.told("tea", **client),
        )
        self.assertIn(
            "With 1 other capture", self.told("tea", f"?capture={world.demo.pk}", **client)
        )
        self.assertIn("An app has 1,000 at most", self.told("tea"))
        self.assertIn("An app has 1,000 at most", self.told("tea", client=world.stranger.pk))
        for odd in ("", "x", "9" * 30, "-1"):
            self.assertIn(
                "An app has 1,000 at most", self.told("tea", f"?capture={odd}", client=odd)
            )
        self.assertIn("With 1 other capture of client1", self.get(f"{self.demo}edit/"))

    def test_more_rules_than_there_may_be(self) -> None:
        """It is said before X says it."""
        many = ", ".join(f"rule:word{n} {'x' * 1000}" for n in range(60))
        for n in range(17):
            self.world.capture(f"many{n}", f"{many}, and{n}")
        told = self.told("tea", client=self.world.client.pk)
        self.assertIn("X takes more on enterprise plans only", told)

    def test_term_by_term(self) -> None:
        """In the order of typing, each with its state; and the rules that result."""
        page = self.told("tea, ---, tea OR milk")
        self.assertEqual(
            re.findall(r'<th scope="row">([^<]+)', page)[:3], ["tea", "---", "tea OR milk"]
        )
        self.assertIn("1 term will be left out", page)
        self.assertIn("X matches words, numbers, hashtags and emoji", page)
        self.assertIn("look again", page)
        self.assertIn("<strong>1 rule</strong> at X of 22 of 1,024 characters", page)

    def test_no_keywords(self) -> None:
        self.assertIn("the sample of all posts", self.told("  "))

    def test_several_lines(self) -> None:
        """A term that was meant as several is not said to be understood."""
        page = self.told("coffee\ngreen tea\n#rain")
        self.assertIn("did you mean 3 terms?", page)
        self.assertNotIn("understood</span>", page.partition("<details")[0])
        self.assertNotIn("did you mean", self.told("coffee,\ngreen tea,\n#rain"))

    def test_the_sample_beside_others(self) -> None:
        """It is said before it is asked for in vain."""
        told = self.told("", client=self.world.client.pk)
        self.assertIn("is not captured beside captures with keywords: client1 has 1", told)
        self.assertNotIn("beside", self.told("", client=self.world.stranger.pk))

    def test_boxes_are_drawn(self) -> None:
        """South is below; a box that is too small to be seen is drawn larger."""
        page = self.told("geo: 7 50 9 51.5, geo: -60 -10 -60 -10")
        self.assertIn('<rect x="7.0" y="-51.5" width="2.0" height="1.5">', page)
        self.assertIn('<rect x="-60.0" y="10.0" width="1.5" height="1.5">', page)

    def test_however_much_is_typed(self) -> None:
        """The answer has a bound."""
        page = self.told(", ".join(f"term{n}" for n in range(20_000)))
        self.assertLess(len(page), 600_000)
        self.assertIn("more terms are not shown", page)

    def test_markup(self) -> None:
        self.assertNotIn("<b>", self.told("<b>tea</b>, geo: 1 2 3 4 <b>"))

    def test_without_javascript(self) -> None:
        """A button asks for the same, and nothing is made of it; Edit begins with it."""
        form = "/captures/new/"
        fields = {"name": "x", "project": self.world.project.pk, "keywords": "tea\nmilk"}
        page = self.post(form, form, 200, check="", **fields).content.decode()
        self.assertIn("A line break does not separate terms", page)
        self.assertIn("<code>cats</code>", self.get(f"{self.demo}edit/"))
