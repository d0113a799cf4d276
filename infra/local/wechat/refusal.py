"""How the platform says no: an HTTP status, a code and a text for developers.

Codes and statuses: the table on each call's page, such as
https://pay.weixin.qq.com/doc/v3/merchant/4012556398 and, older but longer,
https://pay.weixin.qq.com/wiki/doc/apiv3/apis/chapter3_4_3.shtml. Not every page says which case
leads to which code; where it does not, the nearest one is taken. The texts are for people.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(eq=False)
class Refusal(Exception):
    """A refused request or payment."""

    status: int
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def unsigned(message: str) -> Refusal:
    """The request is not provably the merchant's."""
    return Refusal(401, "SIGN_ERROR", message)


def bad_parameter(name: str, why: str) -> Refusal:
    """A parameter is missing, malformed or out of range."""
    return Refusal(400, "PARAM_ERROR", f"{name} {why}")


def against_rules(message: str) -> Refusal:
    """Each parameter is well-formed, and the request breaks a rule all the same."""
    return Refusal(400, "INVALID_REQUEST", message)


def order_unknown() -> Refusal:
    """No such trade: never ordered, or not yet."""
    return Refusal(404, "ORDER_NOT_EXIST", "订单不存在")


def order_paid() -> Refusal:
    """The trade is paid: it can be neither closed nor paid again."""
    return Refusal(400, "ORDERPAID", "该订单已支付")


def order_closed() -> Refusal:
    """The trade is closed for ever; its number is used up."""
    return Refusal(400, "ORDER_CLOSED", "该订单已关闭")


def number_used() -> Refusal:
    """The number belongs to a request with other parameters."""
    return Refusal(403, "OUT_TRADE_NO_USED", "201 商户订单号重复")


def other_merchant() -> Refusal:
    """``mchid`` is not the merchant who signed."""
    return Refusal(400, "MCH_NOT_EXISTS", "商户号不存在")


def system_error() -> Refusal:
    """The platform itself failed: ask again with the same parameters."""
    return Refusal(500, "SYSTEM_ERROR", "系统异常，请稍后重试")
