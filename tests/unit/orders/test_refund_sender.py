"""The job that pays back: what goes out, when, how often, and what it must not do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.money import Fen
from chalicelib.orders.model import OrderStatus, SurplusReason
from chalicelib.orders.refunds.sender import Sent
from chalicelib.orders.verdict import (
    NotThereYet,
    RefundAbnormal,
    RefundClosed,
    RefundDone,
    RefundRefused,
)
from tests.fakes.refund_platform import Made
from tests.unit.orders.refunding import POLICY, PRICE, Refunding

SURPLUS = SurplusReason.SECOND_PAYMENT


def requests(world: Refunding) -> list[str]:
    return [call for call in world.platform.calls if call.startswith("refund ")]


def test_what_is_owed_is_paid_back() -> None:
    world = Refunding()
    number = world.ask(300).out_refund_no
    assert world.run() == Sent(looked_at=1, failed=0)
    assert (world.platform.back_fen, world.row(number).status) == (300, "done")
    assert "RefundsOwed" in world.reports
    assert world.reports.count("RefundsDone") == 1
    world.run()
    assert requests(world) == [f"refund {number}"]
    world.assert_i1()


def test_wechat_accepts_first_and_is_asked_until_it_is_done() -> None:
    world = Refunding(wechat=True)
    number = world.ask().out_refund_no
    world.run()
    assert (world.row(number).status, world.record.refunded_fen) == ("sent", 0)
    assert world.order.revoked_by == number
    world.platform.finish(number)
    world.run_until_quiet()
    assert world.order.status is OrderStatus.REFUNDED
    assert requests(world) == [f"refund {number}"]
    world.assert_i1()


def test_nothing_goes_out_before_it_is_approved() -> None:
    world = Refunding(approval_above=500)
    number = world.ask(600).out_refund_no
    assert world.run() == Sent(looked_at=0, failed=0)
    world.desk.approve(number, "operator-2")
    world.run()
    assert world.platform.back_fen == 600


def test_a_request_that_got_lost_is_sent_again_with_the_same_words() -> None:
    world = Refunding()
    number = world.ask(300).out_refund_no
    world.platform.loses_requests = 1
    world.run_until_quiet()
    assert requests(world) == [f"refund {number}"] * 2
    assert (world.platform.back_fen, world.platform.broken_rules) == (300, [])
    world.assert_i1()


def test_a_refund_whose_answer_got_lost_is_asked_about_and_not_sent_again() -> None:
    world = Refunding()
    number = world.ask(300).out_refund_no
    world.platform.loses_answers = 1
    world.run_until_quiet()
    assert requests(world) == [f"refund {number}"]
    assert world.row(number).status == "done"
    world.assert_i1()


def test_a_platform_that_is_silent_gets_nothing_and_is_asked_again_later() -> None:
    world = Refunding()
    number = world.ask(300).out_refund_no
    world.platform.is_silent = True
    assert world.run() == Sent(looked_at=1, failed=1)
    assert (world.row(number).status, requests(world)) == ("owed", [])
    assert world.run() == Sent(looked_at=0, failed=0)
    world.platform.is_silent = False
    world.run_until_quiet()
    assert world.platform.back_fen == 300


def test_a_payment_that_the_platform_does_not_know_is_not_paid_back() -> None:
    world = Refunding()
    world.ask(300)
    world.platform.query = lambda *_: NotThereYet()  # type: ignore[method-assign,assignment]
    assert world.run() == Sent(looked_at=1, failed=0)
    assert world.run() == Sent(looked_at=0, failed=0)
    assert (world.only_row().status, requests(world)) == ("owed", [])


@pytest.mark.parametrize("other", [{"channel_trade_no": "T2"}, {"amount_fen": Fen(PRICE + 1)}])
def test_another_payment_than_ours_is_not_paid_back(other: dict[str, object]) -> None:
    world = Refunding()
    world.ask(300)
    assert world.platform.paid is not None
    world.platform.paid = replace(world.platform.paid, **other)  # type: ignore[arg-type]
    world.run()
    assert (world.only_row().status, requests(world)) == ("owed", [])
    assert "ContradictingVerdicts" in world.reports


def test_what_the_portal_paid_meanwhile_is_not_paid_again() -> None:
    world = Refunding()
    number = world.ask(300).out_refund_no
    world.platform.pay_back_in_portal(200)
    world.run()
    assert world.platform.back_fen == 300
    assert (world.row(number).amount_fen, world.row(number).status) == (100, "done")
    world.assert_i1()


def test_when_the_portal_paid_all_of_it_nothing_goes_out() -> None:
    world = Refunding()
    number = world.ask(revoke=True).out_refund_no
    world.platform.pay_back_in_portal(PRICE)
    world.run()
    assert (world.row(number).status, requests(world)) == ("released", [])
    assert world.order.status is OrderStatus.REFUNDED
    world.assert_i1()


def test_money_that_nobody_can_account_for_holds_the_next_refund_back() -> None:
    world = Refunding()
    first = world.ask(300).out_refund_no
    world.platform.loses_answers = 1
    world.run()
    second = world.ask(300, key="k2").out_refund_no
    world.run()
    assert world.row(second).status == "owed"
    world.run_until_quiet()
    assert requests(world) == [f"refund {first}", f"refund {second}"]
    assert world.platform.back_fen == 600
    world.assert_i1()


def test_two_refunds_of_a_wechat_payment_lie_a_minute_apart() -> None:
    world = Refunding(wechat=True)
    first, second = world.ask(300).out_refund_no, world.ask(300, key="k2").out_refund_no
    world.run()
    gap = timedelta(seconds=POLICY.least_gap_seconds)
    waiting = {world.row(first).next_try_at, world.row(second).next_try_at}
    assert len(world.platform.made) == 1
    assert world.clock.now() + gap in waiting
    world.clock.advance(seconds=POLICY.least_gap_seconds)
    world.run()
    assert len(world.platform.made) == 2
    assert world.platform.broken_rules == []


def test_a_refund_that_wechat_closed_goes_out_under_its_next_number() -> None:
    world = Refunding(wechat=True)
    number = world.ask(300).out_refund_no
    world.run()
    world.platform.finish(number, RefundClosed())
    world.clock.advance(minutes=10)
    world.run()
    world.clock.advance(minutes=10)
    world.run()
    assert requests(world) == [f"refund {number}", f"refund {number}_2"]
    world.platform.finish(f"{number}_2")
    world.run_until_quiet()
    assert world.record.refunded_fen == world.platform.back_fen == 300
    world.assert_i1()


def test_what_needs_a_person_is_looked_at_now_and_then_and_never_sent() -> None:
    world = Refunding(wechat=True)
    number = world.ask(300).out_refund_no
    world.run()
    world.platform.finish(number, RefundAbnormal("card cancelled"))
    world.run_until_quiet()
    assert world.row(number).status == "manual"
    world.clock.advance(hours=6)
    world.run()
    assert world.reports.count("RefundsManual") == 2
    world.platform.finish(number)
    world.clock.advance(hours=6)
    world.run()
    assert world.row(number).status == "done"
    assert requests(world) == [f"refund {number}"]
    world.assert_i1()


def test_a_refusal_for_now_is_tried_again_and_one_for_good_is_not() -> None:
    world = Refunding()
    number = world.ask(300).out_refund_no
    world.platform.refuses = RefundRefused("NO_MONEY", is_final=False)
    world.run()
    assert (world.row(number).status, world.row(number).last_answer) == ("owed", "NO_MONEY")
    world.platform.refuses = RefundRefused("TRADE_HAS_FINISHED", is_final=True)
    world.clock.advance(hours=1)
    world.run()
    assert world.row(number).status == "manual"
    world.platform.refuses = None
    world.clock.advance(days=1)
    world.run()
    assert world.platform.back_fen == 0
    world.assert_i1()


def test_a_manual_refund_that_was_paid_in_the_portal_is_settled() -> None:
    world = Refunding()
    world.platform.refuses = RefundRefused("TRADE_HAS_FINISHED", is_final=True)
    number = world.ask(300).out_refund_no
    world.run()
    world.platform.pay_back_in_portal(300)
    world.clock.advance(hours=6)
    world.run()
    assert (world.row(number).status, world.record.refunded_fen) == ("released", 300)
    world.assert_i1()


def test_a_manual_refund_that_the_platform_made_after_all_is_not_taken_for_the_portals() -> None:
    world = Refunding()
    world.platform.refuses = RefundRefused("TRADE_HAS_FINISHED", is_final=True)
    number = world.ask(300).out_refund_no
    world.run()
    done = RefundDone(amount_fen=Fen(300), refunded_at=world.clock.now())
    world.platform.made[number] = Made(300, done)
    world.clock.advance(hours=6)
    world.run()
    assert [(row.out_refund_no, row.status) for row in world.rows] == [(number, "done")]
    assert "ContradictingVerdicts" not in world.reports
