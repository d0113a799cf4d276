"""Which kind of browser opened a payment link; it decides what the cashier page offers."""

from __future__ import annotations

import re
from enum import StrEnum

_MOBILE = re.compile(r"Mobile|Android|iPhone|iPad|HarmonyOS", re.IGNORECASE)


class Browser(StrEnum):
    """Where the payer is."""

    WECHAT = "wechat"
    ALIPAY = "alipay"
    MOBILE = "mobile"
    DESKTOP = "desktop"


def browser_of(user_agent: str) -> Browser:
    """The kind of browser by its User-Agent; a hint for the page, never a permission."""
    if "MicroMessenger" in user_agent:
        return Browser.WECHAT
    if "AlipayClient" in user_agent:
        return Browser.ALIPAY
    return Browser.MOBILE if _MOBILE.search(user_agent) else Browser.DESKTOP
