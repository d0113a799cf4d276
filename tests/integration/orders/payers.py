"""What payers hold, and what they do with it at the platforms: also late, also somebody else's.

A payer keeps every form, bridge call, address and code that our cashier ever handed out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from chalicelib.clock import to_beijing_text
from chalicelib.money import Fen, fen_to_yuan_text
from chalicelib.orders.model import PayChannel, PayNo, TradeType
from chalicelib.orders.platform import Bridge, CodeUrl, Form, Payer, Presentation, Redirect
from infra.local.alipay.buyer import TEST_BUYER
from tests.builders import alipay_peer
from tests.integration.orders.platforms import (
    ALIPAY_HOST,
    OPENIDS,
    OUR_HOST,
    WECHAT_HOST,
    Platforms,
)
from tests.integration.simulators.merchant import signed_request

ALIPAY = Payer(channel=PayChannel.ALIPAY, trade_type=TradeType.ALI_WAP)
JSAPI = tuple(
    Payer(channel=PayChannel.WECHAT, trade_type=TradeType.WX_JSAPI, openid=openid)
    for openid in OPENIDS
)
H5 = Payer(channel=PayChannel.WECHAT, trade_type=TradeType.WX_H5, client_ip="203.0.113.7")
NATIVE = Payer(channel=PayChannel.WECHAT, trade_type=TradeType.WX_NATIVE)
PAYERS = (ALIPAY, *JSAPI, H5, NATIVE)

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(slots=True)
class Held:
    """What a payer got from our cashier; ``visit`` is their page at the platform."""

    pay_no: PayNo
    payer: Payer
    presentation: Presentation
    visit: str = ""


class Payers:
    """People with browsers; what they do may be refused, and they do not mind."""

    def __init__(self, platforms: Platforms) -> None:
        self._platforms = platforms

    def log_in(self, held: Held) -> None:
        """Come as far as the password; only Alipay has that step."""
        if isinstance(held.presentation, Form):
            held.visit = held.visit or self._cashier_of(held.presentation)
            if held.visit:
                self._post(ALIPAY_HOST, f"{held.visit}/login", {"logon_id": TEST_BUYER.logon_id})

    def pay(self, held: Held, openid: str | None = None) -> None:
        """Pay, as ``openid`` or as whoever was expected."""
        openid = openid or held.payer.openid or OPENIDS[0]
        match held.presentation:
            case Form():
                self._pay_at_alipay(held)
            case Bridge(parameters):
                asked = {"parameters": dict(parameters), "openid": openid}
                self._control("/_control/jsapi-pay", asked)
            case CodeUrl(text):
                self._control("/_control/native-pay", {"code_url": text, "openid": openid})
            case Redirect(url):
                self._pay_at_the_middle_page(url, openid)

    def pay_another_amount(self, pay_no: PayNo, fen: Fen) -> None:
        """A form for our number that another program of the merchant signed, for its own sum."""
        until = self._platforms.clock.now() + timedelta(minutes=10)
        content = {
            "subject": "其他系统的订单",
            "out_trade_no": pay_no,
            "total_amount": fen_to_yuan_text(fen),
            "product_code": "QUICK_WAP_WAY",
            "time_expire": to_beijing_text(until),
        }
        fields = signed_request(
            alipay_peer().app_key,
            "alipay.trade.wap.pay",
            content,
            timestamp=to_beijing_text(self._platforms.clock.now()),
            notify_url=f"https://{OUR_HOST}/orders/receivenotify",
        )
        form = Form(action=f"https://{ALIPAY_HOST}/gateway.do", fields=tuple(fields.items()))
        self._pay_at_alipay(Held(pay_no, ALIPAY, form))

    def _pay_at_alipay(self, held: Held) -> None:
        self.log_in(held)
        if held.visit:
            word = {"action": "pay", "pay_password": TEST_BUYER.pay_password}
            self._post(ALIPAY_HOST, f"{held.visit}/pay", word)

    def _cashier_of(self, form: Form) -> str:
        """The path of the cashier page; empty when the gateway refuses the form."""
        body = urlencode(form.fields).encode()
        answer = self._platforms.lines.carry("POST", form.action, _FORM, body)
        assert answer is not None
        return answer.headers.get("location", "")

    def _pay_at_the_middle_page(self, url: str, openid: str) -> None:
        browser = {"Referer": f"https://{OUR_HOST}/", "Cookie": f"_payer={openid}"}
        answer = self._platforms.lines.carry("GET", url, browser, b"")
        assert answer is not None
        visit = answer.headers.get("location", "")
        if visit:
            self._post(WECHAT_HOST, f"{visit}/pay", {"action": "pay"})

    def _post(self, host: str, path: str, fields: dict[str, str]) -> None:
        url = f"https://{host}{path}"
        self._platforms.lines.carry("POST", url, _FORM, urlencode(fields).encode())

    def _control(self, path: str, order: dict[str, object]) -> None:
        url = f"https://{WECHAT_HOST}{path}"
        self._platforms.lines.carry("POST", url, {}, json.dumps(order).encode())
