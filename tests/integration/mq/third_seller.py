"""A third seller, of mock exams, as docs/adding-a-seller.md says; in tests alone.

Its order type is in no enum of the order service and its queues in no topology of the project: a
test adds both. An exam is bought once and sat whenever its student likes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import cast

from chalicelib.errors import NotForSale, NotFound, StaleWrite, Unavailable
from chalicelib.money import Fen
from chalicelib.mq.message import PAYNOTIFY_EXCHANGE, PayResult
from chalicelib.mq.refund_message import REFUNDNOTIFY_EXCHANGE, RefundResult
from chalicelib.mq.topology import Subscription
from chalicelib.optimistic import until_written
from chalicelib.purchasables import OrderType, Purchasable, SaleStatus
from chalicelib.selling.codes import Charge, ChooseStatus, PublishStatus, is_plain_id, moved
from chalicelib.selling.outcomes import (
    AlreadyGranted,
    AlreadyRevoked,
    Granted,
    GrantOutcome,
    NotGrantable,
    NotRevocable,
    RefundedBefore,
    Revoked,
    RevokeOutcome,
)
from chalicelib.selling.subscriber import PayResultSubscriber, RefundResultSubscriber
from chalicelib.selling.terms import terms_of

# chalicelib/purchasables.py: a member of OrderType


class _OrderTypes(StrEnum):
    MOCK_EXAM = "60203"


MOCK_EXAM = cast("OrderType", _OrderTypes.MOCK_EXAM)

# chalicelib/mq/message.py, refund_message.py, topology.py: two queues, two subscriptions

PAYNOTIFY_EXAMS_QUEUE = "paynotify_exams_queue"
REFUNDNOTIFY_EXAMS_QUEUE = "refundnotify_exams_queue"


def exams_subscription(retry_delays_seconds: tuple[int, ...]) -> Subscription:
    return Subscription(PAYNOTIFY_EXCHANGE, PAYNOTIFY_EXAMS_QUEUE, retry_delays_seconds)


def exams_refund_subscription(retry_delays_seconds: tuple[int, ...]) -> Subscription:
    return Subscription(REFUNDNOTIFY_EXCHANGE, REFUNDNOTIFY_EXAMS_QUEUE, retry_delays_seconds)


# model.py


@dataclass(frozen=True, slots=True, kw_only=True)
class Exam:
    """A catalogue entry."""

    exam_id: str
    title: str
    price_fen: Fen | None
    charge: Charge | None = Charge.PAID
    publish_status: PublishStatus = PublishStatus.PUBLISHED


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamEntry:
    """A student's wish to sit an exam. ``version`` is 0 until it is stored."""

    entry_id: str
    user_id: str
    exam_id: str
    title: str
    price_fen: Fen
    status: ChooseStatus = ChooseStatus.AWAITING_PAYMENT
    paid_at: datetime | None = None
    version: int = 0

    def moved_to(self, status: ChooseStatus) -> ExamEntry:
        return replace(self, status=moved(self.entry_id, self.status, status))

    @property
    def may_sit(self) -> bool:
        return self.status is ChooseStatus.CHOSEN

    def stands_for(self, user_id: str, exam_id: str) -> bool:
        mine = (self.user_id, self.exam_id) == (user_id, exam_id)
        return mine and self.status is not ChooseStatus.REFUNDED


# rows.py, store.py


class ExamStore:
    """One row a purchase says everything, so that one conditional write is the transaction.

    ``refuses`` says whether it can be used now.
    """

    def __init__(self) -> None:
        self.refuses: Callable[[], bool] = lambda: False
        self._exams: dict[str, Exam] = {}
        self._entries: dict[str, ExamEntry] = {}
        self._lock = threading.Lock()

    def exam(self, exam_id: str) -> Exam | None:
        self._must_answer()
        return self._exams.get(exam_id)

    def put_exam(self, exam: Exam) -> None:
        self._exams[exam.exam_id] = exam

    def standing_entry(self, user_id: str, exam_id: str) -> ExamEntry | None:
        """The one that awaits payment, or that was paid and is not refunded."""
        self._must_answer()
        return next((e for e in self._entries.values() if e.stands_for(user_id, exam_id)), None)

    def entry(self, entry_id: str) -> ExamEntry | None:
        self._must_answer()
        return self._entries.get(entry_id) if is_plain_id(entry_id) else None

    def put(self, entry: ExamEntry) -> None:
        """Written while the stored version is still the one that was read; a new one, once."""
        self._must_answer()
        with self._lock:
            stored = self._entries.get(entry.entry_id)
            if entry.version != (stored.version if stored else 0):
                raise StaleWrite
            if stored is None and self.standing_entry(entry.user_id, entry.exam_id):
                raise StaleWrite  # the guard that allows one
            self._entries[entry.entry_id] = replace(entry, version=entry.version + 1)

    def _must_answer(self) -> None:
        if self.refuses():
            raise Unavailable


# choose.py


class ExamChoosing:
    """Makes the entry that an order is for."""

    def __init__(self, store: ExamStore, next_number: Callable[[], str]) -> None:
        self._store = store
        self._next_number = next_number

    def choose(self, user_id: str, exam_id: str) -> ExamEntry:
        """The entry that stands, or a new one that awaits payment."""
        return until_written(lambda: self._choose(user_id, exam_id))

    def _choose(self, user_id: str, exam_id: str) -> ExamEntry:
        standing = self._store.standing_entry(user_id, exam_id)
        if standing is not None:
            return standing
        exam = self._store.exam(exam_id)
        if exam is None:
            raise NotFound("考试不存在", detail=f"exam {exam_id}")
        entry = ExamEntry(
            entry_id=self._next_number(),
            user_id=user_id,
            exam_id=exam_id,
            title=exam.title,
            price_fen=terms_of(exam, called="考试").price_fen,
        )
        self._store.put(entry)
        return entry


# grants.py, revocations.py


class ExamGranting:
    """Implements `chalicelib.selling.subscriber.Grants`."""

    def __init__(self, store: ExamStore) -> None:
        self._store = store

    def grant(self, result: PayResult) -> GrantOutcome:
        return until_written(lambda: self._grant(result))

    def _grant(self, result: PayResult) -> GrantOutcome:
        entry = self._store.entry(result.out_business_id)
        if entry is None:
            return NotGrantable(f"no exam entry {result.out_business_id!r}")
        if entry.paid_at is not None:
            return AlreadyGranted()
        paid = replace(entry, paid_at=result.paid_at)
        if entry.status is ChooseStatus.REFUNDED:
            self._store.put(paid)
            return RefundedBefore()
        self._store.put(paid.moved_to(ChooseStatus.CHOSEN))
        return Granted()


class ExamRevoking:
    """Implements `chalicelib.selling.subscriber.Revocations`."""

    def __init__(self, store: ExamStore) -> None:
        self._store = store

    def revoke(self, result: RefundResult) -> RevokeOutcome:
        return until_written(lambda: self._revoke(result))

    def _revoke(self, result: RefundResult) -> RevokeOutcome:
        entry = self._store.entry(result.out_business_id)
        if entry is None:
            return NotRevocable(f"no exam entry {result.out_business_id!r}")
        if entry.status is ChooseStatus.REFUNDED:
            return AlreadyRevoked()
        self._store.put(entry.moved_to(ChooseStatus.REFUNDED))
        return Revoked()


# sale.py


class ExamPurchasables:
    """Implements `chalicelib.purchasables.Purchasables` for order type 60203."""

    def __init__(self, store: ExamStore) -> None:
        self._store = store

    def get(self, out_business_id: str, order_type: OrderType) -> Purchasable | None:
        entry = self._store.entry(out_business_id) if order_type == MOCK_EXAM else None
        if entry is None:
            return None
        exam = self._store.exam(entry.exam_id)
        price = _price_today(exam)
        return Purchasable(
            out_business_id=entry.entry_id,
            order_type=MOCK_EXAM,
            owner_id=entry.user_id,
            goods_id=entry.exam_id,
            title=entry.title if exam is None else exam.title,
            price_fen=entry.price_fen if price is None else price,
            valid_days=None,
            status=_sale_status(entry, price),
        )


def _price_today(exam: Exam | None) -> Fen | None:
    try:
        return None if exam is None else terms_of(exam, called="考试").price_fen
    except NotForSale:
        return None


def _sale_status(entry: ExamEntry, price: Fen | None) -> SaleStatus:
    match entry.status:
        case ChooseStatus.CHOSEN:
            return SaleStatus.GRANTED
        case ChooseStatus.REFUNDED:
            return SaleStatus.TAKEN_BACK
        case ChooseStatus.AWAITING_PAYMENT:
            return SaleStatus.NOT_FOR_SALE if price is None else SaleStatus.AWAITING_PAYMENT


# wiring/subscribers.py: a handler for each queue


def on_paid(store: ExamStore) -> PayResultSubscriber:
    return PayResultSubscriber(MOCK_EXAM, ExamGranting(store))


def on_refunded(store: ExamStore) -> RefundResultSubscriber:
    return RefundResultSubscriber(MOCK_EXAM, ExamRevoking(store))
