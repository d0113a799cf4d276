"""What docs/messages.md tells a new subscriber to ask for is enough to listen, and no more."""

from __future__ import annotations

from collections.abc import Iterator

import amqp
import pytest

from chalicelib.mq.message import PAYNOTIFY_EXCHANGE, PAYNOTIFY_QUEUE, paid_event
from chalicelib.mq.outbox import OutboxItem
from chalicelib.mq.refund_message import REFUNDNOTIFY_EXCHANGE
from chalicelib.settings import Settings
from infra.local.services.broker import Broker, ExternalBroker
from tests.conftest import CreateTables
from tests.fakes.clock import START
from tests.integration.mq.foreign_platform import ForeignPlatform, foreign_platform
from tests.unit.learning.builders import a_pay_result


@pytest.fixture
def platform(
    broker: Broker | ExternalBroker, local_settings: Settings, create_tables: CreateTables
) -> Iterator[ForeignPlatform]:
    if not broker.management_url:
        pytest.skip("RABBITMQ_MANAGEMENT_URL is needed to make a virtual host and a user")
    create_tables(OutboxItem)
    with foreign_platform(broker, local_settings) as platform:
        yield platform


@pytest.mark.parametrize(
    ("exchange", "routing_key"),
    [(PAYNOTIFY_EXCHANGE, ""), (REFUNDNOTIFY_EXCHANGE, ""), ("", PAYNOTIFY_QUEUE)],
)
def test_its_user_cannot_grant_by_itself(
    platform: ForeignPlatform, exchange: str, routing_key: str
) -> None:
    message = amqp.Message(paid_event(a_pay_result("1"), START).body)
    with platform.connection() as connection:
        channel = connection.channel()
        with pytest.raises(amqp.AccessRefused, match=exchange or "amq.default"):
            channel.basic_publish_confirm(message, exchange=exchange, routing_key=routing_key)
    assert platform.taken_from(PAYNOTIFY_QUEUE) == []


def test_its_user_can_neither_read_our_queues_nor_delete_anything_of_ours(
    platform: ForeignPlatform,
) -> None:
    with platform.connection() as connection:
        for use in (
            lambda channel: channel.basic_get(PAYNOTIFY_QUEUE),
            lambda channel: channel.queue_delete(PAYNOTIFY_QUEUE),
            lambda channel: channel.exchange_delete(PAYNOTIFY_EXCHANGE),
        ):
            with pytest.raises(amqp.AccessRefused):
                use(connection.channel())
