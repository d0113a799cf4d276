"""A payer's browser: it has a kind, keeps cookies, presses buttons, and goes where it is sent."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from infra.local.purchase.html_forms import read_page
from infra.local.wechat.payers import PAYER_PARAMETER
from tests.integration.api.client import FORM, Answer
from tests.integration.api.shop import Purchase, Shop
from tests.unit.orders.documents import Document

IN_WECHAT = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) MicroMessenger/8.0.50"
ON_A_PHONE = "Mozilla/5.0 (Linux; Android 14) Chrome/120.0 Mobile Safari/537.36"
ON_A_DESKTOP = "Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0 Safari/537.36"
IN_ALIPAY = "Mozilla/5.0 (Linux; Android 14) AlipayClient/10.5.0 Mobile"
OAUTH = "/orders/wechat/oauth"
WECHAT, ALIPAY = "603001", "603002"


class PayersBrowser:
    """One browser in front of the shop; ``openid`` is whose WeChat it is, if it is one."""

    def __init__(self, shop: Shop, user_agent: str = IN_WECHAT, openid: str = "") -> None:
        self._shop = shop
        self._user_agent = user_agent
        self._openid = openid
        self.cookie = ""

    def look(self, purchase: Purchase) -> Answer:
        """Open the payment link."""
        return self._shop.client.follow("GET", purchase.pay_code["payUrl"], self._user_agent)

    def choose(self, purchase: Purchase, channel: str = WECHAT) -> Answer:
        """Open the payment link and press the button of a platform."""
        page = read_page(purchase.pay_code["payUrl"], self.look(purchase).text)
        form = next(
            form for form in page.forms if channel in [button.value for button in form.buttons]
        )
        return self.post(dict(form.filled({"channel": channel})))

    def post(self, fields: dict[str, str], **headers: str) -> Answer:
        """Send a form to ``requestpay``."""
        return self._kept(
            self._shop.client.send(
                "POST",
                "/orders/requestpay",
                content_type=FORM,
                headers={"User-Agent": self._user_agent, **headers},
                body=urlencode(fields).encode(),
            )
        )

    def ask_wechat(self, sent: Answer) -> str:
        """Follow a redirect to WeChat's OAuth; the query with which WeChat sends the browser back.

        Fails unless WeChat sends it to the one address of ours.
        """
        assert sent.status == 303, sent.text
        location = sent.headers["location"]
        assert location.startswith(f"{self._shop.wechat_url}/connect/oauth2/authorize?")
        payer = {PAYER_PARAMETER: self._openid} if self._openid else {}
        with httpx.Client(trust_env=False, cookies=payer) as http:
            answer = http.get(location)
        back = urlsplit(answer.headers["location"])
        assert f"{back.scheme}://{back.netloc}{back.path}" == f"https://pay.example{OAUTH}"
        return back.query

    def come_back(self, query: str) -> Answer:
        """Come back from WeChat's OAuth."""
        headers = {"User-Agent": self._user_agent, "Cookie": self.cookie}
        sent = {name: value for name, value in headers.items() if value}
        return self._kept(self._shop.client.send("GET", OAUTH, query=query, headers=sent))

    def reach_bridge(self, purchase: Purchase) -> Answer:
        """All of it: the page that calls WeChat's cashier."""
        return self.come_back(self.ask_wechat(self.choose(purchase)))

    def _kept(self, answer: Answer) -> Answer:
        self.cookie = answer.headers.get("set-cookie", self.cookie).partition(";")[0]
        return answer


def bridge_parameters(answer: Answer) -> dict[str, Any]:
    """What the page hands over to WeChat's bridge."""
    assert answer.status == 200, answer.text
    watch = Document(answer.text).one("div", id="watch").attributes
    parameters: dict[str, Any] = json.loads(watch["data-parameters"])
    return parameters


def waiting_fields(answer: Answer) -> dict[str, str]:
    """What the form of a waiting page posts."""
    assert answer.status == 409, answer.text
    form = Document(answer.text).one("form", id="again")
    assert form.attributes["action"] == "https://pay.example/orders/requestpay"
    return Document(answer.text).hidden_fields
