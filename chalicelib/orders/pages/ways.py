"""The ways to pay: which of them a browser is offered, and which one a choice means."""

from __future__ import annotations

from collections.abc import Collection

from chalicelib.errors import InvalidRequest
from chalicelib.orders.model import PayChannel, TradeType
from chalicelib.orders.pages.browser import Browser

_OFFERED = {
    # WeChat blocks Alipay's pages, and Alipay's browser cannot wake WeChat
    Browser.WECHAT: (TradeType.WX_JSAPI,),
    Browser.ALIPAY: (TradeType.ALI_WAP,),
    Browser.MOBILE: (TradeType.WX_H5, TradeType.ALI_WAP),
    Browser.DESKTOP: (TradeType.ALI_WAP, TradeType.WX_NATIVE),
}


def ways_for(browser: Browser, served: Collection[PayChannel]) -> tuple[TradeType, ...]:
    """The ways that work in ``browser``, of the platforms that are served; the best one first."""
    return tuple(way for way in _OFFERED[browser] if channel_of(way) in served)


def channel_of(way: TradeType) -> PayChannel:
    """The platform of a trade type."""
    return PayChannel.ALIPAY if way is TradeType.ALI_WAP else PayChannel.WECHAT


def chosen_way(channel: PayChannel, asked: str, browser: Browser) -> TradeType:
    """The trade type that a choice means: ``asked`` if it says so, else what the browser can do.

    Raises
    ------
    InvalidRequest
        ``asked`` is neither empty nor WX_NATIVE for WeChat: nobody else has a choice.
    """
    if channel is PayChannel.WECHAT and asked == TradeType.WX_NATIVE:
        return TradeType.WX_NATIVE
    if asked:
        raise InvalidRequest("不支持的支付方式", detail=f"tradeType {asked[:64]!r}")
    if channel is PayChannel.ALIPAY:
        return TradeType.ALI_WAP
    match browser:
        case Browser.WECHAT:
            return TradeType.WX_JSAPI
        case Browser.DESKTOP:
            return TradeType.WX_NATIVE
        case _:
            return TradeType.WX_H5
