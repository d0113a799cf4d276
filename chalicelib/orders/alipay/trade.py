"""What Alipay's fields say of a trade, and what it lets a trade be called.

Notifications (https://opendocs.alipay.com/open/203/105286) and the answer of
``alipay.trade.query`` (https://opendocs.alipay.com/open/02ivbt) name their fields alike, except
that a notification tells the time of payment as ``gmt_payment`` and a query as
``send_pay_date``. Amounts are yuan, times are Beijing time.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime

from chalicelib.clock import from_beijing_text, is_plausible
from chalicelib.money import NO_MONEY, Fen, yuan_text_to_fen
from chalicelib.orders.verdict import ClosedUnpaid, Paid, StillOpen, Unknown, Verdict

_SUBJECT_LIMIT = 256
_REASON_LIMIT = 256
_SPECIAL = str.maketrans("/=&", "／＝＆")
_MILLISECONDS = re.compile(r"\.[0-9]{1,3}$", re.ASCII)


class UnreadableTrade(ValueError):
    """A field that the verdict needs is missing, blank or of another form; the text names it."""


def required(trade: Mapping[str, str], name: str) -> str:
    """A field that must be there and not blank.

    Raises
    ------
    UnreadableTrade
        It is not.
    """
    value = trade.get(name, "")
    if not value.strip():
        raise UnreadableTrade(f"{name} is missing")
    return value


def amount_of(trade: Mapping[str, str], name: str) -> Fen:
    """An amount that must be there.

    Raises
    ------
    UnreadableTrade
        It is missing or not an amount.
    """
    try:
        return yuan_text_to_fen(required(trade, name))
    except UnreadableTrade:
        raise
    except ValueError as error:
        raise UnreadableTrade(f"{name}: {error}") from error


def told_time(trade: Mapping[str, str], *names: str) -> datetime | None:
    """The first time of ``names`` that the platform tells; ``gmt_refund`` has milliseconds.

    Raises
    ------
    UnreadableTrade
        It is of another form, or cannot be true.
    """
    for name in names:
        text = trade.get(name, "").strip()
        if text:
            try:
                told = from_beijing_text(_MILLISECONDS.sub("", text))
            except ValueError as error:
                raise UnreadableTrade(f"{name}: {error}") from error
            if not is_plausible(told):
                raise UnreadableTrade(f"{name}: {text[:32]}")
            return told
    return None


def verdict_of(trade: Mapping[str, str], *, seen_at: datetime | None = None) -> Verdict:
    """What ``trade_status`` and its neighbours say.

    ``TRADE_FINISHED`` is a payment past its refund period. ``TRADE_CLOSED`` is two things: a
    trade that nobody paid in time, and a payment that went back in full; a time of payment, a
    time of refund or a refunded amount tells the second. A partial refund sends
    ``TRADE_SUCCESS`` again, with ``refund_fee`` above zero; an ordinary payment may carry
    ``refund_fee=0.00``.

    Parameters
    ----------
    trade
        The verified fields.
    seen_at
        Stands in for the time of a payment that the platform does not tell. It is never before
        the payment, so the goods never last shorter than they should.

    Raises
    ------
    UnreadableTrade
        The status is missing, or a field of a payment is unreadable.
    """
    status = required(trade, "trade_status")
    match status:
        case "TRADE_SUCCESS" | "TRADE_FINISHED":
            return _paid(trade, told_time(trade, "gmt_payment", "send_pay_date") or seen_at)
        case "TRADE_CLOSED" if _money_moved(trade):
            # the later times are bounds: the payment was made before them
            told = told_time(trade, "gmt_payment", "send_pay_date", "gmt_refund", "notify_time")
            return _paid(trade, told or seen_at, all_back=True)
        case "TRADE_CLOSED":
            return ClosedUnpaid()
        case "WAIT_BUYER_PAY":
            return StillOpen()
        case _:
            return Unknown(f"trade_status {status[:32]!r}")


def _paid(trade: Mapping[str, str], paid_at: datetime | None, *, all_back: bool = False) -> Paid:
    if paid_at is None:
        raise UnreadableTrade("gmt_payment is missing")
    amount = amount_of(trade, "total_amount")
    if amount == NO_MONEY:
        raise UnreadableTrade("total_amount is zero")
    back = _refund_fee(trade)
    if back > amount:
        raise UnreadableTrade("refund_fee is more than total_amount")
    return Paid(
        channel_trade_no=required(trade, "trade_no"),
        amount_fen=amount,
        paid_at=paid_at,
        # the fee of a closed trade may be that of its last refund only
        back_fen=amount if all_back else back,
    )


def _money_moved(trade: Mapping[str, str]) -> bool:
    return (
        told_time(trade, "gmt_payment", "send_pay_date", "gmt_refund") is not None
        or _refund_fee(trade) > NO_MONEY
    )


def _refund_fee(trade: Mapping[str, str]) -> Fen:
    return amount_of(trade, "refund_fee") if trade.get("refund_fee", "").strip() else NO_MONEY


def subject_for(title: str) -> str:
    """``title`` as a ``subject``: at most 256 characters, none of them special.

    "不可使用特殊字符，如 /，=，& 等" (https://opendocs.alipay.com/open/02ivbs): the named three
    become their full-width twins, which read the same. Control characters and lone surrogates
    become spaces; white space is folded.
    """
    return _plain(title)[:_SUBJECT_LIMIT].strip() or "订单"


def refund_reason_for(reason: str) -> str:
    """``reason`` as a ``refund_reason``: as `subject_for`, but it may be empty."""
    return _plain(reason)[:_REASON_LIMIT].strip()


def _plain(text: str) -> str:
    spaced = "".join(
        " " if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} else character
        for character in text.translate(_SPECIAL)
    )
    return " ".join(spaced.split())
