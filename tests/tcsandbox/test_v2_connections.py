"""What the simulated X API v2 says of an app's connections and usage, and how it says goodbye."""

import json
from typing import Any

from tcsandbox.twitter import Plan
from tcsandbox.twitter.v2 import faults as v2
from tests.tcsandbox.test_v2 import RULES, SAMPLE, SEARCH, V2TestCase

CONNECTIONS = "/2/connections"
USAGE = "/2/usage/tweets"


class ConnectionsTests(V2TestCase):
    """An app sees its connections, and ends them."""

    def listed(self, **params: str) -> list[dict[str, Any]]:
        """What a GET gives."""
        status, body = self.answer(CONNECTIONS, **params)
        self.assertEqual(status, 200)
        found: list[dict[str, Any]] = body.get("data", [])
        self.assertEqual(body["meta"]["result_count"], len(found))
        return found

    def end(self, path: str = CONNECTIONS, body: object = None) -> dict[str, Any]:
        """What a DELETE says."""
        got: dict[str, Any] = json.loads(self.call(path, body, method="DELETE").got.body)["data"]
        return got

    def test_a_connection(self) -> None:
        """Which stream, since when, from where; nothing while there is none."""
        self.assertEqual(self.listed(), [])
        self.search("snow")
        (one,) = self.listed(status="active", endpoints="filtered_stream")
        self.assertEqual(one["endpoint_name"], "filtered_stream")
        self.assertEqual(one["connected_at"], "2023-11-14T22:13:40.000Z")
        self.assertEqual(set(one), {"id", "endpoint_name", "connected_at", "client_ip"})
        self.assertEqual(self.listed(endpoints="sample_stream"), [])
        self.assertEqual(self.listed(status="inactive"), [])

    def test_a_slot_that_lingers(self) -> None:
        """It is active though its client has gone; ended by its id, it is free at once."""
        self.build(plan=Plan(linger=600.0))
        visit = self.search("snow")
        visit.leave()
        self.visits.remove(visit)
        self.assertEqual(self.call(SEARCH).got.status, 429)
        (one,) = self.listed()
        said = self.end(body={"uuids": [one["id"], "other"]})
        self.assertEqual((said["successful_kills"], said["failed_kills"]), (1, 1))
        self.assertEqual([one["success"] for one in said["results"]], [True, False])
        self.assertEqual(self.call(SEARCH).got.status, 200)
        self.assertEqual(len(self.listed(status="all")), 2)
        (ended,) = self.listed(status="inactive")
        self.assertIn("disconnected_at", ended)

    def test_end_by_endpoint_and_all(self) -> None:
        """Those of the endpoint hang up, or all of them do."""
        self.build(plan=Plan(connections=2))
        for path, left in ((f"{CONNECTIONS}/sample_stream", 1), (f"{CONNECTIONS}/all", 0)):
            search, sample = self.search(*(("snow",) if left else ())), self.call(SAMPLE)
            self.assertEqual(self.end(path)["successful_kills"], 2 - left)
            self.assertEqual(len(self.listed()), left)
            self.assertIn(b"0\r\n\r\n", sample.got.raw[-10:])
            if left:
                self.end(f"{CONNECTIONS}/filtered_stream")
            for visit in (search, sample):
                visit.leave()
                self.visits.remove(visit)

    def test_refusals(self) -> None:
        """Unknown values and bodies, too many requests, and a plan that lacks the endpoint."""
        self.build(plan=Plan(connection_reads=2))
        self.assertEqual(self.answer(CONNECTIONS, status="odd")[0], 400)
        self.assertEqual(self.call(CONNECTIONS, {"ids": []}, method="DELETE").got.status, 400)
        self.assertEqual([self.answer(CONNECTIONS)[0] for _ in range(2)], [200, 429])
        self.simulator.fault(v2.ChangePlan(connections_api=False))
        self.assertEqual(self.answer(CONNECTIONS)[0], 403)


class UsageTests(V2TestCase):
    """An app sees what it was sent."""

    def test_posts(self) -> None:
        """On open streams and on those that are gone, against the cap; by day if asked for."""
        self.build(rate=10.0, plan=Plan(usage_cap=500))
        visit = self.search("snow")
        self.run_for(2.0)
        sent = self.simulator.state()["posts"]
        status, body = self.answer(USAGE)
        self.assertEqual((status, body["data"]["project_usage"]), (200, str(sent)))
        self.assertEqual(body["data"]["project_cap"], "500")
        self.assertNotIn("daily_project_usage", body["data"])
        visit.leave()
        self.visits.remove(visit)
        _, body = self.answer(USAGE, **{"usage.fields": "daily_project_usage"})
        self.assertEqual(body["data"]["project_usage"], str(sent))
        (day,) = body["data"]["daily_project_usage"]["usage"]
        self.assertEqual(day, {"date": "2023-11-14T00:00:00.000Z", "usage": str(sent)})

    def test_refusals(self) -> None:
        """Unknown fields and days."""
        self.assertEqual(self.answer(USAGE, days="91")[0], 400)
        self.assertEqual(self.answer(USAGE, **{"usage.fields": "price"})[0], 400)


class WordingTests(V2TestCase):
    """What X and its clients write in more than one way."""

    def test_flags(self) -> None:
        """As clients in Python send them; a dry run adds nothing, delete_all leaves nothing."""
        self.call(RULES, {"add": [{"value": "snow"}]}, dry_run="True")
        self.assertNotIn("data", self.answer(RULES)[1])
        self.add("snow", "rain")
        self.call(RULES, {"delete": {}}, delete_all="True")
        self.assertNotIn("data", self.answer(RULES)[1])
        self.assertEqual(self.answer(RULES, {"add": []}, dry_run="yes")[0], 400)

    def test_counts(self) -> None:
        """A list of apps, each with its number of rules."""
        self.add("snow")
        data = self.answer(f"{RULES}/counts")[1]["data"]
        app = {"client_app_id": "1234567", "rule_count": 1}
        self.assertEqual(data["all_project_client_apps"], [app])

    def test_new_names(self) -> None:
        """As openapi 2.167 has them; the names of parameters stay."""
        self.build(rate=20.0, plan=Plan(post_names=True))
        everything = {"tweet.fields": "public_metrics,referenced_tweets,note_tweet"}
        expansions = {
            "expansions": "author_id,referenced_tweets.id",
            "user.fields": "public_metrics",
        }
        visit = self.search("snow", **everything, **expansions)
        self.run_for(3.0)
        data = [message["data"] for message in visit.got.messages]
        self.assertTrue(all("repost_count" in one["public_metrics"] for one in data))
        self.assertTrue(all("edit_history_post_ids" in one for one in data))
        self.assertTrue(any("referenced_posts" in one for one in data))
        includes = [message["includes"] for message in visit.got.messages]
        self.assertTrue(any("posts" in one for one in includes))
        self.assertTrue(all("post_count" in one["users"][0]["public_metrics"] for one in includes))

    def test_embeddings(self) -> None:
        """How near each post is to the rule, and how near it has to be; no two are the same."""
        self.build(rate=20.0, plan=Plan(embeddings=True))
        visit = self.search("snow")
        self.run_for(1.0)
        rules = [message["matching_rules"][0] for message in visit.got.messages]
        near = {rule["embedding_similarity"] for rule in rules}
        self.assertEqual(len(near), len(rules))
        self.assertEqual({rule["embedding_threshold"] for rule in rules}, {0.1})

    def test_goodbyes(self) -> None:
        """Among errors, by themselves, and without a type of disconnect."""
        told = []
        goodbyes = [v2.StreamError(bare=bare) for bare in (False, True)]
        for fault in (*goodbyes, v2.TopLevelError(), v2.TopLevelError(title="ConnectionException")):
            visit = self.search(*(() if told else ("snow",)))
            self.simulator.fault(fault)
            told.append(visit.got.messages[-1])
            visit.leave()
            self.visits.remove(visit)
        self.assertEqual(told[0], {"errors": [told[1]]})
        self.assertEqual(told[1]["disconnect_type"], "UpstreamOperationalDisconnect")
        self.assertEqual(told[2]["title"], "client-disconnected")
        self.assertEqual(told[3]["connection_issue"], "TooManyConnections")
