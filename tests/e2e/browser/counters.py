"""What a person does at the cashiers of the simulators."""

from __future__ import annotations

from tests.e2e.browser.visitor import Visitor

ALIPAY_PASSWORD = "111111"
OTHER_WECHAT_PAYER = "oTestPayerB0000000000000002x"


def pay_at_alipay(payer: Visitor) -> None:
    """Log in, and pay."""
    payer.press("登录")
    enter_password(payer)


def enter_password(payer: Visitor) -> None:
    """Pay, having logged in."""
    payer.page.get_by_label("支付密码").fill(ALIPAY_PASSWORD)
    payer.press("确认付款")


def is_another_wechat_payer(payer: Visitor, wechat_url: str) -> None:
    """The simulator takes the browser for somebody else's."""
    cookie = {"name": "_payer", "value": OTHER_WECHAT_PAYER, "url": wechat_url}
    payer.context.add_cookies([cookie])
