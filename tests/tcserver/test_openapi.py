"""The description of the interface is of what answers."""

import json
from typing import Any

from django.test import Client as Browser
from jsonschema import Draft202012Validator
from twisted.trial.unittest import SynchronousTestCase

from tcserver.api.openapi import REFUSALS, document
from tests.tcserver.case import DatabaseCase


def schemas(part: Any) -> list[Any]:
    """All that stands under "schema" in a part of the description."""
    if isinstance(part, list):
        return [found for one in part for found in schemas(one)]
    if not isinstance(part, dict):
        return []
    below = [found for one in part.values() for found in schemas(one)]
    return [*below, part["schema"]] if "schema" in part else below


class DocumentTests(SynchronousTestCase):
    def test_its_schemas(self) -> None:
        """Each is one, and refers only to what is there."""
        found = document()
        components = found["components"]["schemas"]
        for schema in [*components.values(), *schemas(found)]:
            Draft202012Validator.check_schema(schema)
        refered = {*json.dumps(found).split('"$ref": "')[1:]}
        for place in (one.partition('"')[0] for one in refered):
            _, _, kind, name = place.split("/")
            self.assertIn(name, found["components"][kind])

    def test_what_is_said_of_each(self) -> None:
        """What it does, in a sentence; who asks wrongly learns it as a client expects."""
        for path, methods in document()["paths"].items():
            for method, operation in methods.items():
                if method != "parameters":
                    self.assertTrue(operation["description"].endswith("."), (path, method))
                    self.assertIn("403", operation["responses"])
        self.assertNotIn(401, REFUSALS)


class ServedTests(DatabaseCase):
    def test_for_anybody(self) -> None:
        """With and without the slash, and without a token."""
        for path in ("/api/schema", "/api/schema/"):
            got = Browser().get(path)
            self.assertEqual((got.status_code, got["Content-Type"]), (200, "application/json"))
            self.assertEqual(got.json()["openapi"], "3.1.0")

    def test_every_operation_is_there(self) -> None:
        """At its address it asks for a token; other methods are not there, as the answer says."""
        shown = {"Authorization": f"Token {self.world.token}"}
        for path, methods in document()["paths"].items():
            target = "/api" + path.format(row="1")
            known = {method.upper() for method in methods if method != "parameters"}
            for method in ("GET", "PUT", "POST", "PATCH", "DELETE"):
                if method in known:
                    self.assertEqual(Browser().generic(method, target).status_code, 403, target)
                    continue
                got = Browser().generic(method, target, headers=shown)
                self.assertEqual(got.status_code, 405, (method, target))
                self.assertEqual({*got["Allow"].split(", ")}, known)
