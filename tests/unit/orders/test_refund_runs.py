"""Runs of the job that pays back: the quota of a day, two runs at once, and what goes wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from chalicelib.clock import BEIJING
from chalicelib.deadline import Deadline
from chalicelib.errors import Unavailable
from chalicelib.money import Fen
from chalicelib.orders.model import PayChannel, PayStatus, RefundStatus, SurplusReason
from chalicelib.orders.refunds.sender import Sent
from chalicelib.orders.verdict import RefundDone
from tests.builders import PAY_NO
from tests.unit.orders.refunding import POLICY, PRICE, Refunding

SURPLUS = SurplusReason.SECOND_PAYMENT


def requests(world: Refunding) -> list[str]:
    return [call for call in world.platform.calls if call.startswith("refund ")]


def test_a_surplus_goes_back_by_itself_and_means_nothing_for_the_order() -> None:
    world = Refunding(surplus=SURPLUS)
    before = world.order
    world.run()
    assert (world.platform.back_fen, world.record.status) == (PRICE, PayStatus.REFUNDED)
    assert world.order == before
    assert world.store.outbox == {}
    assert list(world.store.quotas.values()) == [(1, PRICE)]
    world.assert_i1()


def test_beyond_the_quota_of_a_day_automatic_refunds_wait_for_the_next() -> None:
    world = Refunding(surplus=SURPLUS, policy=replace(POLICY, daily_count=1))
    today = world.clock.now().astimezone(BEIJING).date()
    world.store.quotas[today] = (1, 0)
    world.run()
    assert (world.platform.back_fen, world.only_row().status) == (0, "owed")
    assert world.only_row().next_try_at == world.clock.now() + timedelta(hours=1)
    assert "AutomaticRefundsHeld" in world.reports
    world.run_until_quiet()
    assert world.clock.now().astimezone(BEIJING).isoformat() == "2026-03-02T00:00:00+08:00"
    assert world.platform.back_fen == PRICE


def test_a_refund_that_waits_for_the_next_day_is_tried_when_it_begins() -> None:
    world = Refunding(surplus=SURPLUS, policy=replace(POLICY, daily_fen=Fen(PRICE - 1)))
    world.clock.set(datetime(2026, 3, 1, 23, 30, tzinfo=BEIJING).astimezone(UTC))
    world.run()
    assert world.only_row().next_try_at == datetime(2026, 3, 1, 16, 0, tzinfo=UTC)


def test_the_quota_counts_a_refund_once_however_often_it_is_sent() -> None:
    world = Refunding(surplus=SURPLUS, policy=replace(POLICY, daily_count=1))
    world.platform.loses_requests = 3
    world.run_until_quiet()
    assert world.platform.back_fen == PRICE
    assert list(world.store.quotas.values()) == [(1, PRICE)]


def test_what_an_operator_asked_for_needs_no_quota() -> None:
    world = Refunding(policy=replace(POLICY, daily_count=0))
    world.ask()
    world.run()
    assert (world.platform.back_fen, world.store.quotas) == (PRICE, {})


def test_two_runs_at_once_send_a_refund_once() -> None:
    world = Refunding()
    number = world.ask(300).out_refund_no

    def the_other_run() -> None:
        world.platform.at_call = lambda: None
        world.run()

    world.platform.at_call = the_other_run
    world.run()
    assert requests(world) == [f"refund {number}"]
    assert world.platform.back_fen == 300
    world.assert_i1()


def test_a_run_that_was_overtaken_sends_nothing() -> None:
    world = Refunding()
    number = world.ask(300).out_refund_no

    def the_other_run() -> None:
        world.platform.at_call = lambda: None
        world.platform.loses_answers = 1
        world.run()
        world.clock.advance(hours=1)

    world.platform.at_call = the_other_run
    world.run()
    assert (world.row(number).status, requests(world)) == ("sent", [f"refund {number}"])


def test_one_bad_row_stops_no_other_and_comes_later() -> None:
    world = Refunding()
    bad = world.ask(100).out_refund_no
    good = world.ask(200, key="k2").out_refund_no
    broken = replace(world.row(bad), pay_no="999", next_try_at=world.clock.now())
    world.store.refund_rows[bad] = broken
    assert world.run() == Sent(looked_at=2, failed=1)
    assert (world.row(good).status, world.unforeseen) == ("done", [bad])
    assert "RefundsFailed" in world.reports
    assert world.run() == Sent(looked_at=0, failed=0)


def test_a_store_that_fails_ends_nothing_but_that_refund() -> None:
    world = Refunding()
    world.ask(100)
    failures = [Unavailable(), Unavailable()]

    def fail() -> None:
        if failures:
            raise failures.pop()

    world.store.before_commit = fail
    assert world.run() == Sent(looked_at=1, failed=1)
    world.run_until_quiet()
    assert world.platform.back_fen == 100
    world.assert_i1()


def test_a_channel_that_is_no_longer_served_is_tried_again() -> None:
    world = Refunding()
    world.ask(100)
    world.store.records[PAY_NO] = replace(world.record, channel=PayChannel.WECHAT)
    assert world.run() == Sent(looked_at=1, failed=1)
    assert world.only_row().status == "owed"


def test_without_time_nothing_is_begun() -> None:
    world = Refunding()
    world.ask(100)
    assert world.sender.run(Deadline.after(5)) == Sent(looked_at=0, failed=0)
    assert world.platform.calls == []


def test_a_refund_that_the_portal_made_too_large_is_sent_for_what_is_left() -> None:
    world = Refunding(wechat=True, surplus=SurplusReason.SECOND_PAYMENT)
    world.platform.portal_fen = 100
    world.run()
    assert world.only_row().status is RefundStatus.MANUAL
    world.told("portal-1", RefundDone(amount_fen=Fen(100), refunded_at=world.clock.now()), 100)
    world.clock.advance(hours=6, seconds=1)
    world.run()
    (number,) = world.platform.made
    world.platform.finish(number)
    world.clock.advance(hours=6)
    world.run()

    assert world.platform.back_fen == PRICE
    world.assert_i1()
