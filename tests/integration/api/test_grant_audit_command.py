"""``grants audit`` and ``grants list``, and the job beside them, as the deployment wires them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib import wiring
from chalicelib.deadline import Deadline
from chalicelib.settings import settings
from infra.ops.__main__ import main
from tests.integration.api.shop import Purchase, Shop


def audited(purchase: Purchase, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["grants", "audit", purchase.order_id]) == 0
    return capsys.readouterr().out


def test_paid_and_not_open_is_answered_and_its_message_left_where_it_waits(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    purchase = shop.paid()
    (waiting,) = shop.messages_of(purchase)

    told = audited(purchase, capsys)
    assert "the seller says: awaiting payment, expected: granted" in told
    assert "the message is still in the outbox" in told
    assert shop.messages_of(purchase) == [waiting]

    assert main(["grants", "list"]) == 0
    assert f"{purchase.order_id} paid, not granted: 1 audits" in capsys.readouterr().out


def test_an_open_course_is_said_to_be_open_and_listed_no_more(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    purchase = shop.paid()
    audited(purchase, capsys)
    shop.grant(purchase)

    assert "the goods have followed" in audited(purchase, capsys)
    assert main(["grants", "list"]) == 0
    assert purchase.order_id not in capsys.readouterr().out


def test_the_first_audit_comes_when_the_setting_says_and_not_before(shop: Shop) -> None:
    purchase = shop.paid()
    order = wiring.order_store().order(purchase.order_id)
    assert order is not None
    assert order.next_audit_at is not None
    pause = order.next_audit_at - wiring.clock().now()
    first = timedelta(seconds=settings().grant_audit_seconds[0])
    assert first - timedelta(minutes=1) < pause <= first

    wiring.grant_audit().run(Deadline.after(20))
    again = wiring.order_store().order(purchase.order_id)
    assert again == order


def test_an_unpaid_order_waits_for_no_goods(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    purchase = shop.order()
    with shop.unchanged():
        assert "the order was never paid" in audited(purchase, capsys)
