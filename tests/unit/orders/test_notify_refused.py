"""Notifications that settle nothing: they change nothing, and leave the right evidence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.errors import NotifyRejected, NotifyUnusable
from chalicelib.orders.model import OrderStatus, PayChannel, PayNo
from tests.unit.orders.shop import Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_a_rejected_notify_changes_nothing_but_the_log(shop: Shop) -> None:
    offer = shop.opened()
    shop.alipay.notify = NotifyRejected(detail="bad signature")
    with pytest.raises(NotifyRejected):
        shop.results.receive_notify(PayChannel.ALIPAY, {}, b"forged")

    assert shop.order_of(offer).status is OrderStatus.UNPAID
    ((pay_no, _),) = shop.store.notifies
    assert pay_no is None, "evidence never lies under a number that nobody verified"


def test_a_flood_of_forged_notifies_leaves_a_sample_of_evidence(shop: Shop) -> None:
    shop.alipay.notify = NotifyRejected(detail="bad signature")
    for _ in range(200):
        with pytest.raises(NotifyRejected):
            shop.results.receive_notify(PayChannel.ALIPAY, {}, b"forged")
    assert len(shop.store.notifies) == 60
    assert shop.reports.count("NotifiesRejected") == 200


def test_a_notify_for_a_number_that_is_not_ours_is_asked_for_again(shop: Shop) -> None:
    with pytest.raises(NotifyUnusable):
        shop.notified(PayNo("123"), shop.paid())
    assert shop.reports == ["NotifiesUnusable"]


@pytest.mark.parametrize("changed", [{"app_id": "other"}, {"merchant_id": "other"}])
def test_i2_a_payment_to_another_account_than_the_attempts_is_refused(
    shop: Shop, changed: dict[str, str]
) -> None:
    offer = shop.opened()
    number = offer.record.pay_no
    shop.store.records[number] = replace(shop.store.records[number], **changed)
    with pytest.raises(NotifyRejected):
        shop.notified(number, shop.paid())
    assert shop.order_of(offer).status is OrderStatus.UNPAID


def test_what_is_verified_but_cannot_be_placed_is_kept_whole_and_for_good(shop: Shop) -> None:
    shop.alipay.notify = NotifyUnusable(detail="no such attempt")
    body = b"x" * 9000
    for _ in range(2):
        with pytest.raises(NotifyUnusable):
            shop.results.receive_notify(PayChannel.ALIPAY, {}, body)

    (entry,) = shop.store.notifies.values()
    assert entry.verified
    assert (entry.pay_no, entry.body) == (None, body.decode())


def test_what_is_not_verified_is_cut_short(shop: Shop) -> None:
    shop.alipay.notify = NotifyRejected(detail="bad signature")
    with pytest.raises(NotifyRejected):
        shop.results.receive_notify(PayChannel.ALIPAY, {}, b"x" * 9000)

    (entry,) = shop.store.notifies.values()
    assert not entry.verified
    assert len(entry.body) == 4096
