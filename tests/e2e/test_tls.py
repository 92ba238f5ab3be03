"""The client where its capture server is reached over TLS."""

import signal

from twisted.internet import reactor
from twisted.internet.ssl import PrivateCertificate

from tests.certificates import certify
from tests.e2e.processes import start, twistd
from tests.e2e.stage import Stage

ARGUMENTS = ("-n", "--pidfile=", "tcc", "--config", "settings.json")


class TlsTests(Stage):
    async def test_a_clean_end(self) -> None:
        """Its last answer is the last that it hears: no traceback, three times of three."""
        ca = certify("CA")
        pem = b"".join(certify("127.0.0.1", by=ca).to_pem())
        options = PrivateCertificate.loadPEM(pem).options()
        (self.folder / "ca.pem").write_bytes(ca.to_pem()[1])
        port = reactor.listenSSL(0, self.server.site, options, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.base_url = f"https://127.0.0.1:{port.getHost().port}/api/"
        self.write_settings()
        for _ in range(3):
            environ = {"SSL_CERT_FILE": str(self.folder / "ca.pem")}
            client = start(self, self.folder, twistd(*ARGUMENTS), **environ)
            await self.captured(len(self.posts()) + 20, client)
            ended = await client.end()
            self.assertEqual((ended.err, ended.status), ("", -signal.SIGTERM))
            self.assertNotIn("Traceback", ended.out)
            self.assertIn("Server Shut Down", ended.out)
            self.assert_whole()
