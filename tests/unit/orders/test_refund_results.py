"""What platforms say of a refund, and what becomes of it: by notification or when asked."""

from __future__ import annotations

import pytest

from chalicelib.errors import NotifyUnusable
from chalicelib.money import Fen
from chalicelib.orders.model import OrderStatus, PayStatus, Refund
from chalicelib.orders.refunds.settle import MOST_GENERATIONS
from chalicelib.orders.verdict import (
    AlreadySettled,
    Contradiction,
    NothingToDo,
    RefundAbnormal,
    RefundAccepted,
    RefundClosed,
    RefundDone,
    RefundMoved,
    RefundNotThere,
    RefundRefused,
    RefundSeen,
    RefundUnknown,
    RefundVerdict,
)
from tests.builders import PAY_NO, a_pay_record
from tests.fakes.clock import START
from tests.unit.orders.refunding import PRICE, Refunding


def done(fen: int) -> RefundDone:
    return RefundDone(amount_fen=Fen(fen), refunded_at=START)


def sent(world: Refunding, amount: int = 300, **words: bool) -> Refund:
    """A refund that WeChat has accepted, or whose request got lost at Alipay."""
    number = world.ask(amount, **words).out_refund_no
    world.platform.loses_requests = 0 if world.platform.is_wechat else 1
    world.run()
    assert world.row(number).status == "sent"
    world.reports.clear()
    return world.row(number)


def test_money_that_is_back_is_counted_once() -> None:
    world = Refunding(wechat=True)
    number = sent(world).channel_refund_no
    assert world.told(number, done(300)) == RefundMoved("done")
    assert world.told(number, done(300)) == AlreadySettled()
    assert (world.record.refunded_fen, world.record.status) == (300, PayStatus.PAID)
    assert world.order.status is OrderStatus.PAID
    assert world.reports == ["RefundsDone"]
    world.assert_i1()


def test_when_all_is_back_the_order_is_refunded_and_the_goods_go() -> None:
    world = Refunding(wechat=True)
    row = sent(world, PRICE)
    world.told(row.channel_refund_no, done(PRICE))
    assert world.order.status is OrderStatus.REFUNDED
    assert world.order.revoked_by == row.out_refund_no
    assert list(world.store.outbox) == [f"{world.order.order_id}#refund#{row.out_refund_no}"]


def test_the_goods_go_when_the_platform_accepts_a_refund_that_asks_for_it() -> None:
    world = Refunding(wechat=True)
    row = sent(world, 300, revoke=True)
    assert row.accepted_at == world.clock.now()
    assert world.order.revoked_by == row.out_refund_no
    assert len(world.store.outbox) == 1
    world.told(row.channel_refund_no, done(300))
    assert len(world.store.outbox) == 1
    assert world.order.status is OrderStatus.PAID


def test_parts_that_are_all_back_take_the_goods_in_the_end() -> None:
    world = Refunding(wechat=True)
    first = sent(world, 300)
    world.told(first.channel_refund_no, done(300))
    world.clock.advance(seconds=65)
    second = world.ask(690, key="k2", revoke=False)
    world.run()
    world.told(second.channel_refund_no, done(690))
    assert world.order.revoked_by == second.out_refund_no
    world.assert_i1()


def test_another_amount_than_ours_is_a_contradiction() -> None:
    world = Refunding(wechat=True)
    row = sent(world)
    assert isinstance(world.told(row.channel_refund_no, done(299)), Contradiction)
    assert world.row(row.out_refund_no) == row
    assert world.reports == ["ContradictingVerdicts"]


def test_after_done_nothing_else_is_true() -> None:
    world = Refunding(wechat=True)
    number = sent(world).channel_refund_no
    world.told(number, done(300))
    for late in (RefundAccepted(), RefundClosed(), RefundAbnormal("card"), RefundNotThere()):
        assert world.told(number, late) == AlreadySettled()
    assert isinstance(world.told(number, done(1)), Contradiction)
    assert world.only_row().status == "done"


def test_a_closed_refund_goes_out_under_a_new_number() -> None:
    world = Refunding(wechat=True)
    row = sent(world)
    assert world.told(row.channel_refund_no, RefundClosed()) == RefundMoved("owed")
    again = world.only_row()
    assert (again.generation, again.accepted_at) == (2, None)
    assert again.channel_refund_no == f"{row.out_refund_no}_2"
    assert world.reports == ["RefundsRetried"]


def test_what_is_said_of_a_number_that_was_given_up_moves_nothing() -> None:
    world = Refunding(wechat=True)
    first = sent(world).channel_refund_no
    world.told(first, RefundClosed())
    for late in (RefundClosed(), RefundAccepted(), RefundAbnormal("card")):
        assert isinstance(world.told(first, late), NothingToDo)
    assert (world.only_row().status, world.only_row().generation) == ("owed", 2)


def test_an_answer_that_comes_after_the_notification_closes_nothing_twice() -> None:
    world = Refunding(wechat=True)
    asked = sent(world)
    world.told(asked.channel_refund_no, RefundClosed())
    assert isinstance(world.settling.settle(asked, RefundClosed()), NothingToDo)
    assert world.only_row().generation == 2


def test_a_refund_is_accepted_once() -> None:
    world = Refunding(wechat=True)
    accepted = sent(world)
    world.clock.advance(minutes=5)
    assert isinstance(world.settling.settle(accepted, RefundAccepted()), NothingToDo)
    assert world.only_row().accepted_at == accepted.accepted_at


def test_a_number_that_was_given_up_and_is_back_after_all_stops_its_successor() -> None:
    world = Refunding(wechat=True)
    first = sent(world).channel_refund_no
    world.told(first, RefundClosed())
    assert world.told(first, done(300)) == RefundMoved("done")
    world.clock.advance(hours=1)
    world.run()
    assert list(world.platform.made) == [first]
    world.assert_i1()


def test_it_is_a_contradiction_once_its_successor_is_out() -> None:
    world = Refunding(wechat=True)
    first = sent(world).channel_refund_no
    world.told(first, RefundClosed())
    world.platform.finish(first, RefundClosed())
    world.clock.advance(hours=1)
    world.run()
    assert list(world.platform.made) == [first, f"{first}_2"]
    assert isinstance(world.told(first, done(300)), Contradiction)


def test_after_so_many_closings_a_person_must_look() -> None:
    world = Refunding(wechat=True)
    row = sent(world)
    for generation in range(1, MOST_GENERATIONS + 1):
        assert world.only_row().generation == generation
        number = world.only_row().channel_refund_no
        world.told(number, RefundClosed())
    assert world.row(row.out_refund_no).status == "manual"
    assert world.reports[-1] == "RefundsManual"
    world.assert_i1()


@pytest.mark.parametrize(
    "verdict", [RefundAbnormal("card cancelled"), RefundRefused("OVER_A_YEAR", is_final=True)]
)
def test_what_the_platform_cannot_do_needs_a_person(verdict: RefundVerdict) -> None:
    world = Refunding(wechat=True)
    number = sent(world).channel_refund_no
    assert world.told(number, verdict) == RefundMoved("manual")
    assert world.reports == ["RefundsManual"]
    assert world.only_row().last_answer in ("card cancelled", "OVER_A_YEAR")
    world.told(number, done(300))
    assert world.only_row().status == "done"
    world.assert_i1()


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        (RefundNotThere(), "owed"),
        (RefundRefused("NO_MONEY", is_final=False), "owed"),
        (RefundUnknown("time-out"), "sent"),
    ],
)
def test_what_is_not_decided_is_tried_again_after_longer_and_longer(
    verdict: RefundVerdict, status: str
) -> None:
    world = Refunding()
    row = sent(world)
    pauses = []
    for _ in range(4):
        world.settling.settle(row, verdict)
        after = world.only_row()
        assert (after.status, after.generation) == (status, 1)
        assert after.next_try_at is not None
        pauses.append((after.next_try_at - world.clock.now()).total_seconds())
    assert pauses == sorted(pauses)
    assert pauses[-1] == 300
    assert set(world.reports) == {"RefundsRetried"}
    world.assert_i1()


def test_a_refund_of_the_portal_is_seen_once() -> None:
    world = Refunding(wechat=True)
    world.ask(300)
    assert world.told("portal-1", done(200)) == RefundSeen()
    assert world.told("portal-1", done(200)) == AlreadySettled()
    assert {(row.kind, row.amount_fen, row.status) for row in world.rows} == {
        ("on_demand", 100, "owed"),
        ("external", 200, "done"),
    }
    assert world.reports == ["RefundsRequested", "RefundsSeen"]
    world.assert_i1()


def test_a_portal_refund_of_everything_refunds_the_order() -> None:
    world = Refunding(wechat=True)
    world.told("portal-1", done(PRICE))
    assert world.order.status is OrderStatus.REFUNDED
    assert world.order.revoked_by == world.only_row().out_refund_no
    world.assert_i1()


def test_a_portal_refund_that_is_not_done_is_nothing_yet() -> None:
    world = Refunding(wechat=True)
    assert isinstance(world.told("portal-1", RefundAccepted(), 200), NothingToDo)
    assert world.rows == ()


def test_more_than_was_paid_cannot_be_back() -> None:
    world = Refunding(wechat=True)
    assert isinstance(world.told("portal-1", done(PRICE + 1)), Contradiction)
    assert world.rows == ()


def test_a_refund_of_a_payment_that_we_do_not_know_shall_be_told_again() -> None:
    world = Refunding(wechat=True)
    world.store.records[PAY_NO] = a_pay_record(version=1)
    with pytest.raises(NotifyUnusable):
        world.told("portal-1", done(200))


def test_the_portals_share_is_known_when_our_own_refund_is_back() -> None:
    world = Refunding()
    row = sent(world, 300)
    world.told_back(500)
    assert world.record.refunded_fen == 0
    world.settling.settle(row, done(300))
    assert {(each.kind, each.amount_fen) for each in world.rows} == {
        ("on_demand", 300),
        ("external", 200),
    }
    assert world.record.refunded_fen == 500
    world.assert_i1()


def test_what_the_portal_paid_is_not_sent_again_when_our_request_was_lost() -> None:
    world = Refunding()
    row = sent(world, 300, revoke=True)
    world.told_back(300)
    world.settling.settle(row, RefundNotThere())
    assert world.row(row.out_refund_no).status == "released"
    assert world.record.refunded_fen == 300
    assert world.order.revoked_by == f"{PAY_NO}_external_300"
    world.assert_i1()


def test_another_writer_in_between_is_read_and_decided_again() -> None:
    world = Refunding(wechat=True)
    row = sent(world)

    def the_portal_is_faster() -> None:
        world.store.before_commit = lambda: None
        world.told("portal-1", done(690))

    world.store.before_commit = the_portal_is_faster
    world.told(row.channel_refund_no, done(300))
    assert world.record.status is PayStatus.REFUNDED
    world.assert_i1()
