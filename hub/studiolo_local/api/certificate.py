"""The certificate of the embedded API. I/O: one private file.

kubectl sends its token over TLS only (client-go drops a kubeconfig's credentials for http), so the
API has a TLS port with a certificate of its own, made once and trusted by the kubeconfig alone. The
key of the authority that signs it is thrown away at once: nothing else can ever be signed.
"""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from studiolo_local.private_files import write_private

_LIFETIME = timedelta(days=3650)
_RENEW_BEFORE = timedelta(days=30)
_NAMES: tuple[x509.GeneralName, ...] = (
    x509.DNSName("localhost"),
    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    x509.IPAddress(ipaddress.ip_address("::1")),
)


@dataclass(frozen=True)
class Certificate:
    """What the server shows, and what clients must trust to believe it."""

    context: ssl.SSLContext
    authority: str
    """PEM of the authority's certificate."""


def open_certificate(path: Path | None = None) -> Certificate:
    """Return the certificate in a file, made anew when it is missing, broken or about to expire.

    :param path: where it is kept; None makes one that lasts as long as the process
    """
    if path is not None:
        if not _is_good(path):
            write_private(path, _made())
        return _loaded(path)
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "certificate.pem"
        write_private(file, _made())
        return _loaded(file)


def _loaded(path: Path) -> Certificate:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(path)
    authority = x509.load_pem_x509_certificates(path.read_bytes())[-1]
    return Certificate(context, authority.public_bytes(serialization.Encoding.PEM).decode())


def _is_good(path: Path) -> bool:
    try:
        certificates = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError):
        return False
    soon = datetime.now(UTC) + _RENEW_BEFORE
    return len(certificates) == 2 and all(each.not_valid_after_utc > soon for each in certificates)


def _made() -> str:
    """Return the PEM of a new key, its certificate and that of the authority."""
    now = datetime.now(UTC)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority_name = _name("Studiolo embedded cluster")
    authority = (
        _begun(authority_name, authority_name, authority_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(_key_id(authority_key), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _begun(_name("localhost"), authority_name, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_NAMES), critical=False)
        .add_extension(_key_id(key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
            critical=False,
        )
        .sign(authority_key, hashes.SHA256())
    )
    parts = [
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        certificate.public_bytes(serialization.Encoding.PEM),
        authority.public_bytes(serialization.Encoding.PEM),
    ]
    return b"".join(parts).decode()


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # Begun in the past: clocks differ, even within one machine's containers.
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFETIME)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_id(key: ec.EllipticCurvePrivateKey) -> x509.SubjectKeyIdentifier:
    return x509.SubjectKeyIdentifier.from_public_key(key.public_key())


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
