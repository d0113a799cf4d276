"""Refunds at Alipay: asking for one, and asking how one stands.

Alipay pays back at once. Asking again with the same ``out_request_no`` and amount moves no money
twice, so whatever is not certain here is asked for again later.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.clock import Clock
from chalicelib.deadline import Deadline
from chalicelib.errors import ChannelError
from chalicelib.money import fen_to_yuan_text
from chalicelib.orders.alipay.gateway import AlipayGateway, Answer
from chalicelib.orders.alipay.trade import UnreadableTrade, amount_of, refund_reason_for, told_time
from chalicelib.orders.model import PayRecord, Refund
from chalicelib.orders.verdict import (
    RefundDone,
    RefundNotThere,
    RefundRefused,
    RefundUnknown,
    RefundVerdict,
)

_REFUSED_AT_THE_GATE = frozenset({"40001", "40002", "40003", "40006"})
"""The gateway never handed the request on: it was malformed, or not permitted."""

_PASSES = frozenset(
    {
        "ACQ.SELLER_BALANCE_NOT_ENOUGH",  # until the account is filled
        "ACQ.REASON_TRADE_BEEN_FREEZEN",  # until the trade is released
        "ACQ.REFUND_CHARGE_ERROR",
    }
)
_FINAL = frozenset(
    {
        "ACQ.TRADE_NOT_EXIST",
        "ACQ.TRADE_HAS_FINISHED",
        "ACQ.TRADE_HAS_CLOSE",
        "ACQ.TRADE_STATUS_ERROR",
        "ACQ.REASON_TRADE_STATUS_INVALID",
        "ACQ.REASON_ILLEGAL_STATUS",
        "ACQ.TRADE_NOT_ALLOW_REFUND",
        "ACQ.NOT_ALLOW_PARTIAL_REFUND",
        "ACQ.ONLINE_TRADE_VOUCHER_NOT_ALLOW_REFUND",
        "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL",
        "ACQ.REASON_TRADE_REFUND_FEE_ERR",
        "ACQ.REFUND_FEE_ERROR",
        "ACQ.DISCORDANT_REPEAT_REQUEST",
        "ACQ.INVALID_PARAMETER",
        "ACQ.BUYER_NOT_EXIST",
        "ACQ.BUYER_ERROR",
        "ACQ.BUYER_ENABLE_STATUS_FORBID",
    }
)


class AlipayRefunds:
    """Asks for refunds; never raises `ChannelError`."""

    def __init__(self, gateway: AlipayGateway, clock: Clock) -> None:
        self._gateway = gateway
        self._clock = clock

    def ask_for(self, record: PayRecord, refund: Refund, deadline: Deadline) -> RefundVerdict:
        """``alipay.trade.refund`` (https://opendocs.alipay.com/open/02ekfs).

        ``fund_change`` Y means that the money moved now. Anything else in a success needs a
        query to tell (https://developer.aliyun.com/article/707647), which is made at once. A code
        that is not documented is no clear no, so it is unknown.
        """
        try:
            answer = self._gateway.ask_about(
                record, "alipay.trade.refund", deadline, content=_request(refund)
            )
        except ChannelError as error:
            return RefundUnknown(error.detail)
        if not answer.succeeded:
            return _refusal(answer)
        if answer["fund_change"] == "Y" and _covers(answer, refund):
            return self._done(answer, refund)
        return self._confirmed(record, refund, deadline)

    def query(self, record: PayRecord, refund: Refund, deadline: Deadline) -> RefundVerdict:
        """``alipay.trade.fastpay.refund.query`` (https://opendocs.alipay.com/open/02ekft).

        Code 10000 says that the question was understood. Without ``refund_status`` the request
        never arrived, or failed, or is younger than some ten seconds. Answers of before that
        field had an amount alone; one that comes today is not trusted either way.
        """
        wanted = {
            "out_request_no": refund.channel_refund_no,
            "query_options": ["gmt_refund_pay"],
        }
        try:
            answer = self._gateway.ask_about(
                record,
                "alipay.trade.fastpay.refund.query",
                deadline,
                content=wanted,
                names_trade=False,
            )
        except ChannelError as error:
            return RefundUnknown(error.detail)
        if not answer.succeeded:
            return RefundUnknown(answer.codes)
        if answer["out_request_no"] not in ("", refund.channel_refund_no):
            return RefundUnknown("the answer is about another refund")
        match answer["refund_status"]:
            case "REFUND_SUCCESS":
                return self._found(answer, record, refund)
            case "" if not answer["refund_amount"]:
                return RefundNotThere()
            case "":
                return RefundUnknown("an amount without refund_status")
            case _:
                return RefundUnknown("a refund_status that nobody knows")

    def _confirmed(self, record: PayRecord, refund: Refund, deadline: Deadline) -> RefundVerdict:
        verdict = self.query(record, refund, deadline)
        if isinstance(verdict, RefundNotThere):
            # so soon after the request, "not there" may still become a success
            return RefundUnknown("accepted without fund_change, and not found yet")
        return verdict

    def _found(self, answer: Answer, record: PayRecord, refund: Refund) -> RefundVerdict:
        names = (answer["out_trade_no"], answer["out_request_no"])
        if names != (record.pay_no, refund.channel_refund_no):
            return RefundUnknown("a success that does not say of which refund")
        try:
            amount = amount_of(answer.fields, "refund_amount")
        except UnreadableTrade:
            return RefundUnknown("refund_amount is unreadable")
        if amount != refund.amount_fen:
            return RefundUnknown(f"{amount} fen went back, not {refund.amount_fen}")
        return self._done(answer, refund)

    def _done(self, answer: Answer, refund: Refund) -> RefundDone:
        return RefundDone(amount_fen=refund.amount_fen, refunded_at=self._refunded_at(answer))

    def _refunded_at(self, answer: Answer) -> datetime:
        try:
            return told_time(answer.fields, "gmt_refund_pay") or self._clock.now()
        except UnreadableTrade:
            return self._clock.now()


def _request(refund: Refund) -> dict[str, str]:
    request = {
        "refund_amount": fen_to_yuan_text(refund.amount_fen),
        "out_request_no": refund.channel_refund_no,
    }
    reason = refund_reason_for(refund.reason)
    return request | {"refund_reason": reason} if reason else request


def _covers(answer: Answer, refund: Refund) -> bool:
    """Whether the answer's total can hold this refund: ``refund_fee`` is all that went back."""
    try:
        return amount_of(answer.fields, "refund_fee") >= refund.amount_fen
    except UnreadableTrade:
        return False


def _refusal(answer: Answer) -> RefundVerdict:
    if answer.sub_code in _FINAL:
        return RefundRefused(answer.codes, is_final=True)
    if answer.sub_code in _PASSES or answer["code"] in _REFUSED_AT_THE_GATE:
        return RefundRefused(answer.codes, is_final=False)
    return RefundUnknown(answer.codes)
