"""Asking Alipay for a refund: done, refused for good or for now, or unknown; never raised."""

from __future__ import annotations

import pytest

from chalicelib.money import Fen
from chalicelib.orders.alipay.channel import AlipayChannel
from chalicelib.orders.verdict import RefundDone, RefundRefused, RefundUnknown, RefundVerdict
from tests.builders import PAY_NO, AlipayPeer, a_pay_record
from tests.fakes.clock import START
from tests.unit.orders.alipay.answers import (
    BACK_AT,
    REFUND_NO,
    a_refund,
    found,
    nothing_found,
    paid_record,
    refunded,
    refusal,
    soon,
)
from tests.unit.orders.alipay.gateway import Gateway, whole

METHOD = "alipay_trade_refund"
DONE = RefundDone(amount_fen=Fen(450), refunded_at=BACK_AT)


def asked(channel: AlipayChannel, **changes: object) -> RefundVerdict:
    return channel.refund(paid_record(), a_refund(**changes), soon())


def test_money_that_moved_is_back(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer
) -> None:
    gateway.says(refunded(peer))

    assert asked(asking) == DONE
    assert gateway.methods == ["alipay.trade.refund"]


def test_the_request_says_what_goes_back_under_which_number(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer
) -> None:
    gateway.says(refunded(peer))
    asked(asking)

    (request,) = gateway.requests
    assert peer.merchant_signed(request)
    assert "notify_url" not in request
    assert gateway.content() == {
        "out_trade_no": PAY_NO,
        "refund_amount": "4.50",
        "refund_reason": "课程有变",
        "out_request_no": REFUND_NO,
    }


def test_the_same_refund_asks_with_the_same_words(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer
) -> None:
    gateway.says(refunded(peer))
    asked(asking)
    asked(asking, tries=3, generation=1)

    assert gateway.content(0) == gateway.content(1)


def test_another_generation_asks_under_another_number(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer
) -> None:
    gateway.says(refunded(peer))
    asked(asking, generation=2)

    assert gateway.content()["out_request_no"] == f"{REFUND_NO}_2"


@pytest.mark.parametrize(
    ("reason", "sent"),
    [("退 A/B = &\n款", "退 A／B ＝ ＆ 款"), ("长" * 300, "长" * 256), (" ", None)],
)
def test_the_reason_has_nothing_that_alipay_refuses(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer, reason: str, sent: str | None
) -> None:
    gateway.says(refunded(peer))
    asked(asking, reason=reason)

    assert gateway.content().get("refund_reason") == sent


def test_the_answer_tells_the_sum_of_all_refunds_and_not_this_one(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer
) -> None:
    gateway.says(refunded(peer, refund_fee="9.90"))

    assert asked(asking) == DONE


@pytest.mark.parametrize("told", ["", "yesterday", "0001-01-01 00:00:00"])
def test_a_refund_whose_time_is_not_told_happened_now(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer, told: str
) -> None:
    gateway.says(refunded(peer, gmt_refund_pay=told))

    assert asked(asking) == RefundDone(amount_fen=Fen(450), refunded_at=START)


class TestNotCertain:
    @pytest.mark.parametrize(
        "changes",
        [
            {"fund_change": "N"},
            {"fund_change": ""},
            {"fund_change": "y"},
            {"refund_fee": "4.49"},
            {"refund_fee": "much"},
            {"refund_fee": ""},
        ],
    )
    def test_a_success_that_leaves_doubt_is_confirmed_by_a_query(
        self, asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer, changes: dict[str, str]
    ) -> None:
        gateway.says(refunded(peer, **changes), found(peer))

        assert asked(asking) == DONE
        assert gateway.methods == ["alipay.trade.refund", "alipay.trade.fastpay.refund.query"]
        assert gateway.content(1)["out_request_no"] == REFUND_NO

    def test_not_found_so_soon_is_not_yet_a_no(
        self, asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer
    ) -> None:
        gateway.says(refunded(peer, fund_change="N"), nothing_found(peer))

        assert isinstance(asked(asking), RefundUnknown)

    def test_a_query_that_fails_leaves_it_unknown(
        self, asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer
    ) -> None:
        gateway.says(refunded(peer, fund_change="N"), "<html>")

        assert isinstance(asked(asking), RefundUnknown)

    def test_a_query_that_gets_no_answer_in_time_leaves_it_unknown(
        self, asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer
    ) -> None:
        gateway.does(whole(refunded(peer, fund_change="N")), gateway.silence)

        assert isinstance(asking.refund(paid_record(), a_refund(), soon(0.5)), RefundUnknown)
        assert len(gateway.requests) == 2

    def test_nothing_is_asked_when_no_time_is_left(
        self, asking: AlipayChannel, gateway: Gateway
    ) -> None:
        assert isinstance(asking.refund(paid_record(), a_refund(), soon(0)), RefundUnknown)
        assert gateway.requests == []

    @pytest.mark.parametrize("about", ["150000000000000002", ""])
    def test_an_answer_about_another_trade_is_unknown(
        self, asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer, about: str
    ) -> None:
        gateway.says(refunded(peer, out_trade_no=about))

        assert isinstance(asked(asking), RefundUnknown)
        assert len(gateway.requests) == 1

    def test_a_payment_of_another_app_is_not_asked_about(
        self, asking: AlipayChannel, gateway: Gateway
    ) -> None:
        record = a_pay_record(app_id="2021999999999999")

        assert isinstance(asking.refund(record, a_refund(), soon()), RefundUnknown)
        assert gateway.requests == []


class TestRefused:
    @pytest.mark.parametrize(
        ("code", "sub_code"),
        [
            ("40004", "ACQ.SELLER_BALANCE_NOT_ENOUGH"),
            ("40004", "ACQ.REASON_TRADE_BEEN_FREEZEN"),
            ("40004", "ACQ.REFUND_CHARGE_ERROR"),
            ("40001", "isv.missing-timestamp"),
            ("40002", "isv.invalid-signature"),
            ("40006", "isv.insufficient-isv-permissions"),
        ],
    )
    def test_what_may_pass_is_asked_for_again(
        self, asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer, code: str, sub_code: str
    ) -> None:
        gateway.says(refusal(peer, code, sub_code, method=METHOD))

        assert asked(asking) == RefundRefused(f"{code} {sub_code}", is_final=False)

    @pytest.mark.parametrize(
        "sub_code",
        [
            "ACQ.TRADE_HAS_FINISHED",
            "ACQ.TRADE_HAS_CLOSE",
            "ACQ.TRADE_NOT_EXIST",
            "ACQ.TRADE_STATUS_ERROR",
            "ACQ.TRADE_NOT_ALLOW_REFUND",
            "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL",
            "ACQ.REASON_TRADE_REFUND_FEE_ERR",
            "ACQ.DISCORDANT_REPEAT_REQUEST",
            "ACQ.INVALID_PARAMETER",
        ],
    )
    def test_what_the_same_words_cannot_mend_is_final(
        self, asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer, sub_code: str
    ) -> None:
        gateway.says(refusal(peer, "40004", sub_code, method=METHOD))

        assert asked(asking) == RefundRefused(f"40004 {sub_code}", is_final=True)

    @pytest.mark.parametrize(
        ("code", "sub_code"),
        [
            ("20000", "isp.unknow-error"),
            ("20000", "aop.ACQ.SYSTEM_ERROR"),
            ("40004", "ACQ.SYSTEM_ERROR"),
            ("40004", "AQC.SYSTEM_ERROR"),
            ("40004", "ACQ.A_CODE_OF_TOMORROW"),
            ("10003", ""),
            ("", ""),
        ],
    )
    def test_trouble_and_unheard_of_codes_are_unknown(
        self, asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer, code: str, sub_code: str
    ) -> None:
        gateway.says(refusal(peer, code, sub_code, method=METHOD))

        assert asked(asking) == RefundUnknown(f"{code} {sub_code}".strip())

    def test_a_refusal_of_another_trade_is_unknown(
        self, asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer
    ) -> None:
        other = {"out_trade_no": "150000000000000002"}
        gateway.says(refusal(peer, "40004", "ACQ.TRADE_HAS_CLOSE", method=METHOD, **other))

        assert isinstance(asked(asking), RefundUnknown)
