"""Which posts a capture has stored last."""

import json
import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger.bookings import File, NotStored
from tcclient.ledger.entries import as_line
from tcclient.sources.registry import post_ids
from tcclient.storage.lately import STRAYS, newest_posts, stored_lately
from tests.peers import EPOCH, id_made

IDS = post_ids()
PLENTY = 512 << 20
"""Bytes, of which no test has so many."""


def id_at(seconds: int) -> str:
    """The id of a post that was made then."""
    return str(id_made(EPOCH + seconds))


class LatelyTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.ledger = self.folder / "cats.ledger.jsonl"

    def book(self, name: str) -> None:
        """The ledger has a file of that name."""
        with self.ledger.open("a") as ledger:
            ledger.write(as_line(File(name=name, posts=1, bytes=1), 1, EPOCH).decode())

    def finish(self, name: str, *ids: str) -> None:
        """A file with these posts is finished."""
        posts = [json.dumps({"data": {"text": "x" * 20_000, "id": id}}) for id in ids]
        (self.folder / name).write_text("".join(f"{post}\n" for post in posts))
        self.book(name)

    def test_over_several_files(self) -> None:
        """In the order in which they were stored, whatever the files are called."""
        self.finish("b.json", id_at(0), id_at(2), id_at(1))
        self.finish("c.json", *map(id_at, range(3, 20)))
        self.finish("a.json", id_at(20))
        expected = [id_at(n) for n in (0, 2, 1, *range(3, 21))]
        self.assertEqual(stored_lately(1, [self.ledger], None, IDS, 60, PLENTY), expected)

    def test_how_far_back(self) -> None:
        """All that are new enough, and few others: it is not read to the beginning."""
        self.finish("a.json", *map(id_at, range(1000)))
        found = stored_lately(1, [self.ledger], None, IDS, 10, PLENTY)
        self.assertEqual(found, [id_at(n) for n in range(1000 - 11 - STRAYS, 1000)])

    def test_posts_that_came_late(self) -> None:
        """Old ones among the others do not end it, and the newest need not be the last."""
        late = map(id_at, range(STRAYS - 1))
        self.finish("a.json", id_at(500), *late, id_at(503), id_at(20), id_at(502))
        found = stored_lately(1, [self.ledger], None, IDS, 5, PLENTY)
        self.assertEqual((found[0], found[-3:]), (id_at(500), [id_at(503), id_at(20), id_at(502)]))

    def test_the_growing_file(self) -> None:
        """Its whole lines are the newest; it may have been finished or removed meanwhile."""
        self.finish("a.json", id_at(0), id_at(1))
        growing = self.folder / "b.json.tmp"
        growing.write_text(f'{{"data":{{"id":"{id_at(2)}"}}}}\n{{"data":{{"id":"{id_at(3)}')
        found = stored_lately(1, [self.ledger], growing, IDS, 60, PLENTY)
        self.assertEqual(found, [id_at(0), id_at(1), id_at(2)])
        growing.unlink()
        found = stored_lately(1, [self.ledger], growing, IDS, 60, PLENTY)
        self.assertEqual(found, [id_at(0), id_at(1)])

    def test_a_file_that_was_replaced(self) -> None:
        """What is in the one in its place, which the next start finishes; a pipe has nothing."""
        self.finish("a.json", id_at(0))
        for number, name in enumerate(("b.json.tmp", "c.json.tmp"), 1):
            (self.folder / name).write_text(f'{{"data":{{"id":"{id_at(number)}"}}}}\n')
            lost = NotStored(posts=3, reason="replaced", counted=True, file=name)
            with self.ledger.open("a") as ledger:
                ledger.write(as_line(lost, 1, EPOCH).decode())
        self.finish("d.json", id_at(3))
        found = stored_lately(1, [self.ledger], None, IDS, 60, PLENTY)
        self.assertEqual(found, [id_at(n) for n in range(4)])
        (self.folder / "c.json.tmp").unlink()
        os.mkfifo(self.folder / "c.json.tmp")
        found = stored_lately(1, [self.ledger], None, IDS, 60, PLENTY)
        self.assertEqual(found, [id_at(n) for n in (0, 1, 3)])

    def test_so_many_bytes(self) -> None:
        """Of more only the newest."""
        self.finish("a.json", *map(id_at, range(10)))
        self.assertEqual(
            stored_lately(1, [self.ledger], None, IDS, 60, 70_000), [id_at(7), id_at(8), id_at(9)]
        )

    def test_several_folders(self) -> None:
        """The present one has the newest; what another job has stored in either is its own."""
        self.finish("a.json", id_at(0), id_at(1))
        former, self.ledger = self.ledger, self.folder / "dogs.ledger.jsonl"
        self.finish("b.json", id_at(2))
        found = stored_lately(1, [self.ledger, former], None, IDS, 60, PLENTY)
        self.assertEqual(found, [id_at(0), id_at(1), id_at(2)])
        self.assertEqual(stored_lately(2, [self.ledger, former], None, IDS, 60, PLENTY), [])

    def test_nothing_to_be_read(self) -> None:
        """No ledger, a file that was taken away, and lines that are none."""
        self.assertEqual(stored_lately(1, [self.ledger], None, IDS, 60, PLENTY), [])
        self.finish("a.json", id_at(1))
        self.book("gone.json")
        (self.folder / "strange.json").write_bytes(b'\n[1]\n{"x":1}\n{"data":{"id":"4096"}}\n')
        self.book("strange.json")
        with self.ledger.open("a") as ledger:
            ledger.write('nonsense\n[]\n{"kind":"gap"}\n{"kind":"file","name":7}\n{"kind":"fi')
        self.assertEqual(stored_lately(1, [self.ledger], None, IDS, 60, PLENTY), [id_at(1), "4096"])

    def test_the_posts_themselves(self) -> None:
        """So many of the newest, whatever the lines are, from the growing file back."""
        self.finish("a.json", *map(id_at, range(3)))
        growing = self.folder / "b.json.tmp"
        growing.write_bytes(b"no post\n{}\nnot yet who")
        found = newest_posts(1, [self.ledger], growing, 4, PLENTY)
        self.assertEqual(found[2:], [b"no post", b"{}"])
        self.assertIn(id_at(2).encode(), found[1])
        self.assertEqual(len(found), 4)
        self.assertEqual(newest_posts(1, [self.ledger], growing, 4, 100), [b"no post", b"{}"])
        self.assertEqual(newest_posts(1, [self.ledger], None, 9, 0), [])
