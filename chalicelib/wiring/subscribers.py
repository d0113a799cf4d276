"""Step 9: from the queues to the sellers, each with queues of its own."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from chalicelib.settings import settings
from chalicelib.wiring.messages import broker_address
from chalicelib.wiring.sellers import learning_store, resources_store

if TYPE_CHECKING:
    from chalicelib.mq.delivery import Handler
    from chalicelib.mq.drain import Drain
    from chalicelib.mq.topology import Subscription


@cache
def learning_drain() -> Drain:
    """Payment results from the queue to the learning centre."""
    from chalicelib.learning.grants import Granting
    from chalicelib.mq.topology import QueueStyle, learning_subscription
    from chalicelib.purchasables import OrderType
    from chalicelib.selling.subscriber import PayResultSubscriber

    style = QueueStyle(settings().paynotify_queue_style)
    return _drain(
        learning_subscription(settings().retry_delays_seconds, style),
        PayResultSubscriber(OrderType.COURSE, Granting(learning_store())),
    )


@cache
def learning_refund_drain() -> Drain:
    """Refunds that revoke goods, from their own queue to the learning centre."""
    from chalicelib.learning.revocations import Revoking
    from chalicelib.mq.topology import learning_refund_subscription
    from chalicelib.purchasables import OrderType
    from chalicelib.selling.subscriber import RefundResultSubscriber

    return _drain(
        learning_refund_subscription(settings().retry_delays_seconds),
        RefundResultSubscriber(OrderType.COURSE, Revoking(learning_store())),
    )


@cache
def resources_drain() -> Drain:
    """Payment results from their queue to the study materials."""
    from chalicelib.mq.topology import resources_subscription
    from chalicelib.purchasables import OrderType
    from chalicelib.resources.grants import MaterialGranting
    from chalicelib.selling.subscriber import PayResultSubscriber

    return _drain(
        resources_subscription(settings().retry_delays_seconds),
        PayResultSubscriber(OrderType.STUDY_MATERIAL, MaterialGranting(resources_store())),
    )


@cache
def resources_refund_drain() -> Drain:
    """Refunds that revoke goods, from their own queue to the study materials."""
    from chalicelib.mq.topology import resources_refund_subscription
    from chalicelib.purchasables import OrderType
    from chalicelib.resources.revocations import MaterialRevoking
    from chalicelib.selling.subscriber import RefundResultSubscriber

    return _drain(
        resources_refund_subscription(settings().retry_delays_seconds),
        RefundResultSubscriber(OrderType.STUDY_MATERIAL, MaterialRevoking(resources_store())),
    )


def _drain(subscription: Subscription, handler: Handler) -> Drain:
    from chalicelib.mq.drain import Drain, DrainLimits
    from chalicelib.mq.rabbit import connector

    limits = DrainLimits(
        window_seconds=settings().drain_window_seconds, prefetch=settings().drain_prefetch
    )
    return Drain(connector(broker_address()), subscription, handler, limits)
