"""Asking WeChat Pay for a payment, and closing one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.deadline import Deadline
from chalicelib.errors import ChannelRefused, ChannelUnavailable
from chalicelib.money import Fen
from chalicelib.orders.model import PayNo, PayRecord, TradeType
from chalicelib.orders.verdict import (
    CloseAnswer,
    ClosedThere,
    ClosedUnpaid,
    CloseRefused,
    NothingToClose,
    NotThereYet,
    Paid,
    StillOpen,
    Unknown,
    Verdict,
)
from tests.builders import PAY_NO
from tests.fakes.clock import START
from tests.wechat_gateway import Gateway
from tests.wechat_peer import (
    MCH_ID,
    TRANSACTION_ID,
    a_trade,
    a_wechat_channel,
    a_wechat_record,
    wechat_peer,
)

PAID_AT = datetime(2026, 3, 1, 4, 1, 4, tzinfo=UTC)
PAID = Paid(channel_trade_no=TRANSACTION_ID, amount_fen=Fen(990), paid_at=PAID_AT)
PATH = f"/v3/pay/transactions/out-trade-no/{PAY_NO}"
BODY_OF_A_REFUSAL = b'{"code":"ORDER_NOT_EXIST","message":"x"}'


def asked(gateway: Gateway, record: PayRecord | None = None) -> Verdict:
    channel = a_wechat_channel(gateway_url=gateway.url)
    return channel.query(record or a_wechat_record(), Deadline.after(10))


def closed(gateway: Gateway, record: PayRecord | None = None) -> CloseAnswer:
    channel = a_wechat_channel(gateway_url=gateway.url)
    return channel.close(record or a_wechat_record(), Deadline.after(10))


class TestVerdicts:
    def test_a_paid_trade_is_paid_with_the_amount_of_the_order(self, gateway: Gateway) -> None:
        gateway.says(a_trade())

        assert asked(gateway) == PAID

        (question,) = gateway.asked
        question.check_signed()
        assert (question.method, question.target) == ("GET", f"{PATH}?mchid={MCH_ID}")
        assert question.body == b""

    def test_a_refund_is_a_payment_of_which_something_went_back(self, gateway: Gateway) -> None:
        gateway.says(a_trade(trade_state="REFUND"))

        verdict = asked(gateway)

        assert isinstance(verdict, Paid)
        assert (verdict.amount_fen, verdict.paid_at) == (Fen(990), PAID_AT)
        assert verdict.has_refunds

    def test_a_payment_whose_time_is_not_told_happened_before_now(self, gateway: Gateway) -> None:
        gateway.says(a_trade(without=("success_time",)))

        verdict = asked(gateway)

        assert isinstance(verdict, Paid)
        assert verdict.paid_at == START

    def test_another_amount_is_handed_on(self, gateway: Gateway) -> None:
        gateway.says(a_trade(amount={"total": 1}))

        verdict = asked(gateway)

        assert isinstance(verdict, Paid)
        assert verdict.amount_fen == Fen(1)

    @pytest.mark.parametrize(
        ("state", "verdict"),
        [
            ("CLOSED", ClosedUnpaid()),
            ("REVOKED", ClosedUnpaid()),
            ("NOTPAY", StillOpen()),
            ("USERPAYING", StillOpen()),
            ("PAYERROR", StillOpen()),
            ("ACCEPT", StillOpen()),
        ],
    )
    def test_a_trade_that_nobody_paid(self, gateway: Gateway, state: str, verdict: Verdict) -> None:
        unpaid = ("transaction_id", "success_time", "trade_type", "payer")
        gateway.says(a_trade(trade_state=state, without=unpaid))

        assert asked(gateway) == verdict

    @pytest.mark.parametrize(
        "changes",
        [
            {"trade_state": "PENDING"},
            {"trade_state": ""},
            {"trade_state": None},
            {"transaction_id": " "},
            {"success_time": "yesterday"},
            {"success_time": "2026-03-01T12:01:04"},
            {"success_time": "1970-01-01T00:00:00+08:00"},
            {"amount": None},
            {"amount": {}},
            {"amount": {"total": 0}},
            {"amount": {"total": -1}},
            {"amount": {"total": True}},
            {"amount": {"total": 9.9}},
            {"amount": {"total": "990"}},
            {"amount": {"total": 10**30}},
            {"amount": {"total": 990, "currency": "USD"}},
            {"amount": {"total": 990, "currency": None}},
        ],
    )
    def test_an_answer_that_cannot_be_read_is_unknown(
        self, gateway: Gateway, changes: dict[str, Any]
    ) -> None:
        gateway.says(a_trade(**changes))

        assert isinstance(asked(gateway), Unknown)

    @pytest.mark.parametrize("code", ["ORDER_NOT_EXIST", "ORDERNOTEXIST"])
    def test_a_trade_that_wechat_does_not_know_is_not_there_yet(
        self, gateway: Gateway, code: str
    ) -> None:
        gateway.refuses(404, code)

        assert asked(gateway) == NotThereYet()

    @pytest.mark.parametrize(
        ("status", "code"),
        [
            (401, "SIGN_ERROR"),
            (400, "PARAM_ERROR"),
            (404, "RESOURCE_NOT_EXISTS"),
            (400, "ORDER_NOT_EXIST"),
            (403, "X"),
        ],
    )
    def test_a_clear_no_is_a_refusal(self, gateway: Gateway, status: int, code: str) -> None:
        gateway.refuses(status, code)

        with pytest.raises(ChannelRefused, match=code):
            asked(gateway)

    @pytest.mark.parametrize(
        "changes",
        [
            {"appid": "wx9"},
            {"mchid": "1900000009"},
            {"out_trade_no": "150000000000000002"},
            {"trade_type": "NATIVE"},
            {"appid": None},
            {"out_trade_no": 150000000000000001},
        ],
    )
    def test_an_answer_about_another_trade_is_no_verdict(
        self, gateway: Gateway, changes: dict[str, Any]
    ) -> None:
        gateway.says(a_trade(**changes))

        with pytest.raises(ChannelUnavailable, match=f"{PAY_NO}.*{next(iter(changes))}"):
            asked(gateway)

    @pytest.mark.parametrize(
        ("trade_type", "told"), [(TradeType.WX_H5, "MWEB"), (TradeType.WX_NATIVE, "NATIVE")]
    )
    def test_each_trade_type_has_its_own_name(
        self, gateway: Gateway, trade_type: TradeType, told: str
    ) -> None:
        gateway.says(a_trade(trade_type=told))

        assert asked(gateway, a_wechat_record(trade_type=trade_type)) == PAID

    @pytest.mark.parametrize("changes", [{"app_id": "wx9"}, {"merchant_id": "19"}])
    def test_an_attempt_of_another_account_is_not_asked_about(
        self, gateway: Gateway, changes: dict[str, str]
    ) -> None:
        with pytest.raises(ChannelUnavailable):
            asked(gateway, a_wechat_record(**changes))

        assert gateway.asked == []

    def test_a_number_cannot_lead_to_another_call(self, gateway: Gateway) -> None:
        gateway.refuses(404, "ORDER_NOT_EXIST")

        asked(gateway, a_wechat_record(pay_no=PayNo("1/close?x=/../")))

        (question,) = gateway.asked
        assert question.target == (
            f"/v3/pay/transactions/out-trade-no/1%2Fclose%3Fx%3D%2F..%2F?mchid={MCH_ID}"
        )


class TestClosing:
    def test_what_is_closed_nobody_can_pay(self, gateway: Gateway) -> None:
        gateway.says(b"", 204)

        assert closed(gateway) == ClosedThere()

        (request,) = gateway.asked
        request.check_signed()
        assert (request.method, request.target) == ("POST", f"{PATH}/close")
        assert request.body == b'{"mchid":"%s"}' % MCH_ID.encode()

    @pytest.mark.parametrize(
        "code", ["ORDERPAID", "ORDER_CLOSED", "TRADE_ERROR", "USERPAYING", "INVALID_REQUEST"]
    )
    def test_what_cannot_be_closed_is_to_be_asked_about(self, gateway: Gateway, code: str) -> None:
        gateway.refuses(400, code)

        assert closed(gateway) == CloseRefused(code)

    def test_what_wechat_does_not_know_need_not_be_closed(self, gateway: Gateway) -> None:
        gateway.refuses(404, "ORDER_NOT_EXIST")

        assert closed(gateway) == NothingToClose()

    @pytest.mark.parametrize(
        ("status", "code"),
        [
            (200, "USERPAYING"),
            (202, "USERPAYING"),
            (401, "SIGN_ERROR"),
            (404, "NOT_FOUND"),
            (429, "FREQUENCY_LIMITED"),
            (400, "SYSTEM_ERROR"),
            (500, "SYSTEM_ERROR"),
        ],
    )
    def test_any_other_answer_leaves_it_open_whether_it_is_closed(
        self, gateway: Gateway, status: int, code: str
    ) -> None:
        gateway.refuses(status, code)

        with pytest.raises(ChannelUnavailable):
            closed(gateway)


class TestRefusalsAndTheirSignatures:
    def test_a_refusal_needs_no_signature(self, gateway: Gateway) -> None:
        gateway.says(BODY_OF_A_REFUSAL, 404, headers={})

        assert asked(gateway) == NotThereYet()

    def test_a_refusal_with_a_wrong_signature_is_none(self, gateway: Gateway) -> None:
        gateway.says(BODY_OF_A_REFUSAL, 404, headers=wechat_peer().headers(b"something else"))

        with pytest.raises(ChannelUnavailable, match="signature"):
            asked(gateway)

    @pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"code":1}', b'{"code":"<b>"}'])
    def test_a_refusal_without_a_code_is_none(self, gateway: Gateway, body: bytes) -> None:
        gateway.says(body, 404, headers={})

        with pytest.raises(ChannelUnavailable, match="without"):
            asked(gateway)

    def test_a_refusal_names_its_request_for_those_who_ask_wechat(self, gateway: Gateway) -> None:
        gateway.says(b'{"code":"NO_AUTH"}', 403, headers={"Request-ID": "08F78BB5AF061077"})

        with pytest.raises(ChannelRefused, match="403 NO_AUTH of 08F78BB5AF061077"):
            asked(gateway)
