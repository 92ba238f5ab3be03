"""The pages of a capture's account, and its files, as people get them."""

import csv
import io
import json
import subprocess
from hashlib import sha256
from pathlib import Path

from django.test import Client as Browser

from tcserver.accounts.models import LedgerFolding, LedgerRecord
from tcserver.fleet.models import Client
from tests.marks import Need, needs
from tests.tcserver.sentledgers import KINDS, gap, many, of_server, send, told_at, words
from tests.tcserver.test_folding import SentLedgerCase
from tests.tcserver.world import PASSWORD

HOSTILE = "<script>alert(1)</script>"


def file(number: int) -> dict[str, object]:
    """The line about a finished file."""
    return {
        "kind": "file",
        "name": f"test{number:04d}.json",
        "posts": number,
        "bytes": 10 * number,
        "sha256": f"{number:064x}",
        "first_id": str(number),
        "last_id": str(number),
        "first_arrival": "2026-06-01T12:00:00.000Z",
        "last_arrival": "2026-06-01T12:00:01.000Z",
    }


class AccountPageCase(SentLedgerCase):
    def setUp(self) -> None:
        super().setUp()
        self.browser = self.world.browser(self.world.vera)
        self.at = f"/captures/{self.capture.pk}/"

    def get(self, path: str, status: int = 200) -> str:
        """What a viewer gets below the capture's address."""
        got = self.browser.get(self.at + path)
        self.assertEqual(got.status_code, status, path)
        return bytes(got.getvalue()).decode()

    def send(self, *more: bytes) -> bytes:
        """The client sends a ledger: an hour with a gap, and more lines."""
        lines = [
            told_at(0, KINDS["start"]),
            told_at(0, KINDS["asked"]),
            told_at(0, KINDS["in_force"]),
        ]
        ledger = b"".join([*lines, told_at(600, gap(500, 600, HOSTILE)), *more])
        ledger += told_at(3600, KINDS["stop"])
        send(self.world.client, "a", self.capture, ledger)
        return ledger


class AccountPageTests(AccountPageCase):
    def test_before_any_ledger(self) -> None:
        """The page says why there is nothing."""
        self.assertIn("No client has sent a ledger", self.get("account/"))
        self.assertIn("no ledger of it has come", self.get(""))
        self.get("account/account.json", 404)
        self.assertEqual(json.loads(self.get("account/gaps.json")), [])

    def test_what_is_missing(self) -> None:
        """Coverage, gaps with causes, keywords, as tcc-account words them; no markup works."""
        self.send()
        self.assertIn("97.222 % <small>1 min 40 s missing", self.get(""))
        page = self.get("account/")
        for text in ("97.222 %", "2026-06-01 12:08:20", "1 min 40 s", "it was so", "cats"):
            self.assertIn(text, page)
        self.assertNotIn(HOSTILE, page)

    def test_files_by_pages(self) -> None:
        """A hundred at once."""
        self.send(*(told_at(700, file(n)) for n in range(1, 251)))
        first, last = self.get("account/"), self.get("account/?files=3")
        self.assertIn("Files 1 to 100 of 250", first)
        self.assertIn("test0001.json", first)
        self.assertNotIn("test0101.json", first)
        self.assertIn("Files 201 to 250 of 250", last)
        self.assertIn(f"{250:064x}", last)

    def test_what_is_wrong_with_a_ledger(self) -> None:
        """Damaged lines are named; so are bytes that are not read yet, and why they are not."""
        self.send(b"nonsense\n")
        page = self.get("account/")
        self.assertIn("1 line cannot be read", page)
        self.assertIn("Line 5 is not JSON.", page)
        LedgerFolding.objects.update(failure="KeyError")
        LedgerRecord.objects.update(seen=0)
        page = self.get("account/")
        self.assertIn("cannot be read on: KeyError", page)
        self.assertIn("are not in this account yet", page)


class DownloadTests(AccountPageCase):
    def test_the_manifest(self) -> None:
        """Each file with its checksum, and the client that has it, however many there are."""
        self.send(*(told_at(700, file(n)) for n in range(1, 1003)))
        rows = list(csv.DictReader(io.StringIO(self.get("account/files.csv"))))
        self.assertEqual(
            [row["name"] for row in rows], [f"test{n:04d}.json" for n in range(1, 1003)]
        )
        self.assertEqual({row["client"] for row in rows}, {"client1"})
        self.assertEqual(rows[-1]["sha256"], f"{1002:064x}")
        objects = json.loads(self.get("account/files.json"))
        self.assertEqual([one["name"] for one in objects], [row["name"] for row in rows])
        self.assertEqual(objects[4]["posts"], 5)

    @needs(Need.PROCESSES)
    def test_the_manifest_for_sha256sum(self) -> None:
        """It says of each file whether it is there and unchanged, whatever its name is."""
        folder = Path(self.mktemp())
        folder.mkdir()
        names = ["test0001.json", "-n 1.json", "北京.json", "a\\n\nb\r.json"]
        for name in names:
            (folder / name).write_text(name)
        sums = [sha256(name.encode()).hexdigest() for name in names]
        told = [file(1) | {"name": n, "sha256": s} for n, s in zip(names, sums, strict=True)]
        self.send(*(told_at(700, one) for one in told))
        (folder / "sums").write_text(self.get("account/files.sha256"), newline="")
        check = ["sha256sum", "--check", "--strict", "sums"]
        found = subprocess.run(check, cwd=folder, capture_output=True, timeout=60)
        self.assertEqual((found.returncode, found.stdout.count(b": OK")), (0, 4), found)
        (folder / names[0]).write_text("changed")
        found = subprocess.run(check, cwd=folder, capture_output=True, timeout=60)
        self.assertEqual((found.returncode, found.stdout.count(b"FAILED")), (1, 1))

    def test_gaps_and_keywords(self) -> None:
        """As tcc-account has them."""
        self.send()
        [row] = csv.DictReader(io.StringIO(self.get("account/gaps.csv")))
        self.assertEqual((row["cause"], row["seconds"]), (HOSTILE, "100.0"))
        [one] = json.loads(self.get("account/keywords.json"))
        self.assertEqual((one["text"], one["to"]), ("cats", "2026-06-01T13:00:00.000Z"))
        self.assertEqual(
            json.loads(self.get("account/account.json")), words(of_server(self.capture))[1]
        )
        self.get("account/secrets.csv", 404)

    def test_a_spreadsheet(self) -> None:
        """It computes nothing of what somebody has typed; JSON has that as it is."""
        self.send(told_at(700, gap(650, 700, "=HYPERLINK(A1)")))
        _, row = csv.DictReader(io.StringIO(self.get("account/gaps.csv")))
        self.assertEqual(row["cause"], "'=HYPERLINK(A1)")
        self.assertEqual(json.loads(self.get("account/gaps.json"))[1]["cause"], "=HYPERLINK(A1)")

    def test_a_ledger(self) -> None:
        """It is byte for byte what came, with a name that says whose it is."""
        sent = self.send(many(5000))
        number = LedgerRecord.objects.get().pk
        self.assertEqual(self.get(f"ledgers/{number}/").encode(), sent)
        got = self.browser.get(f"{self.at}ledgers/{number}/")
        self.assertIn('filename="test.client1.a.ledger.jsonl"', got["Content-Disposition"])
        self.get("ledgers/999999/", 404)

    def test_a_name_in_any_letters(self) -> None:
        """A browser keeps the file under it."""
        self.send()
        Client.objects.filter(pk=self.world.client.pk).update(name='"北京"')
        got = self.browser.get(f"{self.at}ledgers/{LedgerRecord.objects.get().pk}/")
        kept = "test.%22%E5%8C%97%E4%BA%AC%22.a.ledger.jsonl"
        self.assertEqual(got["Content-Disposition"], f"attachment; filename*=utf-8''{kept}")


class AccountRightTests(AccountPageCase):
    PATHS = ("account/", "account/gaps.csv", "account/files.json", "account/account.json")

    def test_strangers(self) -> None:
        """To them nothing is there; nobody is asked to log in."""
        self.send()
        number = LedgerRecord.objects.get().pk
        for person, status in ((self.world.otto, 404), (None, 302), (self.world.admin, 200)):
            self.browser = self.world.browser(person)
            for path in (*self.PATHS, f"ledgers/{number}/"):
                got = self.browser.get(self.at + path)
                self.assertEqual(got.status_code, status, (person, path))

    def test_a_ledger_of_two_projects(self) -> None:
        """Who may not see one of its captures does not get it; the account has the other alone."""
        other = self.other
        type(other).objects.filter(pk=other.pk).update(project=self.world.other)
        secret = told_at(900, {**gap(800, 900), "detail": "a secret"}, job=other.pk)
        self.send(secret)
        self.get(f"ledgers/{LedgerRecord.objects.get().pk}/", 403)
        for path in ("", *self.PATHS):
            self.assertNotIn("a secret", self.get(path))

    def test_another_captures_address(self) -> None:
        """A ledger is found at its own captures alone."""
        self.send()
        number = LedgerRecord.objects.get().pk
        got = Browser()
        got.login(username="vera", password=PASSWORD)
        found = got.get(f"/captures/{self.other.pk}/ledgers/{number}/")
        self.assertEqual(found.status_code, 404)
