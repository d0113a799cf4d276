"""Over TLS: who answers has proven its name, and the limit holds as well."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
import requests.adapters
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from chalicelib.deadline import Deadline
from chalicelib.orders.http_client.exchange import NoAnswer, fetch
from tests.unit.orders.http_client.site import Site, a_site, ok

NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gateway")])
IN_TIME = "no complete answer in time"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That of 127.0.0.1, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(NAME, NAME, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "site.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture
def tls_site(certificate: Path) -> Iterator[Site]:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    with a_site(server) as site:
        yield site


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The only root in the world."""
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(certificate))


def why_not(url: str, seconds: float = 10) -> str:
    with pytest.raises(NoAnswer) as none:
        fetch(url, limit=Deadline.after(seconds), most_bytes=1024)
    return str(none.value)


@pytest.mark.usefixtures("trusted")
def test_who_has_proven_its_name_is_asked(tls_site: Site) -> None:
    tls_site.says(ok(b"here"))

    for _ in range(2):
        answer = fetch(tls_site.origin + "/", limit=Deadline.after(10), most_bytes=1024)
        assert answer == b"here"


@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_another_name_is_not_enough(tls_site: Site) -> None:
    assert why_not(f"https://localhost:{tls_site.port}/") == "SSLCertVerificationError"

    assert tls_site.asked == []


def test_a_certificate_that_nobody_vouches_for_is_not_enough(
    tls_site: Site, monkeypatch: pytest.MonkeyPatch, certificate: Path
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(certificate))

    assert why_not(tls_site.origin + "/") == "SSLCertVerificationError"

    assert tls_site.asked == []


@pytest.mark.usefixtures("trusted")
def test_a_body_that_drips_ends_with_the_limit(tls_site: Site) -> None:
    tls_site.drips(ok(b"", length=90), *[b"x"] * 90)
    began = time.monotonic()

    assert why_not(tls_site.origin + "/", 0.6) == IN_TIME

    assert time.monotonic() - began < 4
    assert len(tls_site.asked) == 1


def test_a_handshake_that_is_not_answered_ends_with_the_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        began = time.monotonic()

        assert why_not(f"https://127.0.0.1:{listener.getsockname()[1]}/", 0.4) == IN_TIME

        assert time.monotonic() - began < 4
