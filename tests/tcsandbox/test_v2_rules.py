"""The simulated X API v2's rules: the language, the store, and posts that match as they say."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random
from statistics import fmean
from typing import Any

import attrs
from msgspec.json import encode as json_encode
from twisted.trial.unittest import SynchronousTestCase

from tcsandbox.twitter.common.ids import Ids
from tcsandbox.twitter.v2.app import App, RateLimitWindow
from tcsandbox.twitter.v2.changes import change_rules, count_rules, list_rules
from tcsandbox.twitter.v2.clauses import PostRequirements, RuleClause
from tcsandbox.twitter.v2.connections import AppConnections
from tcsandbox.twitter.v2.facts import Facts, facts_of, tokens
from tcsandbox.twitter.v2.fields import KNOWN, Selection, read_selection
from tcsandbox.twitter.v2.lexing import InvalidRule
from tcsandbox.twitter.v2.plan import Plan
from tcsandbox.twitter.v2.pool import DRAFTS, Draft, Pool, sample_drafts
from tcsandbox.twitter.v2.posts import V2PostWriter
from tcsandbox.twitter.v2.problems import Denied
from tcsandbox.twitter.v2.rulelanguage import parse
from tcsandbox.twitter.v2.rules import AppRule, RuleStore
from tcsandbox.twitter.v2.source import V2PostSource

NOW = 1_700_000_000.0
EVERYTHING = Selection(KNOWN)


def facts(text: str = "", **members: Any) -> Facts:
    """The facts of a post with that text; `members` are of its data, `includes` as such."""
    includes = members.pop("includes", {})
    data = {"id": "1", "text": text, "author_id": "7", "lang": "en", **members}
    users = [{"id": "7", "username": "Ann"}, {"id": "8", "username": "bob"}]
    return facts_of({"data": data, "includes": {"users": users, **includes}}, draw=30)


def place(*bbox: float) -> dict[str, Any]:
    """`includes` with a place."""
    return {"places": [{"country_code": "DK", "geo": {"bbox": list(bbox)}}]}


class TokenTests(SynchronousTestCase):
    """How X divides a text."""

    def test_words(self) -> None:
        """At punctuation; digits, marks and underscores belong to a word, accents count."""
        for text, expected in (
            ("Coca-Cola's été", ["coca", "cola", "s", "été"]),
            ("e\u0301te\u0301", ["été"]),
            ("#snow_2024 @me", ["snow_2024", "me"]),
            ("新しいx", ["新", "し", "い", "x"]),
            ("a😂b ☔ ↔", ["a", "😂", "b", "☔", "↔"]),
            ("1+1=2", ["1", "1", "2"]),
            ("...", []),
        ):
            self.assertEqual(tokens(text), expected)


class MatchTests(SynchronousTestCase):
    """What a rule matches."""

    def check(self, rule: str, yes: list[Facts], no: list[Facts]) -> None:
        clause = parse(rule)
        self.assertEqual(
            [clause.matches(f) for f in yes + no], [True] * len(yes) + [False] * len(no)
        )

    def test_words(self) -> None:
        """Whole words, in any case, with their accents, and not within a link."""
        self.check(
            "Snow",
            [facts("deep SNOW, today"), facts("#snow")],
            [facts("snowing"), facts("see https://t.co/snow")],
        )
        self.check("touché", [facts("Touché!")], [facts("touche")])

    def test_phrases(self) -> None:
        """The words in their order, whatever is between them."""
        green = [facts("GREEN, tea"), facts("my green tea")]
        self.check('"green tea"', green, [facts("tea green"), facts("green teapot")])
        self.check("coca-cola", [facts("coca cola")], [facts("cola coca")])

    def test_logic(self) -> None:
        """AND binds before OR; parentheses and minus do what they should."""
        a, b, c, bc = facts("a1"), facts("b1"), facts("c1"), facts("b1 c1")
        self.check("a1 OR b1 c1", [a, bc], [b, c])
        self.check("(a1 OR b1) c1", [bc], [a, b, c])
        self.check("b1 -c1", [b], [bc, c])
        self.check("b1 -(a1 OR c1)", [b], [bc])

    def test_many_words(self) -> None:
        """Each alternative counts, be it a word, a phrase or something else."""
        yes = [facts("a1"), facts("b1 c1"), facts("x", lang="fi")]
        self.check('b2 OR a1 OR "b1 c1" OR (x lang:fi)', yes, [facts("b1 x c1")])

    def test_words_near_each_other(self) -> None:
        """In any order, with so many others between them at most."""
        yes = [facts("snow falls here"), facts("here falls snow"), facts("x snow a here y")]
        self.check('"snow here"~1', yes, [facts("snow a b here"), facts("snow"), facts("here")])

    def test_operators_of_today(self) -> None:
        """They are accepted; text alone does not decide of them."""
        for rule in (
            "snow from_affiliate_of:acme",
            "snow to_affiliate_of:acme",
            "snow min_followers:100",
            'embedding:"snow in the mountains"',
            'embedding:"snow in the mountains" embedding_threshold:0.7',
        ):
            self.check(rule, [], [facts("snow")])

    def test_entities(self) -> None:
        """A hashtag, a mention and a cashtag are not just words."""
        entities = {
            "hashtags": [{"tag": "Snow"}],
            "mentions": [{"username": "Bob"}],
            "cashtags": [{"tag": "GME"}],
            "urls": [{"expanded_url": "https://example.com/blue-moon"}],
        }
        tagged, plain = facts("#Snow @Bob $GME", entities=entities), facts("snow bob gme")
        for rule in ("#snow", "@bob", "$gme", 'url:"blue moon"', "gme has:cashtags"):
            self.check(rule, [tagged], [plain])

    def test_parts_of_addresses(self) -> None:
        """As they are written, punctuation included, and not by words."""
        links = {"urls": [{"expanded_url": "https://News.example.com/2026/blue-moon?a=1"}]}
        linked, plain = facts("x", entities=links), facts("x news.example.com")
        for part in ("news.example.com", "ews.exam", '"/2026/blue-"', "MOON", '"moon?a=1"'):
            self.check(f"url_contains:{part}", [linked], [plain])
        for part in ('"blue moon"', "moons"):
            self.check(f"url_contains:{part}", [], [linked])

    def test_people(self) -> None:
        """By username or id."""
        ann = facts("x")
        self.check("from:ann OR from:nobody", [ann], [])
        self.check("from:7", [ann], [])
        reply = facts("x", in_reply_to_user_id="8")
        self.check("to:bob", [reply], [ann])

    def test_kinds(self) -> None:
        """is: and has: and lang:."""
        retweet = facts("again", referenced_tweets=[{"type": "retweeted", "id": "2"}])
        photo = facts("x", includes={"media": [{"type": "photo"}]})
        self.check("x OR (again is:retweet)", [retweet, photo], [facts("again")])
        self.check("x has:images -has:videos", [photo], [facts("x")])
        self.check("x lang:de", [facts("x", lang="de")], [facts("x")])

    def test_retweets_match_by_what_they_repeat(self) -> None:
        """Though their own text is cut."""
        original = {"id": "2", "text": "a long story", "author_id": "8"}
        references = [{"type": "retweeted", "id": "2"}]
        retweet = facts(
            "RT @bob: a…", referenced_tweets=references, includes={"tweets": [original]}
        )
        self.check("story", [retweet], [facts("RT @bob: a…")])
        self.check("retweets_of:bob", [retweet], [facts("RT @bob: a…")])

    def test_long_posts(self) -> None:
        """The whole text counts."""
        self.check(
            "end", [facts("begin…", note_tweet={"text": "begin and end"})], [facts("begin…")]
        )

    def test_places(self) -> None:
        """A point or a whole place within the box or circle."""
        point = {"coordinates": {"type": "Point", "coordinates": [12.1, 55.5]}}
        inside, outside = place(12.0, 55.4, 12.2, 55.6), place(11.0, 55.4, 12.2, 55.6)
        self.check(
            "bounding_box:[12 55 13 56]",
            [facts(geo=point), facts(includes=inside)],
            [facts(includes=outside), facts()],
        )
        self.check("point_radius:[12.1 55.5 20mi]", [facts(includes=inside)], [facts()])
        self.check("point_radius:[12.1 55.5 1km]", [facts(geo=point)], [facts(includes=inside)])
        self.check("place_country:dk", [facts(includes=outside)], [facts()])

    def test_sample(self) -> None:
        """So many percent of the posts, always the same."""
        self.check("x sample:31", [facts("x")], [])
        self.check("x sample:30", [], [facts("x")])


class RefusalTests(SynchronousTestCase):
    """Rules that X would not take, and its sentences."""

    def details(self, rule: str, **limits: Any) -> list[str]:
        return list(self.assertRaises(InvalidRule, parse, rule, **limits).details)

    def test_recorded_sentences(self) -> None:
        """Those that clients have recorded from X, word for word."""
        for rule, expected in (
            (
                "--b",
                [
                    "Rules must contain a non-negation term (at position 1)",
                    "Rules must contain at least one positive, non-stopword clause (at position 1)",
                ],
            ),
            (
                "h:m",
                [
                    "Reference to invalid operator 'h' (at position 1).",
                    "Reference to invalid field 'h' (at position 1).",
                ],
            ),
            (
                "cats has:images and has:geo",
                [
                    "Ambiguous use of and as a keyword. Use a space to logically join two clauses, "
                    'or "and" to find occurrences of and in text (at position 17)'
                ],
            ),
            ("has:media", ["is/has/lang cannot be used as a standalone operator (at position 1)"]),
            ("[a]", ["no viable alternative at input '[' (at position 1)"]),
            ("(a1 b1) c1)", ["missing EOF at ')' (at position 11)"]),
        ):
            self.assertEqual(self.details(rule), expected)

    def test_unusable(self) -> None:
        """Each is refused with a position."""
        for rule, words in (
            ("", "empty"),
            ("a1 OR", "'<EOF>' (at position 6)"),
            ("OR a1", "'OR' (at position 1)"),
            ("()", "')' (at position 2)"),
            ("(a1", "missing ')' at '<EOF>' (at position 4)"),
            ('a1 "b1', "'\"' (at position 4)"),
            ("a1 or b1", "Use OR"),
            ("a1 - b1", "'-' (at position 4)"),
            ("-a1", "non-negation"),
            ("a1 OR -b1", "non-negation"),
            ("a1 OR lang:en", "standalone"),
            ("the", "non-stopword"),
            ('"the"', "non-stopword"),
            ("a1 :) b1", "':' (at position 4)"),
            ("a1 ...", "'...' (at position 4)"),
            ("a1 lang:english", "language code"),
            ("a1 has:polls", "'has:polls'"),
            ("from:a-b", "Invalid username"),
            ("from:", "'from:' (at position 1)"),
            ("a1 sample:0", "sample:"),
            ("point_radius:[1 2 30mi]", "25 miles"),
            ("point_radius:[1 2]", "point_radius must be"),
            ("bounding_box:[1 2 3]", "bounding_box must be"),
            ("bounding_box:[3 2 1 4]", "out of order"),
        ):
            self.assertIn(words, " ".join(self.details(rule)), rule)

    def test_usable(self) -> None:
        """What a careful client writes is taken."""
        for rule in (
            *(
                "the snow",
                'snow "or"',
                '(("coca-cola") OR (a1 "OR" b1))',
                "snow -(rain OR -sun)",
            ),
            *("#tag @me $GME 😂", "AT&T", "don't", "snow (lang:en OR lang:de)", "a1 context:1.2"),
            *('url:"https://example.com/a"', "bounding_box:[-1.5 2 3 4.25]", "FROM:ann"),
        ):
            parse(rule)

    def test_limits(self) -> None:
        """Both sides of the length, and of a box's size where there is one."""
        parse("a" * 10, length=10)
        self.assertIn("10 characters", self.details("a" * 11, length=10)[0])
        parse("bounding_box:[0 0 0.36 0.36]", box_miles=25)
        self.assertIn("25mi", self.details("bounding_box:[0 0 0.37 0.1]", box_miles=25)[0])
        parse("bounding_box:[-180 -90 180 90]")


class StoreTests(SynchronousTestCase):
    """Which rules an app has, and when they work."""

    def setUp(self) -> None:
        self.store = RuleStore()
        self.plan = Plan(rule_delay=20, delete_delay=5, rule_cap=3)

    def add(self, *values: str, now: float = NOW, dry_run: bool = False) -> Any:
        return self.store.add([(value, "t") for value in values], now, self.plan, dry_run)

    def working(self, now: float) -> list[str]:
        return [rule.value for rule in self.store.working(now)]

    def test_a_rule_works_after_a_while(self) -> None:
        """Not before, and a deleted one a while longer."""
        (rule,) = self.add("snow").rules
        self.assertEqual([self.working(NOW + 19.9), self.working(NOW + 20)], [[], ["snow"]])
        self.store.delete([rule.id], NOW + 30, self.plan, dry_run=False)
        self.assertEqual(self.store.present, {})
        self.assertEqual([self.working(NOW + 34.9), self.working(NOW + 35)], [["snow"], []])

    def test_a_rule_that_stays(self) -> None:
        """It is an error like one that does not exist, and works on."""
        (rule,) = self.store.add([("snow", None)], NOW, self.plan, dry_run=False).rules
        plan = attrs.evolve(self.plan, undeletable=True)
        done = self.store.delete([rule.id], NOW + 30, plan, dry_run=False)
        self.assertEqual((done.rules, len(done.errors)), ((), 1))
        self.assertEqual(self.store.working(NOW + 300), (rule,))

    def test_a_rule_deleted_before_it_worked(self) -> None:
        """Never works, when deleting is quicker."""
        (rule,) = self.add("snow").rules
        self.store.delete([rule.id], NOW + 1, self.plan, dry_run=False)
        self.assertEqual(self.working(NOW + 25), [])

    def test_duplicates(self) -> None:
        """The same value is one, whatever the tag; parentheses make another value."""
        (rule,) = self.add("snow").rules
        done = self.store.add([("snow", "other"), ("(snow)", None)], NOW, self.plan, False)
        self.assertEqual([r.value for r in done.rules], ["(snow)"])
        (error,) = done.errors
        self.assertEqual((error["title"], error["id"]), ("DuplicateRule", rule.id))
        self.assertTrue(str(error["type"]).endswith("/duplicate-rules"))

    def test_twice_in_a_request(self) -> None:
        """The second is a duplicate without an id."""
        done = self.add("snow", "snow")
        self.assertEqual(len(done.rules), 1)
        self.assertNotIn("id", done.errors[0])

    def test_an_invalid_rule(self) -> None:
        """Keeps the others out, unless the plan says otherwise; its faults are told."""
        done = self.add("snow", "(")
        self.assertEqual((done.rules, done.invalid, self.store.present), ((), 1, {}))
        self.assertEqual(done.errors[0]["value"], "(")
        self.assertIn("position 2", done.errors[0]["details"][0])
        self.plan = Plan(atomic=False)
        self.assertEqual([rule.value for rule in self.add("snow", "(").rules], ["snow"])

    def test_cap(self) -> None:
        """One more than the cap, and none of the request is added."""
        self.add("a1", "b1")
        denied = self.assertRaises(Denied, self.add, "c1", "d1")
        self.assertEqual(denied.reply.body["title"], "RulesCapExceeded")
        self.assertEqual(len(self.add("c1").rules), 1)

    def test_dry_run(self) -> None:
        """Tells what would be, and changes nothing."""
        self.assertEqual(len(self.add("snow", dry_run=True).rules), 1)
        self.assertEqual(self.store.present, {})
        (rule,) = self.add("snow").rules
        self.store.delete([rule.id], NOW, self.plan, dry_run=True)
        self.assertEqual(list(self.store.present), [rule.id])

    def test_deleting_what_is_not_there(self) -> None:
        """An error, and the others go."""
        (rule,) = self.add("snow").rules
        done = self.store.delete(["5", rule.id], NOW, self.plan, dry_run=False)
        self.assertEqual(len(done.rules), 1)
        self.assertEqual(done.errors[0]["errors"][0]["message"], "Rule does not exist")

    def test_ids_increase(self) -> None:
        """Also when rules were deleted in between."""
        (first,) = self.add("a1").rules
        self.store.delete([first.id], NOW, self.plan, dry_run=False)
        (second,) = self.add("a1").rules
        self.assertLess(int(first.id), int(second.id))


def make_app(**plan: Any) -> App:
    """An app without rules."""
    return App(Plan(**plan), Pool(Random(1)), AppConnections(Random(1)), 1.0)


class EndpointTests(SynchronousTestCase):
    """What the rules endpoint answers."""

    def setUp(self) -> None:
        self.app = make_app()

    def post(self, body: object, **params: str) -> Any:
        return change_rules(self.app, params, json.dumps(body).encode(), NOW).reply

    def get(self, **params: str) -> Any:
        return list_rules(self.app, params, NOW)

    def refusal(self, body: object, **params: str) -> int:
        return self.assertRaises(Denied, self.post, body, **params).reply.status

    def test_add(self) -> None:
        """201 with the new rules and a summary; without a tag there is no such member."""
        reply = self.post({"add": [{"value": "a1", "tag": "t"}, {"value": "b1"}]})
        self.assertEqual(reply.status, 201)
        self.assertEqual(
            [set(rule) for rule in reply.body["data"]], [{"id", "value", "tag"}, {"id", "value"}]
        )
        self.assertEqual(reply.body["meta"]["sent"], "2023-11-14T22:13:20.000Z")
        summary = {"created": 2, "not_created": 0, "valid": 2, "invalid": 0}
        self.assertEqual(reply.body["meta"]["summary"], summary)

    def test_duplicate_and_invalid(self) -> None:
        """As recorded: a duplicate comes with 201, a rule that cannot be read with 200."""
        self.post({"add": [{"value": "a1"}]})
        for value, status in (("a1", 201), ("(", 200)):
            reply = self.post({"add": [{"value": value}]})
            self.assertEqual(reply.status, status)
            summary = {"created": 0, "not_created": 1, "valid": 0, "invalid": 1}
            self.assertEqual(reply.body["meta"]["summary"], summary)
            self.assertNotIn("data", reply.body)
            self.assertEqual(reply.body["errors"][0]["value"], value)

    def test_delete(self) -> None:
        """By id, by value, or all."""
        for how in ("ids", "values", "all"):
            (rule,) = self.post({"add": [{"value": "a1"}]}).body["data"]
            if how == "all":
                reply = self.post({}, delete_all="true")
            else:
                reply = self.post({"delete": {how: [rule["id" if how == "ids" else "value"]]}})
            self.assertEqual((reply.status, self.app.rules.present), (200, {}))
            self.assertEqual(reply.body["meta"]["summary"], {"deleted": 1, "not_deleted": 0})

    def test_dry_run(self) -> None:
        """The same answer, and nothing has changed, which the outcome says too."""
        body = json.dumps({"add": [{"value": "a1"}]}).encode()
        outcome = change_rules(self.app, {"dry_run": "true"}, body, NOW)
        self.assertEqual((outcome.reply.status, outcome.rules), (201, ()))
        self.assertEqual(len(outcome.reply.body["data"]), 1)  # type: ignore[arg-type]
        self.assertEqual(self.app.rules.present, {})

    def test_unusable_requests(self) -> None:
        """A 400."""
        for body in (
            *(
                {},
                [],
                {"add": []},
                {"delete": {}},
                {"add": [{"tag": "t"}]},
                {"add": [{"value": 1}]},
            ),
            {"add": [{"value": "a1"}], "delete": {"ids": ["1"]}},
        ):
            self.assertEqual(self.refusal(body), 400, body)
        self.assertEqual(self.refusal({"add": [{"value": "a1"}]}, dry_run="yes"), 400)
        self.assertRaises(Denied, self.get, max_results="1001")
        self.assertRaises(Denied, self.get, pagination_token="x")

    def test_listing(self) -> None:
        """Nothing, some by id, and all in pages."""
        self.assertEqual(set(self.get().body), {"meta"})
        self.assertEqual(self.get().body["meta"]["result_count"], 0)
        self.post({"add": [{"value": f"a{n}"} for n in range(5)]})
        ids = list(self.app.rules.present)
        some = self.get(ids=f"{ids[1]},{ids[3]},9").body["data"]
        self.assertEqual([rule["id"] for rule in some], [ids[1], ids[3]])
        found, params = [], {"max_results": "2"}
        while True:
            body = self.get(**params).body
            found += [rule["id"] for rule in body["data"]]
            if "next_token" not in body["meta"]:
                break
            params["pagination_token"] = body["meta"]["next_token"]
        self.assertEqual(found, ids)

    def test_counts(self) -> None:
        """How many there are and may be."""
        self.post({"add": [{"value": "a1"}]})
        data: Any = count_rules(self.app).body["data"]
        self.assertEqual(data["client_app_rules_count"]["rule_count"], 1)
        self.assertEqual(data["cap_per_client_app"], "1000")


class WindowTests(SynchronousTestCase):
    """Rate limits."""

    def test_a_window(self) -> None:
        """So many calls, then none until its end; the headers count down."""
        window = RateLimitWindow(2, 10)
        self.assertEqual(
            [window.allows(NOW + n) for n in (0, 1, 9, 9.9)], [True, True, False, False]
        )
        headers = window.headers(NOW + 9.9)
        expected = {"limit": "2", "remaining": "0", "reset": "1700000010"}
        self.assertEqual(headers, {f"x-rate-limit-{k}": v for k, v in expected.items()})
        self.assertTrue(window.allows(NOW + 10))
        self.assertEqual(window.headers(NOW + 10)["x-rate-limit-remaining"], "1")


def line_size(draft: Draft) -> int:
    """The bytes of the line with all fields that the client asks for by default."""
    asked = EVERYTHING.names | {"expansions": KNOWN["expansions"] - {"edit_history_tweet_ids"}}
    rules = b',"matching_rules":[{"id":"1600000000000000000","tag":"tcc:0123456789ab.0"}]}\r\n'
    return len(json_encode(Selection(asked).cut(draft.post))) + len(rules) - 1


class SelectionTests(SynchronousTestCase):
    """What is asked for is what comes."""

    def draft(self) -> Draft:
        pool, store = Pool(Random(2)), RuleStore()
        store.add([("a1 is:reply has:images bounding_box:[1 2 3 4]", None)], 0, Plan(), False)
        pool.serve(store.working(NOW), NOW)
        return pool.drafts[0]

    def test_default(self) -> None:
        """Id and text, and the history of edits."""
        cut = read_selection({}).cut(self.draft().post)
        self.assertEqual(set(cut), {"data"})
        self.assertEqual(set(cut["data"]), {"id", "text", "edit_history_tweet_ids"})

    def test_some(self) -> None:
        """Fields and expansions by name."""
        params = {"tweet.fields": "lang", "expansions": "author_id", "user.fields": "location"}
        cut = read_selection(params).cut(self.draft().post)
        expected = {"id", "text", "edit_history_tweet_ids", "lang", "author_id"}
        self.assertEqual(set(cut["data"]), expected)
        self.assertEqual(set(cut["includes"]), {"users"})
        self.assertEqual(set(cut["includes"]["users"][0]), {"id", "name", "username", "location"})

    def test_everything(self) -> None:
        """All that a post can have."""
        cut = EVERYTHING.cut(self.draft().post)
        self.assertLessEqual({"users", "media", "places"}, set(cut["includes"]))
        self.assertLessEqual({"geo", "attachments", "referenced_tweets"}, set(cut["data"]))

    def test_order(self) -> None:
        """The members of the post and of what it includes are in alphabetical order, as X's are."""
        cut = EVERYTHING.cut(self.draft().post)
        for found in (cut["data"], *cut["includes"]["users"], *cut["includes"]["places"]):
            self.assertEqual(list(found), sorted(found))

    def test_empty_members(self) -> None:
        """A post without place and attachments says so where it is asked, and is about nowhere."""
        post = V2PostWriter(Random(1), datetime.now(UTC)).post(PostRequirements(plain=True))
        cut = EVERYTHING.cut(post)
        self.assertEqual((cut["data"]["geo"], cut["data"]["attachments"]), ({}, {}))
        self.assertNotIn("geo", read_selection({}).cut(post)["data"])
        self.assertNotIn("has:geo", facts_of(post, 0).labels)

    def test_edits(self) -> None:
        """The expansion of the history of edits brings the post itself a second time."""
        post = self.draft().post
        cut = read_selection({"expansions": "edit_history_tweet_ids"}).cut(post)
        self.assertEqual(cut["includes"], {"tweets": [cut["data"]]})

    def test_mentions(self) -> None:
        """Who is mentioned is among the users."""
        needs = PostRequirements(pieces=["@somebody"], plain=True)
        post = V2PostWriter(Random(1), datetime.now(UTC)).post(needs)
        cut = read_selection({"expansions": "entities.mentions.username"}).cut(post)
        self.assertIn("somebody", [user["username"] for user in cut["includes"]["users"]])

    def test_sizes(self) -> None:
        """As those of 1,440 lines of X's with all fields, within a tenth, in bytes."""
        sizes = sorted(map(line_size, sample_drafts(Random(11), NOW, 3_000)))
        self.assert_as_of_x(sizes, 0.1)

    def test_sizes_for_one_rule(self) -> None:
        """As those of X's lines too, as far as the longest of a few hundred posts tell."""
        pool, store = Pool(Random(3)), RuleStore()
        store.add([("cats", None)], 0, Plan(), False)
        for _ in range(DRAFTS):
            pool.serve(store.working(NOW), NOW)
        self.assert_as_of_x(sorted(map(line_size, pool.drafts)), 0.15)

    def test_sizes_of_the_sample(self) -> None:
        """The same, of the posts that it repeats."""
        self.assert_as_of_x(sorted(map(line_size, sample_drafts(Random(11), NOW))), 0.15)

    def assert_as_of_x(self, sizes: Sequence[int], within: float) -> None:
        """Mean, median and the longest tenth and hundredth differ from X's by so much at most."""
        seen = [fmean(sizes), *(sizes[len(sizes) * part // 100] for part in (50, 90, 99))]
        for found, real in zip(seen, (3_462, 2_890, 6_365, 10_580), strict=True):
            self.assertTrue(1 - within <= found / real <= 1 + within, (seen, real))

    def test_unknown(self) -> None:
        """A 400 that names it."""
        for params in ({"tweet.fields": "id,colour"}, {"colour": "red"}):
            reply = self.assertRaises(Denied, read_selection, params).reply
            self.assertEqual(reply.status, 400)
            self.assertIn("colour", str(reply.body))


class SupplyTests(SynchronousTestCase):
    """Posts match what they say they match."""

    def setUp(self) -> None:
        self.store = RuleStore()
        self.pool = Pool(Random(3))
        self.now = NOW
        self.source = V2PostSource(self.supply, EVERYTHING, Ids(), Random(4))

    def supply(self, now: float) -> list[Draft]:
        self.pool.serve(self.store.working(now), now)
        return self.pool.drafts

    def add(self, *values: str) -> tuple[AppRule, ...]:
        plan = Plan(rule_delay=0, delete_delay=0)
        return self.store.add([(v, f"t,{v}") for v in values], self.now, plan, False).rules

    def take(self, count: int = 400) -> list[Any]:
        posts: list[Any] = []
        for _ in range(40):
            self.now += 0.025
            made, _ = self.source.take(count // 40, self.now)
            posts += [json.loads(post) for post in made]
        return posts

    def clauses(self) -> dict[str, RuleClause]:
        return {rule.id: rule.clause for rule in self.store.present.values()}

    def check(self, posts: list[Any]) -> None:
        """Each post matches the rules it names and no other: seen from the post itself."""
        clauses = self.clauses()
        for post in posts:
            named = {rule["id"] for rule in post["matching_rules"]}
            found = facts_of({"includes": {}, **post}, draw=0)
            self.assertEqual(named, {i for i, clause in clauses.items() if clause.matches(found)})
            self.assertTrue(named)

    def test_overlapping_rules(self) -> None:
        """Every rule has its posts, and some posts several rules."""
        rules = self.add("coffee OR tea", "tea milk", '("green tea" OR sugar) -milk', "rain")
        posts = self.take()
        self.check(posts)
        named = [frozenset(rule["id"] for rule in post["matching_rules"]) for post in posts]
        for rule in rules:
            self.assertTrue(any(rule.id in ids for ids in named), rule.value)
        self.assertTrue(any(len(ids) > 1 for ids in named))

    def test_every_operator(self) -> None:
        """Posts can be written for all that rules ask."""
        for value in (
            *("snow", '"deep snow"', "#snow", "@snowman", "$SNOW", "from:frosty", "from:123"),
            *("to:frosty", "retweets_of:frosty", "snow is:retweet", "snow is:reply is:quote"),
            *("snow lang:fi", "snow has:images", "snow has:videos", "snow has:geo", "雪 has:links"),
            *("bounding_box:[12 55 13 56]", "point_radius:[12.5 55.5 10km]", "place_country:FI"),
            *(
                "url:snow",
                "url_contains:snow",
                "snow has:mentions has:hashtags has:cashtags",
                "😂 snow",
            ),
            *("snow -is:retweet -has:links -lang:en", "(snow OR ice) -rain", "snow sample:1"),
        ):
            self.store, self.pool = RuleStore(), Pool(Random(5))
            (rule,) = self.add(value)
            self.pool.serve(self.store.working(NOW), NOW)
            self.assertTrue(self.pool.drafts, value)
            for draft in self.pool.drafts:
                self.assertTrue(rule.clause.matches(draft.facts))

    def test_nothing_for_what_cannot_be(self) -> None:
        """A rule that no post fulfils gets none, and does not keep the others from theirs."""
        self.add("snow -snow", "rain context:1.2")
        self.assertEqual(self.take(), [])
        (rule,) = self.add("ice")
        self.assertEqual({p["matching_rules"][0]["id"] for p in self.take()}, {rule.id})

    def test_rules_come_and_go(self) -> None:
        """At once with the rules that work, the new ones in all posts that match them."""
        (first,) = self.add("tea")
        self.take()
        (second,) = self.add("green OR tea")
        posts = self.take()
        self.check(posts)
        self.assertTrue(all(second.id in str(post["matching_rules"]) for post in posts))
        self.store.delete([first.id], self.now, Plan(delete_delay=0), dry_run=False)
        posts = self.take()
        self.check(posts)
        self.assertTrue(posts)

    def test_many_rules(self) -> None:
        """A late rule gets its share though there are drafts enough."""
        self.add(*(f"word{n}" for n in range(4)))
        self.take(4_000)
        late = self.add(*(f"late{n}" for n in range(40)))
        named = {rule["id"] for post in self.take(4_000) for rule in post["matching_rules"]}
        self.assertLessEqual({rule.id for rule in late}, named)

    def test_the_journal_says_the_same(self) -> None:
        """Id, rules, and their tags even where the post has none."""
        self.add("coffee OR tea", "tea milk")
        for _ in range(20):
            self.now += 0.025
            for post, note in zip(*self.source.take(20, self.now), strict=True):
                post_id, rules = note.split(" ")
                whole = json.loads(post)
                self.assertEqual(whole["data"]["id"], post_id)
                named = [rule.split(":", 1) for rule in rules.split(",")]
                self.assertEqual([i for i, _ in named], [r["id"] for r in whole["matching_rules"]])
                for rule_id, tag in named:
                    value = self.store.present[rule_id].value
                    self.assertEqual(tag, f"t%2C{value.replace(' ', '%20')}")

    def test_a_rule_without_a_tag(self) -> None:
        """It has an empty one in posts, as X sends it."""
        self.store.add([("tea", None)], self.now, Plan(rule_delay=0), dry_run=False)
        tags = {rule["tag"] for post in self.take() for rule in post["matching_rules"]}
        self.assertIn("", tags)

    def test_shapes(self) -> None:
        """Sizes, long texts, referenced posts, attachments, and errors beside data."""
        self.add("coffee OR tea", "tea milk")
        posts = self.take(4_000)
        sizes = sorted(len(json.dumps(post, ensure_ascii=False).encode()) for post in posts)
        self.assertTrue(sizes[0] > 1_200 and sizes[-1] < 20_000, (sizes[0], sizes[-1]))
        data = [post["data"] for post in posts]
        long = [d for d in data if "note_tweet" in d]
        self.assertTrue(
            long and all(len(d["note_tweet"]["text"]) > 280 >= len(d["text"]) for d in long)
        )
        types = {ref["type"] for d in data for ref in d.get("referenced_tweets", ())}
        self.assertEqual(types, {"retweeted", "replied_to", "quoted"})
        included = {name for post in posts for name in post["includes"]}
        self.assertLessEqual({"users", "tweets", "media", "polls"}, included)
        self.assertTrue(any("errors" in post for post in posts))
        self.assertEqual(len({d["id"] for d in data}), len(data))

    def test_entities(self) -> None:
        """Their indices point at what they name."""
        self.add("#tea @milk")
        for post in self.take():
            for part in (post["data"], post["data"].get("note_tweet", {})):
                for tag in part.get("entities", {}).get("hashtags", ()):
                    piece = part["text"][tag["start"] : tag["end"]]
                    self.assertEqual(piece, f"#{tag['tag']}")
