"""Paying back through WeChat Pay: never an exception, and never another refund's answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.deadline import Deadline
from chalicelib.money import Fen
from chalicelib.orders.model import PayRecord, Refund
from chalicelib.orders.verdict import (
    RefundAbnormal,
    RefundAccepted,
    RefundClosed,
    RefundDone,
    RefundNotThere,
    RefundRefused,
    RefundUnknown,
    RefundVerdict,
)
from tests.builders import PAY_NO
from tests.fakes.clock import START
from tests.wechat_gateway import Gateway
from tests.wechat_peer import (
    NOTIFY_URL,
    OUT_REFUND_NO,
    a_paid_record,
    a_refund_answer,
    a_wechat_channel,
    a_wechat_record,
    a_wechat_refund,
)

DONE = RefundDone(amount_fen=Fen(200), refunded_at=datetime(2026, 3, 1, 4, 2, tzinfo=UTC))
PATH = "/v3/refund/domestic/refunds"
Call = Callable[[Gateway, PayRecord, Refund], RefundVerdict]


def _refund(gateway: Gateway, record: PayRecord, refund: Refund) -> RefundVerdict:
    channel = a_wechat_channel(gateway_url=gateway.url)
    return channel.refund(record, refund, Deadline.after(10))


def _query(gateway: Gateway, record: PayRecord, refund: Refund) -> RefundVerdict:
    channel = a_wechat_channel(gateway_url=gateway.url)
    return channel.query_refund(record, refund, Deadline.after(10))


BOTH = pytest.mark.parametrize("call", [_refund, _query])


class TestWhatIsAsked:
    def test_a_refund_names_payment_number_amounts_and_reason(self, gateway: Gateway) -> None:
        gateway.says(a_refund_answer())

        assert _refund(gateway, a_paid_record(), a_wechat_refund()) == DONE

        (asked,) = gateway.asked
        asked.check_signed()
        assert (asked.method, asked.target) == ("POST", PATH)
        assert json.loads(asked.body) == {
            "out_trade_no": PAY_NO,
            "out_refund_no": OUT_REFUND_NO,
            "reason": "课程取消",
            "notify_url": NOTIFY_URL,
            "amount": {"refund": 200, "total": 990, "currency": "CNY"},
        }

    def test_repeating_sends_the_same_bytes(self, gateway: Gateway) -> None:
        gateway.says(a_refund_answer(status="PROCESSING"))
        refund = a_wechat_refund()

        _refund(gateway, a_paid_record(), refund)
        _refund(gateway, a_paid_record(version=7), replace(refund, tries=3, version=9))

        first, second = gateway.asked
        assert first.body == second.body

    def test_what_was_closed_is_asked_for_under_a_new_number(self, gateway: Gateway) -> None:
        second = a_wechat_refund(generation=2)
        gateway.says(a_refund_answer(out_refund_no=f"{OUT_REFUND_NO}_2"))

        assert _refund(gateway, a_paid_record(), second) == DONE
        assert _query(gateway, a_paid_record(), second) == DONE

        sent, asked = gateway.asked
        assert json.loads(sent.body)["out_refund_no"] == f"{OUT_REFUND_NO}_2"
        assert (asked.method, asked.target) == ("GET", f"{PATH}/{OUT_REFUND_NO}_2")
        asked.check_signed()

    @pytest.mark.parametrize(
        ("reason", "sent"), [("课" * 30, "课" * 26), ("a\nb", "a b"), (" \n", None), ("", None)]
    )
    def test_a_reason_is_cut_to_what_wechat_takes(
        self, gateway: Gateway, reason: str, sent: str | None
    ) -> None:
        gateway.says(a_refund_answer())

        _refund(gateway, a_paid_record(), a_wechat_refund(reason=reason))

        assert json.loads(gateway.asked[0].body).get("reason") == sent

    def test_a_refund_of_an_attempt_that_was_never_paid_is_a_mistake_of_ours(
        self, gateway: Gateway
    ) -> None:
        with pytest.raises(ValueError, match=PAY_NO):
            _refund(gateway, a_wechat_record(), a_wechat_refund())


class TestVerdicts:
    @BOTH
    @pytest.mark.parametrize(
        ("status", "verdict"),
        [
            ("SUCCESS", DONE),
            ("PROCESSING", RefundAccepted()),
            ("CLOSED", RefundClosed()),
            ("ABNORMAL", RefundAbnormal("ABNORMAL")),
        ],
    )
    def test_each_status_has_its_verdict(
        self, gateway: Gateway, call: Call, status: str, verdict: RefundVerdict
    ) -> None:
        gateway.says(a_refund_answer(status=status))

        assert call(gateway, a_paid_record(), a_wechat_refund()) == verdict

    @BOTH
    def test_a_refund_whose_time_is_not_told_was_done_before_now(
        self, gateway: Gateway, call: Call
    ) -> None:
        gateway.says(a_refund_answer(without=("success_time",)))

        verdict = call(gateway, a_paid_record(), a_wechat_refund())

        assert verdict == RefundDone(amount_fen=Fen(200), refunded_at=START)

    @BOTH
    @pytest.mark.parametrize(
        "changes",
        [
            {"out_refund_no": "9"},
            {"out_trade_no": "150000000000000002"},
            {"transaction_id": "4200000000000000000000000009"},
            {"amount": {"total": 990, "refund": 201}},
            {"amount": {"total": 991, "refund": 200}},
            {"amount": {"total": 990}},
            {"amount": {"total": 990, "refund": 200, "currency": "USD"}},
            {"out_refund_no": None},
            {"status": "UNDERWAY"},
            {"status": None},
            {"success_time": "soon"},
        ],
    )
    def test_another_refunds_answer_or_an_unreadable_one_says_nothing(
        self, gateway: Gateway, call: Call, changes: dict[str, Any]
    ) -> None:
        gateway.says(a_refund_answer(**changes))

        verdict = call(gateway, a_paid_record(), a_wechat_refund())

        assert isinstance(verdict, RefundUnknown)

    @BOTH
    @pytest.mark.parametrize("changes", [{"app_id": "wx9"}, {"merchant_id": "19"}])
    def test_a_payment_of_another_account_is_not_touched(
        self, gateway: Gateway, call: Call, changes: dict[str, str]
    ) -> None:
        verdict = call(gateway, a_paid_record(**changes), a_wechat_refund())

        assert isinstance(verdict, RefundUnknown)
        assert gateway.asked == []


class TestRefusals:
    @pytest.mark.parametrize(
        ("status", "code", "is_final"),
        [
            (400, "PARAM_ERROR", True),
            (400, "INVALID_REQUEST", True),
            (400, "MCH_NOT_EXISTS", True),
            (404, "RESOURCE_NOT_EXISTS", True),
            (403, "USER_ACCOUNT_ABNORMAL", True),
            (403, "NOT_ENOUGH", False),
            (429, "FREQUENCY_LIMITED", False),
            (429, "INVALID_REQUEST", False),
            (401, "SIGN_ERROR", False),
            (403, "NO_AUTH", False),
            (400, "SOMETHING_NEW", False),
        ],
    )
    def test_a_refused_refund_is_final_when_asking_again_cannot_help(
        self, gateway: Gateway, status: int, code: str, is_final: bool
    ) -> None:
        gateway.refuses(status, code)

        verdict = _refund(gateway, a_paid_record(), a_wechat_refund())

        assert verdict == RefundRefused(code, is_final=is_final)

    @pytest.mark.parametrize(
        ("status", "code"), [(500, "SYSTEM_ERROR"), (400, "SYSTEM_ERROR"), (502, "X")]
    )
    def test_trouble_at_wechat_is_unknown(self, gateway: Gateway, status: int, code: str) -> None:
        gateway.refuses(status, code)

        verdict = _refund(gateway, a_paid_record(), a_wechat_refund())

        assert isinstance(verdict, RefundUnknown)
        assert code in verdict.reason

    def test_a_refund_that_wechat_does_not_know_never_arrived(self, gateway: Gateway) -> None:
        gateway.refuses(404, "RESOURCE_NOT_EXISTS")

        verdict = _query(gateway, a_paid_record(), a_wechat_refund())

        assert verdict == RefundNotThere()

    @pytest.mark.parametrize(
        ("status", "code"),
        [
            (404, "ORDER_NOT_EXIST"),
            (400, "RESOURCE_NOT_EXISTS"),
            (400, "PARAM_ERROR"),
            (401, "SIGN_ERROR"),
            (429, "FREQUENCY_LIMITED"),
        ],
    )
    def test_a_refused_question_says_nothing_of_the_refund(
        self, gateway: Gateway, status: int, code: str
    ) -> None:
        gateway.refuses(status, code)

        verdict = _query(gateway, a_paid_record(), a_wechat_refund())

        assert isinstance(verdict, RefundUnknown)
