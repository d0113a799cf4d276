"""Names the concrete parts and joins them; the only module that knows them all.

Each part is made on first use and kept for the life of the container. The imports stand inside
the functions because every Lambda function imports ``app`` and few need them all: importing this
module loads no SDK, no broker client and no database client.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from chalicelib.clock import Clock, SystemClock
from chalicelib.observability import count
from chalicelib.secrets import Secrets, secrets_for
from chalicelib.settings import SettingsError, settings

if TYPE_CHECKING:
    from chalicelib.auth import TokenVerifier
    from chalicelib.dynamo import Dynamo
    from chalicelib.ids.numbers import LeasedNumbers
    from chalicelib.learning.ports import LearningStore
    from chalicelib.learning.service import LearningService
    from chalicelib.mq.delivery import Handler
    from chalicelib.mq.drain import Drain
    from chalicelib.mq.rabbit import BrokerAddress
    from chalicelib.mq.relay import Relay
    from chalicelib.mq.topology import Subscription, Topology
    from chalicelib.orders.cashier import Cashier
    from chalicelib.orders.links import LinkSigner
    from chalicelib.orders.model import PayChannel
    from chalicelib.orders.ports import OrderStore, PaymentChannel
    from chalicelib.orders.results import PaymentResults
    from chalicelib.orders.service import OrderService
    from chalicelib.purchasables import Purchasables, Purchases

_HEAVY: Mapping[str, tuple[str, ...]] = {
    "alipay": ("chalicelib.orders.alipay", "chalicelib.orders.store"),
    "rabbit": ("chalicelib.mq.rabbit", "chalicelib.mq.outbox"),
    "dynamodb": ("chalicelib.dynamo",),
}


def preload(names: tuple[str, ...]) -> None:
    """Load heavy parts now, in the INIT phase, instead of inside the first request.

    Raises
    ------
    SettingsError
        A name is not one of the heavy parts.
    """
    for name in names:
        if name not in _HEAVY:
            raise SettingsError(f"PRELOAD knows {', '.join(_HEAVY)}, not {name!r}")
        for module in _HEAVY[name]:
            import_module(module)


@cache
def clock() -> Clock:
    """The clock of this container."""
    return SystemClock()


@cache
def secrets() -> Secrets:
    """Where secrets come from."""
    return secrets_for(settings())


@cache
def dynamo() -> Dynamo:
    """The database connection."""
    from chalicelib.dynamo import Dynamo

    return Dynamo(settings())


@cache
def numbers() -> LeasedNumbers:
    """The source of order, pay and choose-course numbers."""
    from chalicelib.ids.numbers import LeasedNumbers
    from chalicelib.ids.worker_lease import DynamoLeaseStore

    return LeasedNumbers(
        DynamoLeaseStore(dynamo()),
        clock(),
        lease_seconds=settings().lease_seconds,
    )


@cache
def token_verifier() -> TokenVerifier:
    """How bearer tokens are verified: by configuration, never by what a token says."""
    from chalicelib.tokens import verifier_for

    return verifier_for(settings(), secrets(), clock())


@cache
def order_store() -> OrderStore:
    """Where orders are kept."""
    from chalicelib.orders.store import DynamoOrderStore

    return DynamoOrderStore(dynamo(), settings().notify_rejected_ttl_days)


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
def alipay() -> PaymentChannel:
    """Alipay mobile web payment."""
    from chalicelib.orders.alipay import AlipayChannel

    base = settings().require("public_base_url")
    return AlipayChannel(
        app_id=settings().require("alipay_app_id"),
        seller_id=settings().require("alipay_seller_id"),
        app_private_key=secrets().get("alipay_app_private_key"),
        alipay_public_key=secrets().get("alipay_public_key"),
        gateway_url=settings().alipay_gateway_url,
        notify_url=f"{base}/orders/receivenotify",
        return_url=f"{base}/orders/alipayreturn",
        clock=clock(),
    )


@cache
def channels() -> Mapping[PayChannel, Callable[[], PaymentChannel]]:
    """The payment platforms; each is made when it is first needed."""
    from chalicelib.orders.model import PayChannel

    return {PayChannel.ALIPAY: alipay}


@cache
def payment_results() -> PaymentResults:
    """Step 6 and 7: what the platforms say."""
    from chalicelib.orders.results import PaymentResults

    return PaymentResults(
        store=order_store(),
        channels=channels(),
        clock=clock(),
        report=count,
        query_interval=timedelta(seconds=settings().query_interval_seconds),
    )


@cache
def orders() -> OrderService:
    """Step 2: orders and payment codes."""
    from chalicelib.orders.service import OrderService

    return OrderService(
        store=order_store(),
        purchasables=purchasables(),
        results=payment_results(),
        numbers=numbers(),
        clock=clock(),
        expires_after=timedelta(minutes=settings().order_expires_minutes),
    )


@cache
def cashier() -> Cashier:
    """Step 3: the cashier behind a payment link."""
    from chalicelib.orders.cashier import Cashier

    return Cashier(
        store=order_store(), purchasables=purchasables(), channels=channels(), clock=clock()
    )


@cache
def links() -> LinkSigner:
    """Signs and checks payment links."""
    from chalicelib.orders.links import LinkSigner

    return LinkSigner.from_secret(secrets().get("link_keys"), clock())


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


@cache
def topology() -> Topology:
    """What the broker must have."""
    from chalicelib.mq.topology import platform_topology

    return platform_topology(settings().retry_delays_seconds)


@cache
def broker_address() -> BrokerAddress:
    """Where the broker is."""
    from chalicelib.mq.rabbit import BrokerAddress

    return BrokerAddress(settings(), secrets())


@cache
def relay() -> Relay:
    """Step 8: outbox rows from the stream to the exchange."""
    from chalicelib.mq.outbox import Outbox
    from chalicelib.mq.rabbit import RabbitPublisher
    from chalicelib.mq.relay import Relay, RelayLimits

    return Relay(
        Outbox(dynamo()),
        RabbitPublisher(broker_address(), topology(), clock()),
        topology(),
        clock(),
        RelayLimits(publish_deadline_seconds=settings().publish_deadline_seconds),
    )


@cache
def learning_drain() -> Drain:
    """Step 9: payment results from the queue to the learning centre."""
    from chalicelib.learning.grants import Granting
    from chalicelib.learning.subscriber import PayResultSubscriber
    from chalicelib.mq.topology import learning_subscription

    return _drain(
        learning_subscription(settings().retry_delays_seconds),
        PayResultSubscriber(Granting(learning_store())),
    )


@cache
def refund_drain() -> Drain:
    """Refunds that revoke goods, from their own queue to the learning centre."""
    from chalicelib.learning.revocations import Revoking
    from chalicelib.learning.subscriber import RefundResultSubscriber
    from chalicelib.mq.topology import learning_refund_subscription

    return _drain(
        learning_refund_subscription(settings().retry_delays_seconds),
        RefundResultSubscriber(Revoking(learning_store())),
    )


def _drain(subscription: Subscription, handler: Handler) -> Drain:
    from chalicelib.mq.drain import Drain, DrainLimits
    from chalicelib.mq.rabbit import connector

    limits = DrainLimits(
        window_seconds=settings().drain_window_seconds, prefetch=settings().drain_prefetch
    )
    return Drain(connector(broker_address()), subscription, handler, limits)
