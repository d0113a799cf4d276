"""The pages that lead a payer's browser from our side to a payment platform.

What a platform gave stands in them as data: values of fields and attributes, never script.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode, urlsplit

from chalicelib.clock import to_beijing_text
from chalicelib.errors import ChannelRefused
from chalicelib.money import Fen, fen_to_yuan_text
from chalicelib.orders.model import OrderStatus
from chalicelib.orders.pages.layout import Page, render_page
from chalicelib.orders.pages.qr import qr_data_uri
from chalicelib.orders.platform import Bridge, CodeUrl, Form, Redirect


@dataclass(frozen=True, slots=True, kw_only=True)
class WaysOn:
    """Where a payer goes from a platform's page; all of them signed by us for one attempt.

    ``payresult_url`` is what the page asks for the outcome, ``result_url`` where it goes once there
    is one, ``cashier_url`` the way back.
    """

    cashier_url: str
    payresult_url: str
    result_url: str


def alipay_form_page(form: Form) -> Page:
    """The page that submits ``form`` by itself, and by a button where scripts are off.

    Its policy does not restrict where the form leads: browsers apply ``form-action`` to redirects
    too (https://www.w3.org/TR/CSP3/#directive-form-action), and Alipay's gateway redirects to
    hosts of its own choice.
    """
    return render_page(
        "alipay_form.html",
        form_action=None,
        referrer_policy="strict-origin",
        action=form.action,
        fields=form.fields,
    )


def wechat_bridge_page(bridge: Bridge, on: WaysOn) -> Page:
    """The page that calls WeChat's cashier (JSAPI) by itself, and then asks us how it ended.

    What WeChat's bridge answers is a hint for the payer, never a payment
    (https://pay.weixin.qq.com/doc/v3/merchant/4012791857).
    """
    return render_page(
        "wechat_bridge.html",
        polls=True,
        # the address of this page has the code and the state of the OAuth in it
        referrer_policy="no-referrer",
        parameters=json.dumps(dict(bridge.parameters), ensure_ascii=True),
        unpaid=OrderStatus.UNPAID.value,
        on=on,
    )


def wechat_h5_page(redirect: Redirect, on: WaysOn) -> Page:
    """The page that goes to WeChat (H5) by itself, and by a link where scripts are off.

    From there WeChat sends the browser back to our cashier page, paid or not: the site that it
    came from is the one that the merchant account has registered.

    A page and no redirect, because WeChat refuses a browser that does not say which site sends it
    (https://pay.weixin.qq.com/doc/v3/merchant/4012791835): of a redirect browsers tell the page
    before it, under that page's policy, which keeps its signed address to itself.

    Raises
    ------
    ChannelRefused
        The address is none of the web, or not WeChat's kind.
    """
    address = urlsplit(redirect.url)
    if address.scheme not in ("https", "http") or not address.query:
        raise ChannelRefused(detail="h5_url is no web address with a query")
    return render_page(
        "wechat_h5.html",
        referrer_policy="strict-origin",
        url=f"{redirect.url}&{urlencode({'redirect_url': on.cashier_url})}",
        on=on,
    )


def wechat_code_page(
    code: CodeUrl, amount_fen: Fen, expires_at: datetime, now: datetime, on: WaysOn
) -> Page:
    """The page with the code that WeChat's app scans (Native); asks us until it is paid."""
    return render_page(
        "wechat_code.html",
        polls=True,
        amount=fen_to_yuan_text(amount_fen),
        expires_at=to_beijing_text(expires_at),
        seconds_left=max(0, math.ceil((expires_at - now).total_seconds())),
        qrcode=qr_data_uri(code.text),
        unpaid=OrderStatus.UNPAID.value,
        on=on,
    )
