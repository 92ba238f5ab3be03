"""`xdk0.py ROOT`: rules, stream, sample, connections, usage and deletes by X's own SDK."""

import sys
from itertools import islice

from xdk import Client
from xdk.connections.models import DeleteByUuidsRequest
from xdk.stream.models import UpdateRulesRequest

BEARER = "AAAAAAAAAAAAAAAAAAAAAsandbox%2Bbearer%3Dtoken"

client = Client(base_url=sys.argv[1].rstrip("/"), bearer_token=BEARER)
rules = {"add": [{"value": "snow"}, {"value": "rain", "tag": "wet"}]}
client.stream.update_rules(rules, dry_run=True)
assert not any(page.data for page in client.stream.get_rules())
client.stream.update_rules(rules)
(page,) = client.stream.get_rules()
assert len(page.data) == 2, page
stream = client.stream.posts(tweet_fields=["public_metrics"])
posts = list(islice(stream, 20))
assert len(posts) == 20 and all(post.data.id for post in posts), posts
(page,) = client.connections.get_connection_history(status="active")
ids = [one.id if hasattr(one, "id") else one["id"] for one in page.data]
assert len(ids) == 1, page
ended = client.connections.delete_by_uuids(DeleteByUuidsRequest(uuids=ids))
assert ended.data.successful_kills == 1, ended
stream.close()
sample = client.stream.posts_sample(tweet_fields=["public_metrics"])
posts = list(islice(sample, 20))
assert len(posts) == 20, posts
sample.close()
assert int(client.usage.get().data.project_usage) >= 40
client.stream.update_rules(UpdateRulesRequest(), delete_all=True)
assert not any(page.data for page in client.stream.get_rules())
