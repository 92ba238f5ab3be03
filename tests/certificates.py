"""Certificates as a test needs them: good ones by a CA of our own, and bad ones of every sort."""

import ipaddress
from datetime import UTC, datetime, timedelta

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

NOW = datetime.now(UTC)  # certificates are judged by the machine's clock
DAY = timedelta(days=1)


@attrs.frozen
class Certified:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def to_pem(self) -> tuple[bytes, bytes]:
        """The key's and the certificate's."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        return key, self.certificate.public_bytes(Encoding.PEM)


def certify(
    *names: str, by: Certified | None = None, since: datetime = NOW - DAY, days: int = 2
) -> Certified:
    """
    A certificate for `names`, signed by `by` or by itself; it has what Python 3.13 wants of one.
    """
    key, is_ca = ec.generate_private_key(ec.SECP256R1()), names == ("CA",)
    signer = (by.key if by else key).public_key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(since + days * DAY)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), False)
        .add_extension(_usage(is_ca=is_ca), True)
        .add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), False)
    )
    return Certified(builder.sign(by.key if by else key, hashes.SHA256()), key)


def _usage(*, is_ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


CA = certify("CA")
GOOD = certify("localhost", "127.0.0.1", "::1", by=CA)
BAD = {
    "another name": certify("example.org", "127.0.0.2", by=CA),
    "expired": certify("localhost", by=CA, since=NOW - 3 * DAY),
    "not valid yet": certify("localhost", by=CA, since=NOW + DAY),
    "self-signed": certify("localhost"),
    "of an unknown CA": certify("localhost", by=certify("CA")),
}
