"""What every seller promises the order service and its own subscribers.

A seller runs the whole suite by a class of its own, which says how its goods are chosen:

    class TestLicences(SellerPromises):
        @pytest.fixture
        def shop(self) -> Shop:
            return LicenceShop(...)
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.errors import NotForSale
from chalicelib.money import Fen
from chalicelib.mq.delivery import Ack, Delivery
from chalicelib.mq.message import PayResult, paid_event
from chalicelib.mq.refund_message import RefundResult, refund_event
from chalicelib.purchasables import OrderType, Purchasable, SaleStatus
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
from tests.contract.selling.shops import PRICE, Shop
from tests.fakes.clock import START

STUDENT, OTHER = "student-1", "student-2"
NO_RECORDS = ("4711", "", "五百", "5" * 3000, "record#1", f"pending#{STUDENT}#1002")


def sold(shop: Shop, record_id: str) -> Purchasable:
    found = shop.purchasables.get(record_id, shop.order_type)  # type: ignore[arg-type]
    assert found is not None, f"no record {record_id}"
    return found


def payment(shop: Shop, record_id: str, valid_days: int | None = None) -> PayResult:
    return PayResult(
        message_id="9001",
        out_business_id=record_id,
        order_type=shop.order_type,
        order_id="8001",
        paid_at=START,
        valid_days=valid_days,
    )


def refunding(shop: Shop, record_id: str, refund_no: str = "7001") -> RefundResult:
    return RefundResult(
        message_id=refund_no,
        out_business_id=record_id,
        order_type=shop.order_type,
        order_id="8001",
        refund_no=refund_no,
        refund_fen=PRICE,
        refunded_at=START + timedelta(days=1),
    )


def pay(shop: Shop, record_id: str) -> GrantOutcome:
    """Hear the payment, with the validity that the seller itself told the order service."""
    return shop.grants.grant(payment(shop, record_id, sold(shop, record_id).valid_days))


def refund(shop: Shop, record_id: str, refund_no: str = "7001") -> RevokeOutcome:
    return shop.revocations.revoke(refunding(shop, record_id, refund_no))


class SellerPromises:
    """The suite; its ``shop`` fixture is the seller's."""

    def test_a_record_names_its_owner_its_goods_and_todays_price(self, shop: Shop) -> None:
        record_id = shop.choose(STUDENT)
        shop.reprice("第二版", Fen(2500))

        found = sold(shop, record_id)

        assert found.out_business_id == record_id
        assert found.order_type == shop.order_type
        assert (found.owner_id, found.goods_id) == (STUDENT, shop.goods_id)
        assert (found.title, found.price_fen) == ("第二版", 2500)
        assert found.valid_days is None or found.valid_days > 0

    def test_each_user_has_a_record_of_their_own(self, shop: Shop) -> None:
        mine, theirs = shop.choose(STUDENT), shop.choose(OTHER)

        assert mine != theirs
        assert sold(shop, theirs).owner_id == OTHER
        assert sold(shop, mine).price_fen == PRICE

    def test_an_id_fits_into_the_messages_and_keys_of_orders(self, shop: Shop) -> None:
        record_id = shop.choose(STUDENT)

        assert record_id.isdigit()
        assert len(record_id) <= 19

    def test_another_order_type_is_none(self, shop: Shop) -> None:
        record_id = shop.choose(STUDENT)

        others = [each for each in OrderType if each != shop.order_type]
        assert others
        for other in others:
            assert shop.purchasables.get(record_id, other) is None

    @pytest.mark.parametrize("record_id", NO_RECORDS)
    def test_an_unknown_id_is_none_and_neither_granted_nor_taken_back(
        self, shop: Shop, record_id: str
    ) -> None:
        shop.choose(STUDENT)

        assert shop.purchasables.get(record_id, shop.order_type) is None  # type: ignore[arg-type]
        assert isinstance(shop.grants.grant(payment(shop, record_id, 1)), NotGrantable)
        assert isinstance(refund(shop, record_id), NotRevocable)

    def test_from_awaiting_to_granted_to_taken_back(self, shop: Shop) -> None:
        record_id = shop.choose(STUDENT)
        assert sold(shop, record_id).status is SaleStatus.AWAITING_PAYMENT
        assert not shop.is_open(STUDENT)

        assert pay(shop, record_id) == Granted()
        assert sold(shop, record_id).status is SaleStatus.GRANTED
        assert shop.is_open(STUDENT)
        assert not shop.is_open(OTHER)

        assert refund(shop, record_id) == Revoked()
        assert sold(shop, record_id).status is SaleStatus.TAKEN_BACK
        assert not shop.is_open(STUDENT)

    def test_what_is_heard_again_changes_nothing(self, shop: Shop) -> None:
        record_id = shop.choose(STUDENT)
        pay(shop, record_id)
        assert pay(shop, record_id) == AlreadyGranted()
        assert shop.is_open(STUDENT)

        refund(shop, record_id)
        assert refund(shop, record_id) == AlreadyRevoked()
        assert refund(shop, record_id, "7002") == AlreadyRevoked()
        assert pay(shop, record_id) == AlreadyGranted()
        assert sold(shop, record_id).status is SaleStatus.TAKEN_BACK
        assert not shop.is_open(STUDENT)

    def test_a_refund_that_is_heard_first_keeps_its_payment_from_opening(self, shop: Shop) -> None:
        record_id = shop.choose(STUDENT)

        assert refund(shop, record_id) == Revoked()
        assert sold(shop, record_id).status is SaleStatus.TAKEN_BACK
        assert pay(shop, record_id) == RefundedBefore()

        assert sold(shop, record_id).status is SaleStatus.TAKEN_BACK
        assert not shop.is_open(STUDENT)

    def test_the_same_goods_are_bought_again_under_a_new_id(self, shop: Shop) -> None:
        first = shop.choose(STUDENT)
        pay(shop, first)
        refund(shop, first)

        second = shop.choose(STUDENT)
        assert second != first
        assert sold(shop, second).status is SaleStatus.AWAITING_PAYMENT
        assert pay(shop, second) == Granted()

        # the first one's messages are heard once more
        pay(shop, first)
        refund(shop, first)
        assert shop.is_open(STUDENT)
        assert sold(shop, second).status is SaleStatus.GRANTED

    def test_a_click_on_what_is_owned_makes_no_new_record(self, shop: Shop) -> None:
        record_id = shop.choose(STUDENT)
        assert shop.choose(STUDENT) == record_id
        pay(shop, record_id)

        assert shop.choose(STUDENT) == record_id

    def test_what_went_offline_is_not_for_sale_and_granted_to_who_paid(self, shop: Shop) -> None:
        record_id = shop.choose(STUDENT)
        shop.take_offline()

        assert sold(shop, record_id).status is SaleStatus.NOT_FOR_SALE
        with pytest.raises(NotForSale):
            shop.choose(OTHER)

        assert pay(shop, record_id) == Granted()
        assert sold(shop, record_id).status is SaleStatus.GRANTED
        assert shop.is_open(STUDENT)
        refund(shop, record_id)
        assert sold(shop, record_id).status is SaleStatus.TAKEN_BACK

    def test_messages_at_once_end_as_one_after_the_other(self, shop: Shop) -> None:
        record_id = shop.choose(STUDENT)
        days = sold(shop, record_id).valid_days
        paid, refunded = payment(shop, record_id, days), refunding(shop, record_id)
        together = threading.Barrier(6)

        def hear(place: int) -> GrantOutcome | RevokeOutcome:
            together.wait(timeout=30)
            if place % 2:
                return shop.revocations.revoke(refunded)
            return shop.grants.grant(paid)

        with ThreadPoolExecutor(6) as pool:
            outcomes = list(pool.map(hear, range(6)))

        assert outcomes.count(Revoked()) == 1
        assert outcomes.count(Granted()) + outcomes.count(RefundedBefore()) == 1
        assert sold(shop, record_id).status is SaleStatus.TAKEN_BACK
        assert not shop.is_open(STUDENT)

    def test_messages_about_the_goods_of_others_are_acknowledged_and_ignored(
        self, shop: Shop
    ) -> None:
        record_id = shop.choose(STUDENT)
        hears_payments = PayResultSubscriber(shop.order_type, shop.grants)
        hears_refunds = RefundResultSubscriber(shop.order_type, shop.revocations)

        def deliver(order_type: str) -> None:
            days = sold(shop, record_id).valid_days
            paid = replace(payment(shop, record_id, days), order_type=order_type)
            back = replace(refunding(shop, record_id), order_type=order_type)
            for hears, event in (
                (hears_payments, paid_event(paid, START)),
                (hears_refunds, refund_event(back, START)),
            ):
                delivery = Delivery(tag=1, message_id="1", body=event.body.encode())
                assert hears(delivery) == Ack()

        for other in (*OrderType, "60299"):
            if other != shop.order_type:
                deliver(other)
                assert sold(shop, record_id).status is SaleStatus.AWAITING_PAYMENT

        deliver(shop.order_type)
        assert sold(shop, record_id).status is SaleStatus.TAKEN_BACK
