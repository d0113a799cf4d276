"""What stands in front of our pages: the kinds of browsers that payers have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from infra.local.purchase.browser import INSIDE_ALIPAY, INSIDE_WECHAT, MOBILE

_ON_A_DESK = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"


@dataclass(frozen=True)
class Device:
    """A browser by what it says of itself, with its window in CSS pixels."""

    user_agent: str
    width: int = 375
    height: int = 812
    touches: bool = True

    @property
    def context(self) -> dict[str, Any]:
        """The options of Playwright's ``new_context``."""
        return {
            "user_agent": self.user_agent,
            "viewport": {"width": self.width, "height": self.height},
            "has_touch": self.touches,
            "is_mobile": self.touches,
            "locale": "zh-CN",
            "timezone_id": "Asia/Shanghai",
            "reduced_motion": "reduce",
        }


PHONE = Device(MOBILE)
WECHAT = Device(INSIDE_WECHAT)
ALIPAY = Device(INSIDE_ALIPAY)
DESKTOP = Device(f"{_ON_A_DESK} Chrome/130.0.0.0 Safari/537.36", 1280, 800, touches=False)
