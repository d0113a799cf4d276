"""Refunds and bills of our WeChat channel, against the simulated WeChat."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.clock import BEIJING
from chalicelib.errors import ChannelRefused
from chalicelib.orders.platform import RefundNotice
from chalicelib.orders.verdict import (
    Paid,
    RefundAbnormal,
    RefundAccepted,
    RefundClosed,
    RefundDone,
    RefundNotThere,
    RefundRefused,
    RefundVerdict,
)
from tests.integration.simulators.merchant import until
from tests.integration.simulators.wechat.channel.purchase import (
    PAY_NO,
    Purchase,
    soon,
)
from tests.integration.simulators.wechat.merchant import (
    WechatMerchant,
)


class TestPayingBack:
    def test_a_payment_goes_back_in_parts_and_then_in_full(self, purchase: Purchase) -> None:
        purchase.pay()
        purchase.heard()
        channel, record = purchase.channel, purchase.record

        for refund in (purchase.refund(450, "r1"), purchase.refund(540, "r2")):
            assert channel.query_refund(record, refund, soon()) == RefundNotThere()
            assert channel.refund(record, refund, soon()) == RefundAccepted()
            done = ended(purchase, refund)
            assert isinstance(done, RefundDone)
            assert done.amount_fen == refund.amount_fen
            assert channel.refund(record, refund, soon()) == done  # the same words, the same refund
            notify = purchase.heard()
            assert (notify.pay_no, notify.app_id) == (PAY_NO, None)
            assert notify.tells == RefundNotice(
                channel_refund_no=refund.channel_refund_no,
                amount_fen=refund.amount_fen,
                verdict=done,
            )
            verdict = purchase.query()
            assert isinstance(verdict, Paid)
            assert verdict.has_refunds
            purchase.clock.ahead += timedelta(seconds=61)

        too_much = channel.refund(record, purchase.refund(1, "r3"), soon())
        assert too_much == RefundRefused("INVALID_REQUEST", is_final=True)

    @pytest.mark.parametrize(
        ("status", "verdict"),
        [("CLOSED", RefundClosed()), ("ABNORMAL", RefundAbnormal("ABNORMAL"))],
    )
    def test_a_refund_that_fails_is_told_by_query_and_notification(
        self,
        purchase: Purchase,
        school: WechatMerchant,
        status: str,
        verdict: RefundVerdict,
    ) -> None:
        purchase.pay()
        purchase.heard()
        school.control("/refund-outcomes", {"outcome": "PROCESSING"})
        refund = purchase.refund()
        purchase.channel.refund(purchase.record, refund, soon())
        school.control(f"/refunds/{refund.channel_refund_no}/end", {"status": status})

        assert purchase.channel.query_refund(purchase.record, refund, soon()) == verdict
        told = purchase.heard().tells
        assert isinstance(told, RefundNotice)
        assert told.verdict == verdict

    def test_a_refund_that_was_closed_goes_out_under_its_next_number(
        self, purchase: Purchase, school: WechatMerchant
    ) -> None:
        purchase.pay()
        school.control("/refund-outcomes", {"outcome": "CLOSED"})
        first = purchase.refund()
        purchase.channel.refund(purchase.record, first, soon())
        assert ended(purchase, first) == RefundClosed()
        purchase.clock.ahead += timedelta(seconds=61)
        second = replace(first, generation=2)

        assert purchase.channel.refund(purchase.record, second, soon()) == RefundAccepted()
        assert isinstance(ended(purchase, second), RefundDone)

    def test_what_may_pass_is_no_final_refusal(
        self, purchase: Purchase, school: WechatMerchant
    ) -> None:
        purchase.pay()
        channel, record = purchase.channel, purchase.record
        school.control("/refund-outcomes", {"outcome": "NOT_ENOUGH"})

        poor = channel.refund(record, purchase.refund(), soon())
        accepted = channel.refund(record, purchase.refund(), soon())
        too_soon = channel.refund(record, purchase.refund(100, "r2"), soon())

        assert poor == RefundRefused("NOT_ENOUGH", is_final=False)
        assert accepted == RefundAccepted()
        assert too_soon == RefundRefused("FREQUENCY_LIMITED", is_final=False)


class TestTheBill:
    def test_it_names_what_was_paid_and_what_went_back(self, purchase: Purchase) -> None:
        paid = purchase.pay()
        refund = purchase.refund()
        purchase.channel.refund(purchase.record, refund, soon())
        day = purchase.clock.now().astimezone(BEIJING).date()
        with pytest.raises(ChannelRefused, match="STATEMENT_CREATING"):
            purchase.channel.download_bill(day, soon())
        purchase.clock.ahead += timedelta(days=2)

        bill = purchase.channel.download_bill(day, soon()).decode("utf-8-sig")

        assert f"`{paid.channel_trade_no},`{PAY_NO}," in bill
        assert f"`{refund.channel_refund_no}," in bill

    def test_a_day_without_business_has_none(self, purchase: Purchase) -> None:
        day = purchase.clock.now().astimezone(BEIJING).date() - timedelta(days=3)

        with pytest.raises(ChannelRefused, match="NO_STATEMENT_EXIST"):
            purchase.channel.download_bill(day, soon())


def ended(purchase: Purchase, refund: Any) -> RefundVerdict:
    """What the refund came to."""

    def told() -> RefundVerdict:
        return purchase.channel.query_refund(purchase.record, refund, soon())

    until(lambda: told() != RefundAccepted())
    return told()
