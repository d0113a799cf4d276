"""When money goes back, and when not: the rules of ``alipay.trade.refund`` as a pure function.

Codes: https://opendocs.alipay.com/open/02ekfs (业务错误码).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.money import Fen
from infra.local.alipay.refusal import business
from infra.local.alipay.trade import Refund, Trade, TradeStatus


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """What somebody wants back. Without ``out_request_no`` it can only be the whole payment."""

    amount: Fen
    out_request_no: str = ""


@dataclass(frozen=True, slots=True)
class Refunded:
    """The trade after an order. ``moved`` is False when the order had been carried out before."""

    trade: Trade
    refund: Refund
    moved: bool


def refunded(trade: Trade, order: RefundOrder, now: datetime) -> Refunded:
    """``trade`` after ``order``; the same number and amount again change nothing.

    Raises
    ------
    Refusal
        ``ACQ.DISCORDANT_REPEAT_REQUEST``: the number stands for another amount.
        ``ACQ.TRADE_STATUS_ERROR``: nobody has paid.
        ``ACQ.TRADE_HAS_CLOSE``: nobody can pay any more, or all of it went back already.
        ``ACQ.TRADE_HAS_FINISHED``: the time for refunds is over.
        ``ACQ.REFUND_AMT_NOT_EQUAL_TOTAL``: more than is left, or a part without a number.
    """
    # without a number the trade's own stands for it: https://opendocs.alipay.com/open/02ekft
    number = order.out_request_no or trade.offer.out_trade_no
    earlier = next((r for r in trade.refunds if r.out_request_no == number), None)
    if earlier is not None:
        if earlier.amount != order.amount:
            raise business("DISCORDANT_REPEAT_REQUEST", "退款金额与该请求号的前次退款不一致")
        return Refunded(trade, earlier, moved=False)
    _check_refundable(trade)
    left = trade.total - trade.refund_fee
    if order.amount > left or not (order.out_request_no or order.amount == trade.total):
        raise business("REFUND_AMT_NOT_EQUAL_TOTAL", "退款金额与订单金额不一致")
    refund = Refund(
        out_request_no=number,
        out_biz_no=order.out_request_no or trade.trade_no,
        amount=order.amount,
        gmt_refund=now,
    )
    after = replace(trade, refunds=(*trade.refunds, refund))
    if after.is_all_back:
        after = replace(after, status=TradeStatus.TRADE_CLOSED, gmt_close=now)
    return Refunded(after, refund, moved=True)


def _check_refundable(trade: Trade) -> None:
    match trade.status:
        case TradeStatus.WAIT_BUYER_PAY:
            raise business("TRADE_STATUS_ERROR", "交易未付款，不能退款")
        case TradeStatus.TRADE_CLOSED:
            raise business("TRADE_HAS_CLOSE", "交易已经关闭")
        case TradeStatus.TRADE_FINISHED:
            raise business("TRADE_HAS_FINISHED", "交易已经完结，不能退款")
        case TradeStatus.TRADE_SUCCESS:
            return
