"""``amqps``: the certificate and the host name are verified, and lines end as plain ones do."""

from __future__ import annotations

import socket
import ssl
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from chalicelib.deadline import Deadline
from chalicelib.mq.ports import PublishResult
from chalicelib.mq.rabbit import BrokerAddress
from chalicelib.mq.rabbit.faults import ConnectionLost, NoAnswer, Refused
from chalicelib.secrets import FetchedSecrets
from chalicelib.settings import Settings
from tests.integration.mq.certificates import CertificateAuthority
from tests.integration.mq.conftest import ANSWER_SECONDS, Wire, messages_to
from tests.integration.mq.tcp_proxy import in_front_of


def address(wire: Wire, port: int, ca_file: Path | None, scheme: str = "amqps") -> BrokerAddress:
    parts = urlsplit(wire.broker.amqp_url)
    user = f"{parts.username}:{parts.password}"
    env = {
        "RABBITMQ_URL": f"{scheme}://{user}@localhost:{port}{parts.path}",
        "RABBITMQ_CA_FILE": str(ca_file or ""),
    }
    return BrokerAddress(Settings.from_env(env), FetchedSecrets(dict))


def soon() -> Deadline:
    return Deadline.after(ANSWER_SECONDS)


def test_a_batch_goes_through_a_verified_line(wire: Wire, tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    wire.declare()
    with in_front_of(wire.broker.amqp_url, authority.server_context()) as proxy:
        publisher = wire.publisher(address(wire, proxy.port, authority.ca_file))
        batch = messages_to(wire.subscription.exchange, 100)
        assert set(publisher.publish(batch, soon()).values()) == {PublishResult.CONFIRMED}
        publisher.close()


def test_a_line_that_was_cut_is_replaced(wire: Wire, tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    wire.declare()
    batch = messages_to(wire.subscription.exchange, 3)
    with in_front_of(wire.broker.amqp_url, authority.server_context()) as proxy:
        publisher = wire.publisher(address(wire, proxy.port, authority.ca_file))
        publisher.publish(batch, soon())
        proxy.cut()
        assert set(publisher.publish(batch, soon()).values()) == {PublishResult.CONFIRMED}
        assert proxy.connections == 2
        publisher.close()


def test_a_broker_that_falls_silent_is_dropped_at_the_deadline(wire: Wire, tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    wire.declare()
    batch = messages_to(wire.subscription.exchange, 3)
    with in_front_of(wire.broker.amqp_url, authority.server_context()) as proxy:
        publisher = wire.publisher(address(wire, proxy.port, authority.ca_file))
        publisher.publish(batch, soon())
        proxy.silence_from(batch[0].body.encode())
        results = publisher.publish(batch, Deadline.after(1))
        assert set(results.values()) == {PublishResult.UNKNOWN}


def test_a_certificate_of_an_unknown_authority_is_refused(wire: Wire, tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    is_refused(wire, authority.server_context(), None, "unable to get local issuer|self-signed")


def test_a_certificate_that_has_expired_is_refused(wire: Wire, tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    expired = authority.server_context(ended=timedelta(hours=1))
    is_refused(wire, expired, authority.ca_file, "certificate has expired")


def test_a_certificate_for_another_host_is_refused(wire: Wire, tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    elsewhere = authority.server_context("elsewhere.example")
    is_refused(wire, elsewhere, authority.ca_file, "Hostname mismatch")


def is_refused(wire: Wire, tls: ssl.SSLContext, ca_file: Path | None, why: str) -> None:
    """At the first attempt, which is the only one; once the certificate is good, all is well."""
    wire.declare()
    batch = messages_to(wire.subscription.exchange, 1)
    with in_front_of(wire.broker.amqp_url, tls) as proxy:
        with pytest.raises(Refused, match=f"CERTIFICATE_VERIFY_FAILED.*({why})"):
            wire.publisher(address(wire, proxy.port, ca_file)).publish(batch, soon())
        assert proxy.connections == 1
    assert wire.bodies(wire.subscription.work_queue) == []
    assert set(wire.publisher().publish(batch, soon()).values()) == {PublishResult.CONFIRMED}


def test_a_plain_client_gets_nothing_from_a_port_that_speaks_tls(
    wire: Wire, tmp_path: Path
) -> None:
    authority = CertificateAuthority(tmp_path)
    with in_front_of(wire.broker.amqp_url, authority.server_context()) as proxy:
        plain = address(wire, proxy.port, None, scheme="amqp")
        with pytest.raises(ConnectionLost, match=r"IncompatibleProtocol|StreamLost"):
            wire.publisher(plain).publish(messages_to(wire.subscription.exchange, 1), soon())


def test_a_handshake_that_never_ends_costs_no_more_than_the_deadline(wire: Wire) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        publisher = wire.publisher(address(wire, mute.getsockname()[1], None))
        with pytest.raises(NoAnswer):
            publisher.publish(messages_to(wire.subscription.exchange, 1), Deadline.after(0.5))
