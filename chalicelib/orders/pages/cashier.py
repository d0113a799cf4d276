"""The cashier page (收银台), which a payment link opens: goods, amount, time left, ways to pay."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.clock import to_beijing_text
from chalicelib.money import Fen, fen_to_yuan_text
from chalicelib.orders.attempts import LEAST_TIME_TO_PAY
from chalicelib.orders.cashier import Counter
from chalicelib.orders.model import OrderStatus, PayChannel, PayNo, TradeType
from chalicelib.orders.pages.browser import Browser
from chalicelib.orders.pages.layout import Page, asked_for, form_action, render_page
from chalicelib.orders.pages.platforms import WaysOn
from chalicelib.orders.pages.qr import qr_data_uri
from chalicelib.orders.pages.ways import channel_of, ways_for

_LABELS = {
    TradeType.ALI_WAP: "支付宝支付",
    TradeType.WX_JSAPI: "微信支付",
    TradeType.WX_H5: "微信支付",
    TradeType.WX_NATIVE: "微信扫码支付",
}


class CashierState(StrEnum):
    """What a payer can still do about an order."""

    PAYABLE = "payable"
    PROCESSING = "processing"
    TOO_LATE = "too_late"
    PAID = "paid"
    REFUNDED = "refunded"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CashierView:
    """What the cashier page shows. ``link`` and ``token`` are the signed ones of ``pay_no``.

    ``served`` are the platforms that can be paid at, ``leads_to`` the sites that our answer to the
    form may redirect to. ``result_url`` is where who has paid reads the result, empty while nobody
    can have paid. ``on`` is for a page that stays open while somebody pays elsewhere: what it asks,
    and where it goes then.
    """

    state: CashierState
    browser: Browser
    served: Collection[PayChannel]
    title: str
    amount_fen: Fen
    expires_at: datetime
    now: datetime
    action: str
    pay_no: PayNo
    token: str
    link: str
    leads_to: tuple[str, ...] = ()
    result_url: str = ""
    on: WaysOn | None = None


def cashier_state(counter: Counter, now: datetime) -> CashierState:
    """What can be done about the order on the counter; another moment may say otherwise."""
    match counter.order.status:
        case OrderStatus.PAID | OrderStatus.COMPLETED:
            return CashierState.PAID
        case OrderStatus.REFUNDED:
            return CashierState.REFUNDED
    if counter.busy(now):
        return CashierState.PROCESSING
    if not counter.payable(now):
        return CashierState.CLOSED
    return CashierState.PAYABLE if counter.openable(now) else CashierState.TOO_LATE


def cashier_page(view: CashierView) -> Page:
    """The page that a payment link opens.

    Each way to pay is a form that posts ``payNo``, ``token`` and ``channel``, and ``tradeType``
    where that is a choice, to ``action``. Inside WeChat, where Alipay is blocked, the page says how
    to leave; inside Alipay it goes on by itself, once; on a desktop it shows the link as a QR code
    first. The time left counts from the server's clock, never from the phone's.
    """
    payable = view.state is CashierState.PAYABLE
    on_a_desktop = view.browser is Browser.DESKTOP
    ways = ways_for(view.browser, view.served)
    on = view.on if payable else None
    return render_page(
        "cashier.html",
        polls=on is not None,
        form_action=form_action(view.action, *view.leads_to),
        state=view.state.value,
        leave_for_alipay=view.browser is Browser.WECHAT and PayChannel.ALIPAY in view.served,
        goes_on_by_itself=view.browser is Browser.ALIPAY and len(ways) == 1,
        title=view.title,
        amount=fen_to_yuan_text(view.amount_fen),
        expires_at=to_beijing_text(view.expires_at),
        seconds_left=max(0, math.ceil((view.expires_at - view.now).total_seconds())),
        least_seconds=int(LEAST_TIME_TO_PAY.total_seconds()),
        action=view.action,
        pay_no=view.pay_no,
        token=view.token,
        ways=[_way(way) for way in ways],
        on=on,
        unpaid=OrderStatus.UNPAID.value,
        result_url=view.result_url,
        qrcode=qr_data_uri(view.link) if payable and on_a_desktop else "",
    )


def _way(way: TradeType) -> tuple[str, str, str, str]:
    """What the button says and sends, the platform that it looks like, and ``tradeType``."""
    channel = channel_of(way)
    return _LABELS[way], channel.value, channel.name.lower(), asked_for(way)
