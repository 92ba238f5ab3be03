"""A page of a list, read row by row."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tcclient.control.listpage import ListPage

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def read(body: bytes) -> tuple[list[object], int, str | None]:
    """The rows, how long the list is, and what the server calls itself."""
    page = ListPage(body)
    return [*page.rows()], page.length, page.server_id


class ListPageTests(SynchronousTestCase):
    @given(
        st.dictionaries(st.text(), VALUES, max_size=3),
        st.lists(VALUES, max_size=4),
        st.permutations(["count", "results", "server_id"]),
        st.sampled_from([None, 1]),
        st.booleans(),
    )
    def test_any_page(
        self,
        others: dict[str, Any],
        rows: list[Any],
        order: list[str],
        indent: int | None,
        ascii: bool,
    ) -> None:
        """Its members may stand in any order, among others and blanks."""
        known = {"count": 1000, "results": rows, "server_id": "here:1"}
        page = {key: value for key, value in others.items() if key not in known}
        page |= {name: known[name] for name in order}
        body = json.dumps(page, indent=indent, ensure_ascii=ascii).encode("utf-8", "surrogatepass")
        self.assertEqual(read(body), (rows, 1000, "here:1"))

    def test_as_servers_write_it(self) -> None:
        """With a byte order mark, in UTF-16, with blanks around it; a name has a form."""
        text = ' { "count" : 1 ,"results":[ {"id":1} ] , "server_id":"a b"}\n'
        for encoding in ("utf-8", "utf-8-sig", "utf-16"):
            self.assertEqual(read(text.encode(encoding)), ([{"id": 1}], 1, None))
        for name in ("", "x" * 65, 5, None, "a\n"):
            body = json.dumps({"count": 0, "results": [], "server_id": name}).encode()
            self.assertEqual(read(body), ([], 0, None))

    def test_no_page(self) -> None:
        """Each is a clause, also where rows have been read before it turns out."""
        for body, clause in (
            (b"", "not JSON"),
            (b"<html>", "not JSON"),
            (b"\xff\xfe\xfd", "not JSON"),
            (b"[" * 20_000, "not JSON"),
            (b'{"count":1,"results":[{"id":1}', "not JSON"),
            (b'{"count":1,"results":[{"id":1},]}', "not JSON"),
            (b'{"count":1,"results":[{"id":1} {"id":2}]}', "not JSON"),
            (b'{"count":1,"results":[]', "not JSON"),
            (b'{"count":1,"results":[]} 5', "not JSON"),
            (b'{"count":1 "results":[]}', "not JSON"),
            (b'{"count" 1}', "not JSON"),
            (b"{count:1}", "not JSON"),
            (b'{"results":' + b"[" * 20_000, "not JSON"),
            (b'{"results":' + b"[" * 200_000, "too long"),
            (b'{"results":[' + b"[[]," * 100_000 + b"0]]}", "too long"),
            (b"{" + b'"a":1,' * 100 + b'"count":1,"results":[]}', "not JSON"),
            (b"[]", "not an object"),
            (b"null", "not an object"),
            (b"{}", "no count"),
            (b'{"count":1}', "no count"),
            (b'{"count":true,"results":[]}', "no count"),
            (b'{"count":1,"results":{}}', "no count"),
            (b'{"count":"1","results":[]}', "no count"),
        ):
            self.assertIn(clause, str(self.assertRaises(ValueError, read, body)), body[:40])
