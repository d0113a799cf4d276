"""Control routes that act as a payer."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from flask import Blueprint, Response, request

from infra.local.wechat.bridge import invoked
from infra.local.wechat.control_views import seen_trade, to_json
from infra.local.wechat.ledger import TradeState
from infra.local.wechat.native import scanned
from infra.local.wechat.payers import TEST_PAYER
from infra.local.wechat.platform import Platform


class _Payer(msgspec.Struct, forbid_unknown_fields=True):
    openid: str | None = None


class _State(msgspec.Struct, forbid_unknown_fields=True):
    trade_state: TradeState


class _NativePayment(msgspec.Struct, forbid_unknown_fields=True):
    code_url: str
    openid: str = TEST_PAYER


class JsapiPayment(msgspec.Struct, forbid_unknown_fields=True):
    """``parameters`` as the page passed them to the bridge, and what the payer did then."""

    parameters: dict[str, Any]
    openid: str = TEST_PAYER
    action: Literal["pay", "cancel"] = "pay"


def add_payments(routes: Blueprint, platform: Platform) -> None:
    """Paying, and the other states of an unpaid trade."""

    @routes.post("/trades/<out_trade_no>/pay")
    def pay(out_trade_no: str) -> Response:
        named = msgspec.json.decode(request.get_data() or b"{}", type=_Payer).openid
        trade = platform.ledger.find(out_trade_no)
        ordered_for = trade.order.openid if trade is not None else None
        openid = platform.payers.meet(named or ordered_for or TEST_PAYER)
        return to_json(seen_trade(platform.ledger.pay(out_trade_no, openid)))

    @routes.post("/trades/<out_trade_no>/state")
    def state(out_trade_no: str) -> Response:
        wanted = msgspec.json.decode(request.get_data(), type=_State).trade_state
        return to_json(seen_trade(platform.ledger.set_unpaid_state(out_trade_no, wanted)))

    @routes.post("/jsapi-pay")
    def jsapi_pay() -> Response:
        asked = msgspec.json.decode(request.get_data(), type=JsapiPayment)
        openid = platform.payers.meet(asked.openid)
        parameters = msgspec.json.encode(asked.parameters)
        return to_json(invoked(platform, parameters, openid, asked.action))

    @routes.post("/native-pay")
    def native_pay() -> Response:
        asked = msgspec.json.decode(request.get_data(), type=_NativePayment)
        openid = platform.payers.meet(asked.openid)
        order = scanned(platform, asked.code_url).order
        return to_json(seen_trade(platform.ledger.pay(order.out_trade_no, openid)))

    @routes.post("/payers")
    def meet() -> Response:
        named = msgspec.json.decode(request.get_data(), type=_Payer).openid
        return to_json({"openid": platform.payers.meet(named or TEST_PAYER)}, 201)
