"""Control routes of refunds: how they end, and those made by hand in the merchant portal."""

from __future__ import annotations

import secrets

import msgspec
from flask import Blueprint, Response, request

from chalicelib.money import Fen
from infra.local.wechat.control_views import seen_refund, to_json
from infra.local.wechat.platform import Platform
from infra.local.wechat.refund_outcomes import Outcome, RefundStatus
from infra.local.wechat.refunds import RefundOrigin, RefundRequest
from infra.local.wechat.refusal import order_unknown


class _PortalRefund(msgspec.Struct, forbid_unknown_fields=True):
    """``refund`` is in fen; without it, all that is paid."""

    refund: int | None = None
    reason: str | None = None


class _End(msgspec.Struct, forbid_unknown_fields=True):
    status: RefundStatus


def add_refunds(routes: Blueprint, platform: Platform) -> None:
    """Ending refunds, ordering their ends, and the portal."""

    @routes.post("/trades/<out_trade_no>/refund")
    def portal_refund(out_trade_no: str) -> Response:
        asked = msgspec.json.decode(request.get_data() or b"{}", type=_PortalRefund)
        trade = platform.ledger.find(out_trade_no)
        if trade is None:
            raise order_unknown()
        number = f"PORTAL{secrets.token_hex(8)}"
        refund = platform.refunds.accept(
            RefundRequest(
                out_refund_no=number,
                refund=Fen(asked.refund if asked.refund is not None else trade.order.total),
                reason=asked.reason,
                # v3 notifies the address of the request, and a hand in the portal gives none
                notify_url="",
                parameters={"out_refund_no": number},
                origin=RefundOrigin.PORTAL,
            ),
            trade,
        )
        return to_json(seen_refund(refund), 201)

    @routes.post("/refunds/<out_refund_no>/end")
    def end(out_refund_no: str) -> Response:
        status = msgspec.json.decode(request.get_data(), type=_End).status
        if status is RefundStatus.PROCESSING:
            raise ValueError("PROCESSING is no end")
        refund = platform.refunds.end(out_refund_no, status)
        if refund is None:
            return to_json({"error": f"no refund {out_refund_no} is PROCESSING"}, 404)
        return to_json(seen_refund(refund))

    @routes.post("/refund-outcomes")
    def order_outcome() -> Response:
        outcome = msgspec.json.decode(request.get_data(), type=Outcome)
        platform.outcomes.add(outcome)
        return to_json(outcome, 201)

    @routes.delete("/refund-outcomes")
    def forget_outcomes() -> Response:
        platform.outcomes.clear()
        return to_json([])
