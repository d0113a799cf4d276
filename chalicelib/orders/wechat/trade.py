"""What WeChat Pay's fields say of a trade.

A query (https://pay.weixin.qq.com/doc/v3/merchant/4013070356) and a notification
(https://pay.weixin.qq.com/doc/v3/merchant/4012791861) carry the same object. Amounts are in fen,
times are RFC 3339 in Beijing time.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.clock import from_rfc3339, is_plausible
from chalicelib.money import NO_MONEY, Fen
from chalicelib.orders.model import PayRecord, TradeType
from chalicelib.orders.verdict import ClosedUnpaid, Paid, StillOpen, Unknown, Verdict

Fields = Mapping[str, Any]

_TRADE_TYPES = {
    TradeType.WX_JSAPI: "JSAPI",
    TradeType.WX_H5: "MWEB",
    TradeType.WX_NATIVE: "NATIVE",
}
_MOST_FEN = 10**13


class UnreadableTrade(ValueError):
    """A field that the verdict needs is missing or of another form; the text names it."""


def text_of(fields: Fields, name: str) -> str:
    """A text that must be there and not blank.

    Raises
    ------
    UnreadableTrade
        It is not.
    """
    value = fields.get(name)
    if not isinstance(value, str) or not value.strip():
        raise UnreadableTrade(f"{name} is missing")
    return value


def amount_of(fields: Fields, name: str) -> Fen:
    """``name`` in ``amount``: a whole number of fen above zero, in yuan and no other currency.

    Raises
    ------
    UnreadableTrade
        It is not.
    """
    amount = fields.get("amount")
    if not isinstance(amount, Mapping):
        raise UnreadableTrade("amount is missing")
    if amount.get("currency", "CNY") != "CNY":
        raise UnreadableTrade("amount.currency is not CNY")
    value = amount.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not NO_MONEY < value < _MOST_FEN:
        raise UnreadableTrade(f"amount.{name} is no amount")
    return Fen(value)


def time_of(fields: Fields, name: str, *, untold: datetime | None = None) -> datetime:
    """A moment that must be there, unless ``untold`` stands in for it.

    Raises
    ------
    UnreadableTrade
        It is missing, or no time that can be true.
    """
    if untold is not None and not fields.get(name):
        return untold
    try:
        told = from_rfc3339(text_of(fields, name))
    except UnreadableTrade:
        raise
    except ValueError:
        raise UnreadableTrade(f"{name} is no time") from None
    if not is_plausible(told):
        raise UnreadableTrade(f"{name} cannot be true")
    return told


def verdict_of(trade: Fields, *, seen_at: datetime | None = None) -> Verdict:
    """What ``trade_state`` and its neighbours say.

    ``REFUND`` (转入退款) is a payment of which something went back, perhaps not all; how much, only
    the refunds themselves tell. ``PAYERROR`` is a failed try: the payer may try again.

    Parameters
    ----------
    trade
        The verified fields.
    seen_at
        Stands in for the time of a payment that is not told. It is never before the payment, so
        the goods never last shorter than they should.

    Raises
    ------
    UnreadableTrade
        The state is missing, or a field of a payment is unreadable.
    """
    state = text_of(trade, "trade_state")
    match state:
        case "SUCCESS" | "REFUND":
            return Paid(
                channel_trade_no=text_of(trade, "transaction_id"),
                amount_fen=amount_of(trade, "total"),
                paid_at=time_of(trade, "success_time", untold=seen_at),
                has_refunds=state == "REFUND",
            )
        case "CLOSED" | "REVOKED":
            return ClosedUnpaid()
        case "NOTPAY" | "USERPAYING" | "PAYERROR" | "ACCEPT":
            return StillOpen()
        case _:
            return Unknown(f"trade_state {state[:32]!r}")


def names_another(trade: Fields, record: PayRecord, *, app_id: str, mch_id: str) -> str:
    """Which field says that an answer is about something else than ``record``; empty: none.

    An unpaid trade has no ``trade_type`` yet.
    """
    told = {"appid": app_id, "mchid": mch_id, "out_trade_no": record.pay_no}
    for name, expected in told.items():
        if trade.get(name) != expected:
            return name
    expected_type = _TRADE_TYPES.get(record.trade_type) if record.trade_type else None
    if expected_type is not None and trade.get("trade_type") not in (None, "", expected_type):
        return "trade_type"
    return ""
