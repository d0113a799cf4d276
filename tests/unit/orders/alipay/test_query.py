"""Asking Alipay about a payment: every answer that can be trusted is a verdict."""

from __future__ import annotations

import json
import time

import pytest

from chalicelib.deadline import Deadline
from chalicelib.errors import ChannelRefused, ChannelUnavailable
from chalicelib.money import Fen
from chalicelib.orders.verdict import (
    ClosedUnpaid,
    NotThereYet,
    Paid,
    StillOpen,
    Unknown,
    Verdict,
)
from tests.builders import APP_ID, PAY_NO, AlipayPeer, a_pay_record, an_alipay_channel
from tests.fakes.clock import START
from tests.unit.orders.alipay.answers import PAID, PAID_AT, refusal
from tests.unit.orders.alipay.gateway import Gateway


def asked(gateway: Gateway, seconds: float = 10) -> Verdict:
    return an_alipay_channel(gateway_url=gateway.url).query(
        a_pay_record(app_id=APP_ID), Deadline.after(seconds)
    )


class TestVerdicts:
    def test_a_paid_trade_is_paid(self, gateway: Gateway, peer: AlipayPeer) -> None:
        gateway.says(peer.trade_answer())

        assert asked(gateway) == PAID

    def test_the_question_is_signed_and_stamped_with_beijing_time(
        self, gateway: Gateway, peer: AlipayPeer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gateway.says(peer.trade_answer())
        with monkeypatch.context() as patch:
            patch.setenv("TZ", "America/New_York")
            time.tzset()
            asked(gateway)
        time.tzset()

        (request,) = gateway.requests
        assert peer.merchant_signed(request)
        assert request["method"] == "alipay.trade.query"
        assert request["timestamp"] == "2026-03-01 12:00:00"
        assert json.loads(request["biz_content"]) == {"out_trade_no": PAY_NO}
        assert "notify_url" not in request

    @pytest.mark.parametrize(
        ("changes", "refunded"),
        [
            ({"trade_status": "TRADE_FINISHED"}, 0),
            ({"refund_fee": "4.50"}, 450),
            ({"trade_status": "TRADE_CLOSED"}, 990),
        ],
    )
    def test_a_payment_tells_what_went_back(
        self, gateway: Gateway, peer: AlipayPeer, changes: dict[str, str], refunded: int
    ) -> None:
        gateway.says(peer.trade_answer(**changes))

        verdict = asked(gateway)

        assert isinstance(verdict, Paid)
        assert (verdict.back_fen, verdict.paid_at) == (Fen(refunded), PAID_AT)

    def test_a_payment_whose_time_is_not_told_happened_before_now(
        self, gateway: Gateway, peer: AlipayPeer
    ) -> None:
        gateway.says(peer.trade_answer(without=("send_pay_date",)))

        verdict = asked(gateway)

        assert isinstance(verdict, Paid)
        assert verdict.paid_at == START

    def test_another_amount_is_handed_on(self, gateway: Gateway, peer: AlipayPeer) -> None:
        gateway.says(peer.trade_answer(total_amount="0.01"))

        verdict = asked(gateway)

        assert isinstance(verdict, Paid)
        assert verdict.amount_fen == Fen(1)

    @pytest.mark.parametrize(
        ("status", "verdict"),
        [("TRADE_CLOSED", ClosedUnpaid()), ("WAIT_BUYER_PAY", StillOpen())],
    )
    def test_a_trade_that_nobody_paid(
        self, gateway: Gateway, peer: AlipayPeer, status: str, verdict: Verdict
    ) -> None:
        gateway.says(peer.trade_answer(trade_status=status, without=("send_pay_date",)))

        assert asked(gateway) == verdict

    @pytest.mark.parametrize(
        "changes",
        [
            {"trade_status": "TRADE_PENDING"},
            {"trade_status": ""},
            {"total_amount": "much"},
            {"trade_no": ""},
            {"send_pay_date": "yesterday"},
        ],
    )
    def test_an_answer_that_cannot_be_read_is_unknown(
        self, gateway: Gateway, peer: AlipayPeer, changes: dict[str, str]
    ) -> None:
        gateway.says(peer.trade_answer(**changes))

        assert isinstance(asked(gateway), Unknown)

    @pytest.mark.parametrize("more", [{}, {"out_trade_no": PAY_NO}])
    def test_a_trade_that_alipay_does_not_know_is_not_there_yet(
        self, gateway: Gateway, peer: AlipayPeer, more: dict[str, str]
    ) -> None:
        gateway.says(refusal(peer, "40004", "ACQ.TRADE_NOT_EXIST", **more))

        assert asked(gateway) == NotThereYet()


class TestBracesInStrings:
    @pytest.mark.parametrize("text", ["{", "}", "}}{", '\\"}', "\\\\", "{课程}", "alipay_}"])
    def test_a_genuine_answer_is_believed(
        self, gateway: Gateway, peer: AlipayPeer, text: str
    ) -> None:
        gateway.says(peer.trade_answer(subject=text))

        assert asked(gateway) == PAID

    def test_a_changed_answer_is_not(self, gateway: Gateway, peer: AlipayPeer) -> None:
        gateway.says(peer.trade_answer(subject="}").replace('"9.90"', '"0.90"'))

        with pytest.raises(ChannelUnavailable):
            asked(gateway)


class TestRefusals:
    @pytest.mark.parametrize(
        ("code", "sub_code"),
        [
            ("20000", "isp.unknow-error"),
            ("20000", "aop.ACQ.SYSTEM_ERROR"),
            ("40004", "ACQ.SYSTEM_ERROR"),
        ],
    )
    def test_trouble_at_alipay_is_unknown(
        self, gateway: Gateway, peer: AlipayPeer, code: str, sub_code: str
    ) -> None:
        gateway.says(refusal(peer, code, sub_code))

        with pytest.raises(ChannelUnavailable, match=sub_code):
            asked(gateway)

    @pytest.mark.parametrize(
        ("code", "sub_code"),
        [("40002", "isv.invalid-app-id"), ("40004", "ACQ.INVALID_PARAMETER"), ("40006", "isv.x")],
    )
    def test_a_signed_refusal_is_a_refusal(
        self, gateway: Gateway, peer: AlipayPeer, code: str, sub_code: str
    ) -> None:
        gateway.says(refusal(peer, code, sub_code))

        with pytest.raises(ChannelRefused, match=sub_code):
            asked(gateway)


class TestAnotherTrade:
    @pytest.mark.parametrize("about", ["150000000000000002", ""])
    def test_an_answer_about_another_trade_is_no_verdict(
        self, gateway: Gateway, peer: AlipayPeer, about: str
    ) -> None:
        gateway.says(peer.trade_answer(out_trade_no=about))

        with pytest.raises(ChannelUnavailable, match=PAY_NO):
            asked(gateway)

    def test_not_there_of_another_trade_is_no_verdict(
        self, gateway: Gateway, peer: AlipayPeer
    ) -> None:
        gateway.says(refusal(peer, "40004", "ACQ.TRADE_NOT_EXIST", out_trade_no="15"))

        with pytest.raises(ChannelUnavailable):
            asked(gateway)

    def test_an_attempt_of_another_app_is_not_asked_about(self, gateway: Gateway) -> None:
        record = a_pay_record(app_id="2021999999999999")

        with pytest.raises(ChannelUnavailable):
            an_alipay_channel(gateway_url=gateway.url).query(record, Deadline.after(10))

        assert gateway.requests == []
