"""The kinds of browsers that the stack can take this one for, by what they say of themselves."""

from __future__ import annotations

from enum import StrEnum

from infra.local.purchase.browser import INSIDE_ALIPAY, INSIDE_WECHAT, MOBILE

_ON_A_DESKTOP = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/130.0.0.0 Safari/537.36"
)


class Kind(StrEnum):
    """What this browser is taken for; the value stands in the cookie and in addresses."""

    WECHAT = "wechat"
    ALIPAY = "alipay"
    PHONE = "phone"
    DESKTOP = "desktop"

    @property
    def user_agent(self) -> str:
        """What such a browser says of itself."""
        return _USER_AGENTS[self]

    @property
    def label(self) -> str:
        """What a person calls it."""
        return _LABELS[self]


_USER_AGENTS = {
    Kind.WECHAT: INSIDE_WECHAT,
    Kind.ALIPAY: INSIDE_ALIPAY,
    Kind.PHONE: MOBILE,
    Kind.DESKTOP: _ON_A_DESKTOP,
}
_LABELS = {
    Kind.WECHAT: "微信",
    Kind.ALIPAY: "支付宝",
    Kind.PHONE: "手机浏览器",
    Kind.DESKTOP: "电脑",
}
ITSELF = "itself"
"""Instead of a kind: be what you are."""
ITSELF_LABEL = "不切换"
