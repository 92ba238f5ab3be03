"""What the environment says, and each mistake in one sentence."""

import json
from datetime import timedelta
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tcserver.alertsettings import MailServer
from tcserver.environment import OTHERS, SetupError, listening, read
from tcserver.keys import FILE, make_keys, read_keys


class EnvironmentTests(SynchronousTestCase):
    def refused(self, **environ: str) -> str:
        """The sentence on these variables."""
        error = self.assertRaises(SetupError, read, environ)
        self.assertNotIn("\n", str(error))
        return str(error)

    def test_nothing_else_is_needed(self) -> None:
        """Without a word of databases there is a file in the data folder, in WAL mode."""
        found = read({"TCSERVER_DATA": "/srv/tcc"})
        self.assertEqual(found.data, Path("/srv/tcc"))
        self.assertEqual(found.database["NAME"], "/srv/tcc/tcserver.sqlite3")
        self.assertEqual(found.database["OPTIONS"]["transaction_mode"], "IMMEDIATE")
        self.assertEqual((found.host, found.secure), (None, False))

    def test_postgresql(self) -> None:
        found = read({"DATABASE_URL": "postgres://ann:pw@db.example:5433/tcc"}).database
        self.assertEqual(found["ENGINE"], "tcserver.postgresql")
        self.assertEqual((found["HOST"], found["PORT"], found["NAME"]), ("db.example", 5433, "tcc"))

    def test_a_variable_that_there_is_not(self) -> None:
        """It was meant for this server: it is not passed over."""
        said = self.refused(TCSERVER_DATA="/srv/tcc", TCSERVER_SITE_URL="https://x.example")
        self.assertIn("TCSERVER_SITE_URL", said)
        self.assertTrue(said.endswith(f"TCSERVER_DATA, {', '.join(OTHERS[:-1])} and {OTHERS[-1]}."))

    def test_numbers(self) -> None:
        """How long updates are kept, and how many bytes of ledgers."""
        told = {"KEEP_UPDATES_DAYS": "30", "KEEP_MINUTES_DAYS": "", "LEDGERS_GIB": "1"}
        found = read(told)
        self.assertEqual((found.keep_updates, found.keep_minutes, found.ledgers_gib), (30, 90, 1))
        for name in told:
            for text in ("0", "-1", "x", "1.5", "36501", "\u0663"):
                said = self.refused(**{name: text})
                self.assertIn(f"{name} is a number of ", said)
                self.assertIn("from 1 to 36500", said)

    def test_a_database_that_vanishes(self) -> None:
        """It is not waited for as long as the system would; the address may say how long."""
        found = read({"DATABASE_URL": "postgres://h/d?connect_timeout=60&sslmode=require"})
        options = found.database["OPTIONS"]
        self.assertEqual((options["connect_timeout"], options["sslmode"]), (60, "require"))
        self.assertEqual(options["tcp_user_timeout"], 10_000)

    def test_other_databases(self) -> None:
        """Nothing of an address is repeated: a password may stand in it."""
        for url in (
            "mysql://ann:secret@db/tcc",
            "secret",
            "postgres://",
            "postgres://u@h:x/secret",
        ):
            said = self.refused(DATABASE_URL=url)
            self.assertIn("DATABASE_URL", said)
            self.assertNotIn("secret", said)

    def test_the_public_address(self) -> None:
        for url, host, secure in [
            ("https://captures.example.org", "captures.example.org", True),
            ("https://captures.example.org/", "captures.example.org", True),
            ("http://10.1.2.3:8000", "10.1.2.3", False),
            ("http://[::1]:8000", "[::1]", False),
        ]:
            found = read({"SITE_URL": url})
            self.assertEqual((found.host, found.secure), (host, secure))
            self.assertEqual(found.origin, url.rstrip("/"))

    def test_what_is_no_public_address(self) -> None:
        for url in (
            "captures.example.org",
            "ftp://x",
            "https://x/path",
            "https://",
            "https://a:b@x",
            "https://x:0",
            "https://x:y",
            "https://[::1",
            "https://a b",
        ):
            self.assertIn("SITE_URL", self.refused(SITE_URL=url), url)

    def test_proxies(self) -> None:
        found = read({"TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8,::1,"}).proxies
        self.assertEqual([str(one) for one in found], ["127.0.0.1/32", "10.0.0.0/8", "::1/128"])
        self.assertEqual(read({"TRUSTED_PROXIES": ""}).proxies, ())
        for text in ("*", "proxy.example", "10.0.0.1/8", "10.0.0.0/33", "127.0.0.1:80"):
            self.assertIn("TRUSTED_PROXIES", self.refused(TRUSTED_PROXIES=text), text)

    def test_mail(self) -> None:
        """The form of the address says how it is encrypted; no sentence has its password."""
        found = read({"EMAIL_URL": "smtp+tls://ann:p%20w@mail.example"}).alerts
        self.assertEqual(found.mail, MailServer("mail.example", 587, "smtp+tls", "ann", "p w"))
        self.assertNotIn("p w", repr(found))
        self.assertEqual(found.sender, "tcc@localhost")
        found = read({"EMAIL_URL": "smtps://h:99", "SITE_URL": "https://x.example"}).alerts
        self.assertEqual(
            (found.mail, found.sender), (MailServer("h", 99, "smtps"), "tcc@x.example")
        )
        for url in ("mail.example", "http://h", "smtp://", "smtp://u:hidden@h/x", "smtp://h:x"):
            said = self.refused(EMAIL_URL=url)
            self.assertIn("EMAIL_URL", said)
            self.assertNotIn("hidden", said)
        self.assertEqual(read({"EMAIL_FROM": "a@b.example"}).alerts.sender, "a@b.example")
        for text in ("a", "Ann <a@b>", "a@b, c@d", "a@b\nBcc: c@d"):
            self.assertIn("EMAIL_FROM", self.refused(EMAIL_FROM=text))

    def test_alerts(self) -> None:
        """How long gaps may be and alerts are kept, and who may be asked."""
        found = read({"ALERT_GAP_MINUTES": "30", "KEEP_ALERTS_DAYS": "7"}).alerts
        self.assertEqual((found.longest_gap, found.keep), (timedelta(minutes=30), 7))
        for name in ("ALERT_GAP_MINUTES", "KEEP_ALERTS_DAYS"):
            for text in ("0", "-1", "99999", "1.5"):
                self.assertIn(name, self.refused(**{name: text}))
        found = read({"ALERT_ALLOWED_NETWORKS": "10.1.0.0/16, ::1"}).alerts
        self.assertEqual([str(one) for one in found.allowed], ["10.1.0.0/16", "::1/128"])
        self.assertIn("ALERT_ALLOWED", self.refused(ALERT_ALLOWED_NETWORKS="localhost"))
        url = "https://hc.example/ping/hidden"
        found = read({"ALERT_HEARTBEAT_URL": url}).alerts
        self.assertEqual(found.heartbeat, url)
        self.assertNotIn("hidden", repr(found))
        self.assertNotIn("hidden", self.refused(ALERT_HEARTBEAT_URL="ftp://hc.example/hidden"))

    def test_listening(self) -> None:
        for text, where in [
            ("127.0.0.1:8000", ("127.0.0.1", 8000)),
            ("0.0.0.0:0", ("0.0.0.0", 0)),
            ("[::1]:80", ("::1", 80)),
        ]:
            self.assertEqual(listening(text), where)
        for text in ("", "8000", "localhost", "localhost:80", "127.0.0.1:65536", "127.0.0.1:x"):
            self.assertRaises(SetupError, listening, text)


class KeyTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())

    def refused(self) -> str:
        """The sentence on the keys in the folder."""
        return str(self.assertRaises(SetupError, read_keys, self.folder))

    def test_they_are_made_once(self) -> None:
        """Nobody else can read them, and no log shows them."""
        make_keys(self.folder)
        self.assertEqual((self.folder / FILE).stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.folder.stat().st_mode & 0o777, 0o700)
        keys = read_keys(self.folder)
        make_keys(self.folder)
        self.assertEqual(read_keys(self.folder), keys)
        self.assertNotEqual(keys.secret_key, keys.token_key)
        self.assertNotIn(keys.secret_key, repr(keys))

    def test_a_folder_without_a_server(self) -> None:
        self.assertIn("tcserver up", self.refused())

    def test_keys_that_others_can_read(self) -> None:
        make_keys(self.folder)
        (self.folder / FILE).chmod(0o640)
        self.assertIn("mode 600", self.refused())

    def test_damaged_keys(self) -> None:
        make_keys(self.folder)
        for text, why in [
            ("{", "damaged"),
            ("{}", "damaged"),
            (json.dumps({"secret_key": "short", "token_key": "s" * 40}), "32 characters"),
        ]:
            (self.folder / FILE).write_text(text)
            said = self.refused()
            self.assertIn(why, said)
            self.assertNotIn("short", said.replace("shorter", ""))

    def test_a_folder_that_cannot_be(self) -> None:
        self.folder.write_text("")
        for folder in (self.folder, self.folder / "below"):
            self.assertRaises(SetupError, make_keys, folder)
