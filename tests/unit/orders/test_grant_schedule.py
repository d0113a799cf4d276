"""Who is told of its goods is audited; when, and for how long nobody looks again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.money import Fen
from chalicelib.mq.message import OutboxMessage
from chalicelib.orders.goods_messages import paid_message, revoked_message
from chalicelib.orders.grant_schedule import AuditSchedule, to_be_audited
from chalicelib.orders.model import Refund, RefundKind, RefundStatus
from chalicelib.orders.ports import Change
from chalicelib.orders.verdict import RefundClosed, RefundDone, RefundMoved, RefundSeen
from tests.fakes.clock import START
from tests.unit.orders.refunding import PRICE, Refunding, a_paid_order, a_paid_record, an_item
from tests.unit.orders.shop import Shop

MINUTE = timedelta(minutes=1)
SCHEDULE = AuditSchedule(pauses=(5 * MINUTE, 10 * MINUTE, 60 * MINUTE))
MESSAGE = paid_message(a_paid_order(), an_item(), a_paid_record(), START)


@pytest.mark.parametrize(("audits", "minutes"), [(0, 5), (1, 10), (2, 60), (3, 60), (99, 60)])
def test_the_last_pause_is_that_of_all_that_follow(audits: int, minutes: int) -> None:
    assert SCHEDULE.next_audit(audits, START) == START + minutes * MINUTE


def test_a_message_begins_the_audits_anew() -> None:
    order = a_paid_order(next_audit_at=START + 90 * MINUTE, audits=7)
    change = to_be_audited(
        Change(write_id="w", orders=(order,), messages=(MESSAGE,)), SCHEDULE, START
    )
    assert change.messages == (MESSAGE,)
    assert change.orders == (replace(order, next_audit_at=START + 5 * MINUTE, audits=0),)


def test_a_change_without_a_message_leaves_the_audits_alone() -> None:
    order = a_paid_order(next_audit_at=START, audits=7)
    change = Change(write_id="w", orders=(order,))
    assert to_be_audited(change, SCHEDULE, START) == change


def test_a_payment_that_buys_the_goods_is_audited() -> None:
    shop = Shop()
    offer = shop.opened()
    shop.notified(offer.record.pay_no, shop.paid())
    order = shop.order_of(offer)
    assert order.next_audit_at == shop.clock.now() + 5 * MINUTE
    assert order.audits == 0


def test_a_payment_that_buys_nothing_is_not_audited() -> None:
    shop = Shop()
    offer = shop.opened()
    shop.notified(offer.record.pay_no, shop.paid(fen=PRICE + 1))
    assert shop.order_of(offer).next_audit_at is None


def test_a_refund_that_takes_the_goods_is_audited() -> None:
    refunding = Refunding()
    refunding.ask()
    refunding.run_until_quiet()
    assert refunding.order.revoked_by is not None
    assert refunding.order.next_audit_at is not None
    assert refunding.order.next_audit_at >= START + 5 * MINUTE


def test_a_refund_that_leaves_the_goods_is_not_audited() -> None:
    refunding = Refunding()
    refunding.ask(100)
    refunding.run_until_quiet()
    assert refunding.only_row().status is RefundStatus.DONE
    assert refunding.order.next_audit_at is None


def _refund(**changes: object) -> Refund:
    refund = Refund(
        out_refund_no="150000000000000001_k1",
        pay_no=a_paid_record().pay_no,
        order_id=a_paid_order().order_id,
        kind=RefundKind.ON_DEMAND,
        amount_fen=Fen(PRICE),
        amount_asked_fen=Fen(PRICE),
        reason="",
        revoke=True,
        status=RefundStatus.SENT,
        created_at=START,
        sent_at=START + MINUTE,
        accepted_at=START + 2 * MINUTE,
    )
    return replace(refund, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "later",
    [
        {"status": RefundStatus.DONE, "refunded_at": START + 90 * MINUTE},
        {"status": RefundStatus.RELEASED, "amount_fen": Fen(0)},
    ],
)
def test_a_revocation_is_told_in_the_same_words_whatever_became_of_its_refund(
    later: dict[str, object],
) -> None:
    first = revoked_message(a_paid_order(), an_item(), _refund(), START)
    again = revoked_message(a_paid_order(), an_item(), _refund(**later), START + 9 * MINUTE)
    assert replace(again, created_at=START) == first


def _told_again(world: Refunding) -> OutboxMessage:
    later = world.clock.now() + 90 * MINUTE
    return revoked_message(world.order, an_item(), world.only_row(), later)


def test_a_revocation_is_told_in_the_same_words_when_the_platform_closes_what_it_accepted() -> None:
    world = Refunding(wechat=True)
    number = world.ask().channel_refund_no
    world.run()
    (first,) = world.store.outbox.values()

    world.clock.advance(hours=2)
    world.platform.finish(number, RefundClosed())
    assert world.told(number, RefundClosed()) == RefundMoved("owed")
    assert world.only_row().accepted_at is None
    assert _told_again(world).body == first.body

    world.clock.advance(hours=1)
    world.run()
    assert world.only_row().accepted_at is not None, "the platform accepted the second one too"
    assert _told_again(world).body == first.body
    assert world.only_row().generation == 2


def test_a_revocation_is_told_at_the_same_time_when_the_portal_pays_a_part_of_it() -> None:
    world = Refunding(wechat=True)
    number = world.ask().channel_refund_no
    world.run()
    accepted_at = world.only_row().accepted_at
    world.clock.advance(hours=2)
    assert world.told("portal", RefundDone(amount_fen=Fen(100), refunded_at=START)) == RefundSeen()

    ours = world.row(number)
    assert (ours.amount_fen, ours.generation, ours.accepted_at) == (PRICE - 100, 2, None)
    assert ours.first_accepted_at == accepted_at


def test_a_revocation_can_be_told_of_what_an_earlier_version_saw_closed() -> None:
    first = revoked_message(a_paid_order(), an_item(), _refund(), START)
    closed = _refund(status=RefundStatus.OWED, generation=2, accepted_at=None)
    again = revoked_message(a_paid_order(), an_item(), closed, START)
    assert (again.event_key, again.message_id) == (first.event_key, first.message_id)
    assert '"refundedAt":"2026-' in again.body
