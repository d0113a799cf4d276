"""The order service and the learning centre on the engine itself, without gate: what sells.

The real services on the real tables; only the payment platform is one of this process.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chalicelib.clock import SystemClock
from chalicelib.deadline import Deadline
from chalicelib.dynamo import Dynamo
from chalicelib.ids.numbers import LeasedNumbers
from chalicelib.ids.worker_lease import DynamoLeaseStore
from chalicelib.learning.model import Course
from chalicelib.learning.sale import CoursePurchasables
from chalicelib.learning.service import LearningService
from chalicelib.learning.store import DynamoLearningStore
from chalicelib.money import Fen
from chalicelib.orders.attempts import CheckSchedule
from chalicelib.orders.cashier import Cashier
from chalicelib.orders.grant_schedule import AuditSchedule
from chalicelib.orders.model import OrderId, OrderStatus, PayChannel, PayNo, TradeType
from chalicelib.orders.platform import Payer
from chalicelib.orders.purchases import OrderPurchases
from chalicelib.orders.refunds.results import RefundSettling
from chalicelib.orders.results import PaymentResults
from chalicelib.orders.service import OrderService
from chalicelib.orders.storage.store import DynamoOrderStore
from chalicelib.orders.withdrawal import Withdrawal
from chalicelib.purchasables import OrderType
from chalicelib.selling.codes import Charge, PublishStatus
from chalicelib.settings import Settings
from tests.chaos.platform import Platform

VALID_DAYS = 365
_PRICE = Fen(990)
_COURSES = ("course-1", "course-2", "course-3")
_PAYER = Payer(channel=PayChannel.ALIPAY, trade_type=TradeType.ALI_WAP)
_SECONDS = 20


@dataclass(slots=True)
class Sale:
    """A purchase that the platform was paid for; ``paid_back`` once that is settled as well."""

    order_id: OrderId
    pay_no: PayNo
    choose_course_id: str
    user_id: str
    course_id: str
    paid_at: datetime
    paid_back: bool = False


class Shop:
    """One deployment of the services. Not for more than one thread.

    Parameters
    ----------
    env : Mapping[str, str]
        The environment of the functions; ``DYNAMODB_ENDPOINT_URL`` is the engine's own here.
    """

    def __init__(self, env: Mapping[str, str], platform: Platform) -> None:
        settings = Settings.from_env(env)
        dynamo = Dynamo(settings)
        self._clock = SystemClock()
        self._platform = platform
        self._store = DynamoOrderStore(
            dynamo,
            settings.notify_rejected_ttl_days,
            stream_owns=timedelta(seconds=settings.outbox_stream_owns_seconds),
        )
        self._learning_store = DynamoLearningStore(dynamo)
        numbers = LeasedNumbers(
            DynamoLeaseStore(dynamo), self._clock, lease_seconds=settings.lease_seconds
        )
        self._make_services(settings, numbers)

    def _make_services(self, settings: Settings, numbers: LeasedNumbers) -> None:
        channels: dict[PayChannel, Any] = {PayChannel.ALIPAY: lambda: self._platform}
        shared: dict[str, Any] = {
            "store": self._store,
            "channels": channels,
            "clock": self._clock,
        }
        watched = {"schedule": CheckSchedule(), "claim_for": timedelta(seconds=30)}
        pauses = tuple(timedelta(seconds=pause) for pause in settings.grant_audit_seconds)
        audits = AuditSchedule(pauses=pauses)
        self._results = PaymentResults(
            **shared,
            refunds=RefundSettling(self._store, self._clock, _unheard, audits=audits),
            audits=audits,
            report=_unheard,
            query_interval=timedelta(seconds=settings.query_interval_seconds),
        )
        withdrawal = Withdrawal(**shared, **watched, results=self._results)
        purchasables = CoursePurchasables(self._learning_store)
        self._orders = OrderService(
            store=self._store,
            purchasables=purchasables,
            withdrawal=withdrawal,
            numbers=numbers,
            clock=self._clock,
            expires_after=timedelta(minutes=settings.order_expires_minutes),
        )
        self._cashier = Cashier(
            **shared,
            **watched,
            purchasables=purchasables,
            results=self._results,
            withdrawal=withdrawal,
            numbers=numbers,
        )
        self._learning = LearningService(
            store=self._learning_store,
            purchases=OrderPurchases(self._store),
            numbers=numbers,
            clock=self._clock,
            renew_window=timedelta(days=settings.renew_window_days),
        )

    def open(self) -> None:
        """Put the courses into the catalogue."""
        for course_id in _COURSES:
            self._learning_store.put_course(
                Course(
                    course_id=course_id,
                    company_id="company-1",
                    name="Java 编程思想",
                    charge=Charge.PAID,
                    price_fen=_PRICE,
                    valid_days=VALID_DAYS,
                    publish_status=PublishStatus.PUBLISHED,
                )
            )

    def sell(self, number: int) -> Sale:
        """Steps 1 to 6 of a purchase: chosen, ordered, opened, paid, and settled."""
        deadline = Deadline.after(_SECONDS)
        user_id, course_id = f"student-{number}", _COURSES[number % len(_COURSES)]
        record = self._learning.choose(user_id, course_id).record
        offer = self._orders.offer(user_id, record.choose_course_id, OrderType.COURSE, deadline)
        pay_no = offer.record.pay_no
        self._cashier.open(pay_no, _PAYER, deadline)
        # platforms tell the second
        paid_at = self._clock.now().replace(microsecond=0)
        self._platform.pay(offer.record, paid_at)
        self._ask(pay_no, OrderStatus.PAID)
        return Sale(
            order_id=offer.order.order_id,
            pay_no=pay_no,
            choose_course_id=record.choose_course_id,
            user_id=user_id,
            course_id=course_id,
            paid_at=paid_at,
        )

    def pay_back(self, sale: Sale) -> None:
        """The whole payment goes back at the platform, and we learn of it: the goods go, too."""
        self._platform.pay_back(sale.pay_no)
        self._ask(sale.pay_no, OrderStatus.REFUNDED)
        sale.paid_back = True

    def _ask(self, pay_no: PayNo, then: OrderStatus) -> None:
        """Ask the platform and settle; the order is ``then``, and its message in the outbox."""
        record = self._results.stored(pay_no).record
        self._results.ask(record, Deadline.after(_SECONDS))
        status = self._results.stored(pay_no).order.status
        if status is not then:
            raise AssertionError(f"the order of {pay_no} is {status.name}, not {then.name}")


def engine_env(env: Mapping[str, str], engine_url: str) -> dict[str, str]:
    """The functions' environment, with the engine's own address."""
    return {**env, "DYNAMODB_ENDPOINT_URL": engine_url}


def give_credentials() -> None:
    """Credentials that are good for nothing; the SDK wants some."""
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "local")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "local")
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")


def _unheard(_: str) -> None:
    """The functions' own counts are read from their logs; these are not among them."""
