"""The broker, or the name service, does not let us in; and nobody writes the password down."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.rabbit import BrokerAddress
from chalicelib.mq.rabbit.faults import ConnectionLost, LoginRefused, NoAnswer, Refused
from chalicelib.secrets import FetchedSecrets
from chalicelib.settings import Settings
from tests.integration.mq.faults.broker_admin import BrokerAdmin
from tests.integration.mq.faults.scene import CONFIRMED, LOOPBACK, UNKNOWN, Outcome, Scene

PASSWORD = "ruby-and-sapphire"


@pytest.fixture
def admin(scene: Scene) -> Iterator[BrokerAdmin]:
    if not scene.wire.broker.management_url:
        pytest.skip("RABBITMQ_MANAGEMENT_URL names no management API: no users can be made")
    with BrokerAdmin(scene.wire.broker.management_url) as admin:
        yield admin


@pytest.fixture(autouse=True)
def _the_password_is_nowhere(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Neither our log lines nor those of pika, at any level, have it."""
    caplog.set_level(logging.DEBUG)
    yield
    records = [*caplog.get_records("setup"), *caplog.get_records("call")]
    assert {"broker fault", "Created channel=1"} <= {r.getMessage() for r in records}
    for record in records:
        assert PASSWORD not in record.getMessage()
        assert PASSWORD not in repr(vars(record))


def refused(scene: Scene, address: BrokerAddress) -> tuple[list[OutboxMessage], Outcome]:
    """A batch that does not get in: nothing is published, and every row stays."""
    batch = scene.batch(2)
    outcome = scene.relay(batch, scene.wire.publisher(address))
    assert outcome.error is not None
    assert PASSWORD not in outcome.error.detail
    assert len(outcome.rows_left) == 2
    assert not any(scene.copies(queue) for queue in scene.queues)
    return batch, outcome


def test_a_wrong_password_is_not_tried_again(scene: Scene) -> None:
    with scene.proxy() as proxy:
        batch, outcome = refused(
            scene, scene.address(host=LOOPBACK, port=proxy.port, password=PASSWORD)
        )
        assert type(outcome.error) is LoginRefused
        assert proxy.connections == 1
    scene.completes(batch, outcome, scene.publisher())


def test_a_rotated_password_is_fetched_once(scene: Scene) -> None:
    right = scene.wire.broker.amqp_url
    fetched = iter([{"rabbitmq_url": _with_password(right)}, {"rabbitmq_url": right}])
    address = BrokerAddress(Settings.from_env({}), FetchedSecrets(lambda: next(fetched)))
    publisher = scene.wire.publisher(address)
    batch = scene.batch(2)
    outcome = scene.relay(batch, publisher)
    assert outcome.of(CONFIRMED) == {m.event_key for m in batch}
    assert next(fetched, None) is None
    scene.completes(batch, outcome, publisher)


def test_a_password_that_stays_wrong_is_fetched_only_once(scene: Scene) -> None:
    wrong = _with_password(scene.wire.broker.amqp_url)
    fetches: list[str] = []

    def fetch() -> Mapping[str, str]:
        fetches.append(wrong)
        return {"rabbitmq_url": wrong}

    address = BrokerAddress(Settings.from_env({}), FetchedSecrets(fetch))
    batch, outcome = refused(scene, address)
    assert type(outcome.error) is LoginRefused
    assert len(fetches) == 2
    scene.completes(batch, outcome, scene.publisher())


def test_a_virtual_host_that_does_not_exist(scene: Scene) -> None:
    with scene.proxy() as proxy:
        there = scene.address(host=LOOPBACK, port=proxy.port, vhost="nowhere")
        batch, outcome = refused(scene, there)
        assert type(outcome.error) is Refused
        assert "ProbableAccessDenied" in outcome.error.detail
        assert proxy.connections == 1
    scene.completes(batch, outcome, scene.publisher())


def test_a_user_without_rights_in_the_virtual_host(scene: Scene, admin: BrokerAdmin) -> None:
    user = admin.user(PASSWORD)
    with scene.proxy() as proxy:
        there = scene.address(user=user, password=PASSWORD, host=LOOPBACK, port=proxy.port)
        batch, outcome = refused(scene, there)
        assert type(outcome.error) is Refused
        assert "ProbableAccessDenied" in outcome.error.detail
        assert proxy.connections == 1

    admin.allow(user, _vhost(scene), write=".*")
    publisher = scene.wire.publisher(scene.address(user=user, password=PASSWORD))
    scene.completes(batch, outcome, publisher)


def test_a_user_who_may_not_write_to_the_exchange(scene: Scene, admin: BrokerAdmin) -> None:
    """The broker says so only when something is published; it is not asked a second time."""
    user = admin.user(PASSWORD)
    admin.allow(user, _vhost(scene), write="^$")
    with scene.proxy() as proxy:
        address = scene.address(user=user, password=PASSWORD, host=LOOPBACK, port=proxy.port)
        batch = scene.batch(3)
        outcome = scene.relay(batch, scene.wire.publisher(address))
        assert outcome.of(UNKNOWN) == {m.event_key for m in batch}
        assert not any(scene.copies(queue) for queue in scene.queues)
        assert proxy.connections == 1

    admin.allow(user, _vhost(scene), write=".*")
    publisher = scene.wire.publisher(scene.address(user=user, password=PASSWORD))
    scene.completes(batch, outcome, publisher)


def test_a_port_where_nobody_listens(scene: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    batch, outcome = refused(scene, scene.address(host=LOOPBACK, port=port, password=PASSWORD))
    assert type(outcome.error) is ConnectionLost
    assert "ConnectionRefused" in outcome.error.detail
    scene.completes(batch, outcome, scene.publisher())


def test_a_host_name_that_does_not_exist(scene: Scene) -> None:
    batch, outcome = refused(scene, scene.address(host="broker.invalid", password=PASSWORD))
    assert type(outcome.error) is ConnectionLost
    assert "gaierror" in outcome.error.detail
    scene.completes(batch, outcome, scene.publisher())


def test_a_name_service_that_does_not_answer_costs_no_more_than_the_deadline(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = threading.Event()
    ask = socket.getaddrinfo

    def hang(*args: Any, **options: Any) -> Any:
        if "broker.invalid" in (*args, *options.values()):
            answer.wait(60)
        return ask(*args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    before = set(threading.enumerate())
    batch = scene.batch(2)
    publisher = scene.wire.publisher(scene.address(host="broker.invalid"))
    outcome = scene.relay(batch, publisher, seconds=1)
    assert type(outcome.error) is NoAnswer
    answer.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(60)
    scene.completes(batch, outcome, scene.publisher())


def _with_password(url: str) -> str:
    parts = urlsplit(url)
    return url.replace(f":{parts.password}@", f":{PASSWORD}@")


def _vhost(scene: Scene) -> str:
    return unquote(urlsplit(scene.wire.broker.amqp_url).path[1:])
