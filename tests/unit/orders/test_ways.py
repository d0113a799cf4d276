"""What a choice on the cashier page means, and that nobody can choose what does not exist."""

from __future__ import annotations

import pytest

from chalicelib.errors import InvalidRequest
from chalicelib.orders.model import PayChannel, TradeType
from chalicelib.orders.pages.browser import Browser
from chalicelib.orders.pages.ways import channel_of, chosen_way, ways_for


@pytest.mark.parametrize(
    ("browser", "way"),
    [
        (Browser.WECHAT, TradeType.WX_JSAPI),
        (Browser.MOBILE, TradeType.WX_H5),
        (Browser.ALIPAY, TradeType.WX_H5),
        (Browser.DESKTOP, TradeType.WX_NATIVE),
    ],
)
def test_wechat_is_paid_as_the_browser_can(browser: Browser, way: TradeType) -> None:
    assert chosen_way(PayChannel.WECHAT, "", browser) is way


@pytest.mark.parametrize("browser", list(Browser))
def test_alipay_is_paid_alike_everywhere(browser: Browser) -> None:
    assert chosen_way(PayChannel.ALIPAY, "", browser) is TradeType.ALI_WAP


@pytest.mark.parametrize("browser", list(Browser))
def test_the_code_of_wechat_can_be_chosen_anywhere(browser: Browser) -> None:
    assert chosen_way(PayChannel.WECHAT, "WX_NATIVE", browser) is TradeType.WX_NATIVE


@pytest.mark.parametrize(
    ("channel", "asked"),
    [
        (PayChannel.WECHAT, "WX_JSAPI"),
        (PayChannel.WECHAT, "WX_H5"),
        (PayChannel.WECHAT, "ALI_WAP"),
        (PayChannel.WECHAT, "wx_native"),
        (PayChannel.WECHAT, "支付" * 500),
        (PayChannel.ALIPAY, "WX_NATIVE"),
        (PayChannel.ALIPAY, "ALI_WAP"),
    ],
)
def test_nothing_else_is_a_choice(channel: PayChannel, asked: str) -> None:
    with pytest.raises(InvalidRequest, match="不支持的支付方式"):
        chosen_way(channel, asked, Browser.WECHAT)


@pytest.mark.parametrize("browser", list(Browser))
def test_what_is_offered_is_what_its_choice_means(browser: Browser) -> None:
    for way in ways_for(browser, PayChannel):
        asked = "WX_NATIVE" if way is TradeType.WX_NATIVE else ""
        assert chosen_way(channel_of(way), asked, browser) is way
