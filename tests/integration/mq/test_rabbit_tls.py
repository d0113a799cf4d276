"""``amqps``: the certificate and the host name are verified, and lines end as plain ones do."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from chalicelib.deadline import Deadline
from chalicelib.errors import BrokerError
from chalicelib.mq.ports import PublishResult
from chalicelib.mq.rabbit import BrokerAddress
from chalicelib.mq.rabbit.faults import NoAnswer
from chalicelib.secrets import FetchedSecrets
from chalicelib.settings import Settings
from tests.integration.mq.certificates import CertificateAuthority
from tests.integration.mq.conftest import ANSWER_SECONDS, Wire, messages_to
from tests.integration.mq.tcp_proxy import TcpProxy


def address(port: int, ca_file: Path | None, host: str = "localhost") -> BrokerAddress:
    env = {
        "RABBITMQ_URL": f"amqps://guest:guest@{host}:{port}/%2F",
        "RABBITMQ_CA_FILE": str(ca_file or ""),
    }
    return BrokerAddress(Settings.from_env(env), FetchedSecrets(dict))


def port_of(wire: Wire) -> int:
    return urlsplit(wire.broker.amqp_url).port or 5672


def soon() -> Deadline:
    return Deadline.after(ANSWER_SECONDS)


def test_a_batch_goes_through_a_verified_line(wire: Wire, tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    wire.declare()
    with TcpProxy(port_of(wire), authority.server_context()) as proxy:
        publisher = wire.publisher(address(proxy.port, authority.ca_file))
        batch = messages_to(wire.subscription.exchange, 100)
        assert set(publisher.publish(batch, soon()).values()) == {PublishResult.CONFIRMED}
        publisher.close()


def test_a_line_that_was_cut_is_replaced(wire: Wire, tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    wire.declare()
    batch = messages_to(wire.subscription.exchange, 3)
    with TcpProxy(port_of(wire), authority.server_context()) as proxy:
        publisher = wire.publisher(address(proxy.port, authority.ca_file))
        publisher.publish(batch, soon())
        proxy.cut()
        assert set(publisher.publish(batch, soon()).values()) == {PublishResult.CONFIRMED}
        assert proxy.connections == 2
        publisher.close()


def test_a_broker_that_falls_silent_is_dropped_at_the_deadline(wire: Wire, tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    wire.declare()
    batch = messages_to(wire.subscription.exchange, 3)
    with TcpProxy(port_of(wire), authority.server_context()) as proxy:
        publisher = wire.publisher(address(proxy.port, authority.ca_file))
        publisher.publish(batch, soon())
        proxy.silence_from(batch[0].body.encode())
        results = publisher.publish(batch, Deadline.after(1))
        assert set(results.values()) == {PublishResult.UNKNOWN}


def test_a_certificate_of_an_unknown_authority_is_refused(wire: Wire, tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    with TcpProxy(port_of(wire), authority.server_context()) as proxy:
        publisher = wire.publisher(address(proxy.port, None))
        with pytest.raises(BrokerError, match="CERTIFICATE_VERIFY_FAILED"):
            publisher.publish(messages_to(wire.subscription.exchange, 1), soon())


def test_a_certificate_for_another_host_is_refused(wire: Wire, tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    with TcpProxy(port_of(wire), authority.server_context("elsewhere.example")) as proxy:
        publisher = wire.publisher(address(proxy.port, authority.ca_file))
        with pytest.raises(BrokerError, match="Hostname mismatch"):
            publisher.publish(messages_to(wire.subscription.exchange, 1), soon())


def test_a_handshake_that_never_ends_costs_no_more_than_the_deadline(wire: Wire) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        publisher = wire.publisher(address(mute.getsockname()[1], None))
        with pytest.raises(NoAnswer):
            publisher.publish(messages_to(wire.subscription.exchange, 1), Deadline.after(0.5))
