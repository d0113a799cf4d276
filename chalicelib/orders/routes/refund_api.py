"""Refunds over HTTP, for operators: ask for one, approve or reject it, see how it stands.

Who may is told by a role of the token (``REFUND_ROLE``). It is looked at before anything else, so
that without it all numbers get the same answer.
"""

from __future__ import annotations

import re

import msgspec
from chalice.app import Request, Response

from chalicelib import wiring
from chalicelib.authorizer import caller, jwt_authorizer
from chalicelib.errors import Forbidden, InvalidRequest, NotFound
from chalicelib.http import Api, cors, for_one_user, json_body
from chalicelib.money import Fen, yuan_text_to_fen
from chalicelib.orders.model import OrderId, PayNo, is_pay_no
from chalicelib.orders.order_book import parse_order_id
from chalicelib.orders.refunds.desk import RefundAsk
from chalicelib.orders.routes import render
from chalicelib.settings import settings

refunds = Api(__name__)

MAX_REASON_LENGTH = 80
"""https://pay.weixin.qq.com/doc/v3/merchant/4012791883"""

_KEY = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ANY_BODY = ["application/json", "application/x-www-form-urlencoded", "text/plain"]
_ACCEPTED = 202


class _RefundRequest(msgspec.Struct, rename="camel"):
    reason: str
    idempotency_key: str | None = None
    pay_no: str | None = None
    refund_fen: int | None = None
    refund_amount: str | None = None
    revoke: bool | None = None


@refunds.route("/{order_id}/refund", methods=["POST"], authorizer=jwt_authorizer, cors=cors())
def request_refund(order_id: str) -> Response:
    """Take a refund in; it is sent later. The same key and words give the same refund."""
    operator = _operator()
    number = parse_order_id(order_id)
    ask = _ask(refunds.current_request)
    refund = wiring.refund_desk().request(number, ask, operator)
    response = for_one_user(render.refund_for_operator(refund))
    response.status_code = _ACCEPTED
    return response


@refunds.route("/{order_id}/refunds", methods=["GET"], authorizer=jwt_authorizer, cors=cors())
def list_refunds(order_id: str) -> Response:
    """All refunds of an order, whoever wants them."""
    _operator()
    found = wiring.refund_desk().refunds_of(parse_order_id(order_id))
    return for_one_user({"items": [render.refund_for_operator(refund) for refund in found]})


@refunds.route(
    "/{order_id}/refunds/{refund_no}/approve",
    methods=["POST"],
    authorizer=jwt_authorizer,
    content_types=_ANY_BODY,
    cors=cors(),
)
def approve_refund(order_id: str, refund_no: str) -> Response:
    """Let a refund go out that another operator has asked for. Safe to repeat."""
    operator = _operator()
    number = _refund_of(parse_order_id(order_id), refund_no)
    return for_one_user(render.refund_for_operator(wiring.refund_desk().approve(number, operator)))


@refunds.route(
    "/{order_id}/refunds/{refund_no}/reject",
    methods=["POST"],
    authorizer=jwt_authorizer,
    content_types=_ANY_BODY,
    cors=cors(),
)
def reject_refund(order_id: str, refund_no: str) -> Response:
    """Turn a refund down that waits for approval. Safe to repeat."""
    operator = _operator()
    number = _refund_of(parse_order_id(order_id), refund_no)
    return for_one_user(render.refund_for_operator(wiring.refund_desk().reject(number, operator)))


def _operator() -> str:
    """The user id of a caller who may refund.

    Raises
    ------
    Forbidden
        The token has not the role.
    """
    user = caller(refunds.current_request)
    if settings().refund_role not in user.roles:
        raise Forbidden(detail="no refund role")
    return user.user_id


def _refund_of(order_id: OrderId, refund_no: str) -> str:
    """``refund_no``, if it is a refund of the order in the path."""
    known = {refund.out_refund_no for refund in wiring.refund_desk().refunds_of(order_id)}
    if refund_no not in known:
        raise NotFound("退款不存在", detail=f"no such refund of order {order_id}")
    return refund_no


def _ask(request: Request) -> RefundAsk:
    wanted = json_body(request, _RefundRequest)
    return RefundAsk(
        idempotency_key=_idempotency_key(
            wanted.idempotency_key, request.headers.get("idempotency-key")
        ),
        reason=_reason(wanted.reason),
        amount_fen=_amount(wanted.refund_fen, wanted.refund_amount),
        pay_no=_pay_no(wanted.pay_no),
        revoke=wanted.revoke,
    )


def _idempotency_key(in_body: str | None, in_header: str | None) -> str:
    key = in_header if in_body is None else in_body
    if key is None:
        raise InvalidRequest("缺少参数 idempotencyKey")
    if _KEY.fullmatch(key) is None:
        raise InvalidRequest("参数 idempotencyKey 应为 1 到 64 位字母、数字、下划线或连字符")
    if in_header not in (None, key):
        raise InvalidRequest("参数 idempotencyKey 与请求头 Idempotency-Key 不一致")
    return key


def _reason(text: str) -> str:
    reason = text.strip()
    if not reason or len(text) > MAX_REASON_LENGTH or _CONTROL.search(text):
        raise InvalidRequest(f"参数 reason 应为 1 到 {MAX_REASON_LENGTH} 个字符，不含控制字符")
    return reason


def _amount(fen: int | None, yuan: str | None) -> Fen | None:
    if fen is not None and yuan is not None:
        raise InvalidRequest("参数 refundFen 和 refundAmount 只能有一个")
    if fen is None and yuan is None:
        return None
    try:
        amount = Fen(fen) if yuan is None and fen is not None else yuan_text_to_fen(yuan or "")
    except ValueError:
        raise InvalidRequest("参数 refundAmount 应为以元为单位的金额，最多两位小数") from None
    if amount <= 0:
        raise InvalidRequest("退款金额应大于 0")
    return amount


def _pay_no(text: str | None) -> PayNo | None:
    if text is None:
        return None
    if not is_pay_no(text):
        raise InvalidRequest("参数 payNo 有误")
    return PayNo(text)
