"""I1: whatever operators, the portal, the platform and the job do, in whatever order.

The platform of these tests is honest and forgetful: it loses requests and answers, and tells late,
twice or never. What is with the payer in the end must be what our books say.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chalicelib.errors import RefundNotPossible
from chalicelib.money import Fen
from chalicelib.orders.model import RefundKind, RefundStatus, SurplusReason
from chalicelib.orders.verdict import RefundAbnormal, RefundAccepted, RefundClosed, RefundDone
from tests.unit.orders.refunding import PRICE, SUPERVISOR, Refunding

AMOUNTS = st.sampled_from([1, 90, 300, 450, 690, PRICE])
SECONDS = st.sampled_from([0, 30, 65, 600, 7_200, 90_000])


class MoneyBack(RuleBasedStateMachine):
    """One payment, and everything that may happen to it."""

    wechat = False
    surplus: SurplusReason | None = None

    def __init__(self) -> None:
        super().__init__()
        self.world = Refunding(wechat=self.wechat, surplus=self.surplus, approval_above=400)
        self.asked = 0
        self.portal_notices: list[tuple[str, RefundDone]] = []

    @rule(amount=AMOUNTS | st.none(), revoke=st.booleans() | st.none())
    def ask(self, amount: int | None, revoke: bool | None) -> None:
        self.asked += 1
        with suppress(RefundNotPossible):
            self.world.ask(amount, key=f"k{self.asked}", revoke=revoke)

    @rule(pick=st.randoms(use_true_random=False), yes=st.booleans())
    def decide(self, pick: Any, yes: bool) -> None:
        waiting = self._rows(RefundStatus.AWAITING_APPROVAL)
        if waiting:
            decision = self.world.desk.approve if yes else self.world.desk.reject
            decision(pick.choice(waiting), SUPERVISOR)

    @rule(seconds=SECONDS)
    def run_the_job(self, seconds: int) -> None:
        self.world.clock.advance(seconds=seconds)
        self.world.run()

    @rule(requests=st.integers(0, 2), answers=st.integers(0, 2))
    def lose(self, requests: int, answers: int) -> None:
        self.world.platform.loses_requests = requests
        self.world.platform.loses_answers = answers

    @rule(silent=st.booleans())
    def fall_silent_or_speak(self, silent: bool) -> None:
        self.world.platform.is_silent = silent

    @rule(amount=AMOUNTS)
    def pay_back_in_the_portal(self, amount: int) -> None:
        platform = self.world.platform
        if platform.pay_back_in_portal(amount):
            done = RefundDone(amount_fen=Fen(amount), refunded_at=self.world.clock.now())
            self.portal_notices.append((f"portal-{len(self.portal_notices)}", done))

    @precondition(lambda self: self.wechat and self.portal_notices)
    @rule(pick=st.randoms(use_true_random=False))
    def tell_of_the_portal(self, pick: Any) -> None:
        self.world.told(*pick.choice(self.portal_notices))

    @precondition(lambda self: not self.wechat)
    @rule(share=st.sampled_from([0.0, 0.5, 1.0]))
    def tell_what_is_back_now_or_was_once(self, share: float) -> None:
        self.world.told_back(int(self.world.platform.back_fen * share))

    @precondition(lambda self: self.wechat)
    @rule(pick=st.randoms(use_true_random=False), tell=st.booleans())
    def finish(self, pick: Any, tell: bool) -> None:
        made = self.world.platform.made
        open_ones = [n for n, m in made.items() if isinstance(m.verdict, RefundAccepted)]
        if open_ones:
            number = pick.choice(open_ones)
            ends = [None, None, RefundClosed(), RefundAbnormal("card cancelled")]
            self.world.platform.finish(number, pick.choice(ends))
            if tell:
                self.world.told(number, made[number].verdict)

    @precondition(lambda self: self.wechat and self.world.platform.made)
    @rule(pick=st.randoms(use_true_random=False))
    def tell_of_a_refund_again(self, pick: Any) -> None:
        number = pick.choice(sorted(self.world.platform.made))
        self.world.told(number, self.world.platform.made[number].verdict)

    def _rows(self, *status: RefundStatus) -> list[str]:
        return [row.out_refund_no for row in self.world.rows if row.status in status]

    @invariant()
    def books_are_right(self) -> None:
        self.world.assert_i1()
        assert self.world.record.refunded_fen <= self.world.platform.back_fen
        assert self.world.platform.broken_rules == []
        assert self.world.unforeseen == []
        assert "ContradictingVerdicts" not in self.world.reports

    def teardown(self) -> None:
        """Everybody has told everything, and the job has had its time."""
        world, platform = self.world, self.world.platform
        platform.is_silent, platform.loses_requests, platform.loses_answers = False, 0, 0
        for _ in range(8):
            for number, made in platform.made.items():
                if isinstance(made.verdict, RefundAccepted):
                    platform.finish(number)
            for notice in self.portal_notices if self.wechat else ():
                world.told(*notice)
            if not self.wechat:
                world.told_back(platform.back_fen)
            world.clock.advance(days=1)
            world.run()
        self.books_are_right()
        assert self._rows(RefundStatus.OWED, RefundStatus.SENT) == []
        assert world.record.refunded_fen == platform.back_fen
        ours = [r for r in world.rows if r.kind is not RefundKind.EXTERNAL]
        for row in ours:
            ended = {RefundStatus.DONE, RefundStatus.MANUAL, RefundStatus.RELEASED}
            assert row.status in ended or row.status is RefundStatus.AWAITING_APPROVAL


class OfAlipay(MoneyBack):
    pass


class OfWeChat(MoneyBack):
    wechat = True


class OfASurplus(MoneyBack):
    surplus = SurplusReason.SECOND_PAYMENT


@pytest.mark.parametrize("machine", [OfAlipay, OfWeChat, OfASurplus])
def test_i1_paid_is_kept_plus_refunded_plus_owed_whatever_happens(
    machine: type[MoneyBack],
) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=60,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
