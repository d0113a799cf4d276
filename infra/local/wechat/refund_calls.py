"""退款申请, 查询单笔退款: https://pay.weixin.qq.com/doc/v3/merchant/4012556457 and 4012556459."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from chalicelib.money import Fen
from infra.local.wechat.ledger import Trade
from infra.local.wechat.news import refund_answer
from infra.local.wechat.platform import Platform
from infra.local.wechat.prepay import check_notify_url
from infra.local.wechat.refunds import RefundRequest
from infra.local.wechat.refusal import Refusal, against_rules, bad_parameter
from infra.local.wechat.request import MerchantRequest

_OUT_REFUND_NO = re.compile(r"[0-9A-Za-z_|*@-]{1,64}", re.ASCII)
_MAX_REASON_BYTES = 80


class _Amount(msgspec.Struct, forbid_unknown_fields=True):
    refund: int
    total: int
    currency: str
    # "from" is a word of the language
    from_: list[dict[str, Any]] | None = msgspec.field(default=None, name="from")


class _Request(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    out_refund_no: str
    amount: _Amount
    transaction_id: str | None = None
    out_trade_no: str | None = None
    reason: str | None = None
    notify_url: str | None = None
    funds_account: str | None = None
    goods_detail: list[dict[str, Any]] | None = None


def refund(platform: Platform, request: MerchantRequest) -> dict[str, Any]:
    """Accept a refund; its end is told by notification and query.

    Raises
    ------
    Refusal
        ``PARAM_ERROR``: a field is malformed or out of range. 404 ``RESOURCE_NOT_EXISTS``: no such
        trade. ``INVALID_REQUEST``, 403 ``NOT_ENOUGH``, 429 ``FREQUENCY_LIMITED``: see `Refunds`.
    """
    content = request.content(_Request)
    _check(content)
    trade = _trade(platform, content)
    if content.amount.total != trade.order.total:
        raise against_rules("订单金额与支付时不一致")
    accepted = platform.refunds.accept(
        RefundRequest(
            out_refund_no=content.out_refund_no,
            refund=Fen(content.amount.refund),
            reason=content.reason,
            notify_url=content.notify_url or "",
            parameters=request.parameters(),
        ),
        trade,
    )
    return refund_answer(accepted)


def query_refund(platform: Platform, request: MerchantRequest) -> dict[str, Any]:
    """A refund as it is now.

    Raises
    ------
    Refusal
        404 ``RESOURCE_NOT_EXISTS``
    """
    known = platform.refunds.find(request.path["out_refund_no"])
    if known is None:
        raise _unknown("退款单不存在")
    return refund_answer(known)


def _trade(platform: Platform, content: _Request) -> Trade:
    trade: Trade | None = None
    if content.transaction_id:
        trade = platform.ledger.find_paid(content.transaction_id)
    elif content.out_trade_no:
        trade = platform.ledger.find(content.out_trade_no)
    if trade is None:
        raise _unknown("订单不存在")
    return trade


def _check(content: _Request) -> None:
    if not content.transaction_id and not content.out_trade_no:
        raise bad_parameter("transaction_id, out_trade_no", "必须二选一")
    if _OUT_REFUND_NO.fullmatch(content.out_refund_no) is None:
        raise bad_parameter("out_refund_no", "只能是 1 到 64 位的数字、大小写字母、_-|*@")
    if content.amount.refund <= 0:
        raise bad_parameter("amount.refund", "必须大于 0")
    if content.amount.currency != "CNY":
        raise bad_parameter("amount.currency", "仅支持 CNY")
    if len((content.reason or "").encode()) > _MAX_REASON_BYTES:
        raise bad_parameter("reason", f"不超过 {_MAX_REASON_BYTES} 字节")
    if content.notify_url is not None:
        check_notify_url(content.notify_url)


def _unknown(message: str) -> Refusal:
    return Refusal(404, "RESOURCE_NOT_EXISTS", message)
