"""The text of a trade bill (交易账单), and the files that wait for their download.

Columns: https://pay.weixin.qq.com/doc/v3/merchant/4012791867. Each cell begins with a backtick, so
that spreadsheets leave long numbers alone; a header, the rows, a second header and a line of sums.
The first bytes are a byte order mark. Amounts are yuan, the fee is 0.60 %.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from chalicelib.clock import Clock, to_beijing_text
from chalicelib.money import NO_MONEY, Fen, fen_to_yuan_text
from infra.local.wechat.ledger import Trade
from infra.local.wechat.merchant import Merchant
from infra.local.wechat.refunds import Refund

DOWNLOAD_LIFETIME = timedelta(minutes=5)
_FEE_RATE = Decimal("0.006")
_HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,"
    "付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,"
    "退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
_SUMS_HEADER = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    made_at: datetime


class Bills:
    """The files that may be downloaded, each under a token of its own."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._files: dict[str, _File] = {}

    def keep(self, content: bytes) -> str:
        """The token under which ``content`` can be had for five minutes."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._files[token] = _File(content, self._clock.now())
        return token

    def find(self, token: str) -> bytes | None:
        """The file of a token; None when it is unknown or too old."""
        with self._lock:
            file = self._files.get(token)
        if file is None or self._clock.now() > file.made_at + DOWNLOAD_LIFETIME:
            return None
        return file.content


def bill_of(merchant: Merchant, paid: Sequence[Trade], refunded: Sequence[Refund]) -> bytes:
    """A bill of type ALL: the payments, then the refunds."""
    rows = [_payment(merchant, trade) for trade in paid]
    rows += [_refund(merchant, refund) for refund in refunded]
    ordered = Fen(sum(trade.order.total for trade in paid))
    returned = Fen(sum(refund.request.refund for refund in refunded))
    fees = sum((_fee(trade.order.total) for trade in paid), Decimal(0))
    fees -= sum((_fee(refund.request.refund) for refund in refunded), Decimal(0))
    sums = (
        str(len(rows)),
        fen_to_yuan_text(ordered),
        fen_to_yuan_text(returned),
        fen_to_yuan_text(NO_MONEY),
        f"{fees:.5f}",
        fen_to_yuan_text(ordered),
        fen_to_yuan_text(returned),
    )
    text = [_HEADER, *map(_row, rows), _SUMS_HEADER, _row(sums)]
    return ("\ufeff" + "".join(f"{line}\r\n" for line in text)).encode()


def hash_of(bill: bytes) -> str:
    """SHA-1 of the bill as it is without compression."""
    return hashlib.sha1(bill, usedforsecurity=False).hexdigest()


def _payment(merchant: Merchant, trade: Trade) -> tuple[str, ...]:
    total, none = fen_to_yuan_text(trade.order.total), fen_to_yuan_text(NO_MONEY)
    return (
        *_head(merchant, trade, trade.paid_at, "SUCCESS"),
        *(total, none, "0", "0", none, none, "", ""),
        *_tail(trade, f"{_fee(trade.order.total):.5f}"),
        *(total, none, ""),
    )


def _refund(merchant: Merchant, refund: Refund) -> tuple[str, ...]:
    returned, none = fen_to_yuan_text(refund.request.refund), fen_to_yuan_text(NO_MONEY)
    numbers = (refund.refund_id, refund.request.out_refund_no)
    return (
        *_head(merchant, refund.trade, refund.created_at, "REFUND"),
        *(none, none, *numbers, returned, none, "ORIGINAL", refund.status.value),
        *_tail(refund.trade, f"-{_fee(refund.request.refund):.5f}"),
        *(none, returned, ""),
    )


def _head(merchant: Merchant, trade: Trade, at: datetime | None, state: str) -> tuple[str, ...]:
    when = to_beijing_text(at) if at is not None else ""
    who = (merchant.app_id, merchant.mch_id, "0", "")
    which = (trade.transaction_id, trade.order.out_trade_no, trade.payer_openid)
    return (when, *who, *which, trade.order.trade_type.value, state, "OTHERS", "CNY")


def _tail(trade: Trade, fee: str) -> tuple[str, ...]:
    return (trade.order.description, trade.order.attach or "", fee, "0.60%")


def _fee(amount: Fen) -> Decimal:
    yuan = Decimal(amount) / 100 * _FEE_RATE
    return yuan.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _row(cells: Iterable[str]) -> str:
    return ",".join(f"`{cell}" for cell in cells)
