"""The stores, and how orders and the learning centre meet."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from chalicelib.settings import settings
from chalicelib.wiring.foundation import clock, dynamo, numbers

if TYPE_CHECKING:
    from chalicelib.learning.ports import LearningStore
    from chalicelib.learning.service import LearningService
    from chalicelib.orders.ports import OrderStore
    from chalicelib.purchasables import Purchasables, Purchases


@cache
def order_store() -> OrderStore:
    """Where orders are kept."""
    from chalicelib.orders.storage.store import DynamoOrderStore

    return DynamoOrderStore(
        dynamo(),
        settings().notify_rejected_ttl_days,
        stream_owns=timedelta(seconds=settings().outbox_stream_owns_seconds),
    )


@cache
def learning_store() -> LearningStore:
    """Where the learning centre keeps its records."""
    from chalicelib.learning.store import DynamoLearningStore

    return DynamoLearningStore(dynamo())


@cache
def purchasables() -> Purchasables:
    """What orders may be made for."""
    from chalicelib.learning.sale import CoursePurchasables

    return CoursePurchasables(learning_store())


@cache
def purchases() -> Purchases:
    """How far a purchase is."""
    from chalicelib.orders.purchases import OrderPurchases

    return OrderPurchases(order_store())


@cache
def learning() -> LearningService:
    """Steps 1 and 9: the learning centre."""
    from chalicelib.learning.service import LearningService

    return LearningService(
        store=learning_store(),
        purchases=purchases(),
        numbers=numbers(),
        clock=clock(),
        renew_window=timedelta(days=settings().renew_window_days),
    )
