"""How the platform says no.

Gateway codes: https://opendocs.alipay.com/open/common/105806 (公共错误码). Business codes
(``ACQ.…``): the page of each method. The texts are for developers, so they name the field at fault.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(eq=False)
class Refusal(Exception):
    """A refused request: ``code`` is the gateway's class of it, ``sub_code`` the reason."""

    code: str
    msg: str
    sub_code: str
    sub_msg: str
    signed: bool = True
    """The platform cannot sign for an app that it does not know: it has a key per app."""

    def __str__(self) -> str:
        return f"{self.sub_code}: {self.sub_msg}"


def missing(name: str, parameter: str) -> Refusal:
    """A public parameter is not there; ``name`` is how the code calls it."""
    return Refusal(
        "40001", "Missing Required Arguments", f"isv.missing-{name}", f"缺少{parameter}参数"
    )


def invalid(name: str, sub_msg: str, *, signed: bool = True) -> Refusal:
    """A public parameter has a value that the gateway does not take."""
    return Refusal("40002", "Invalid Arguments", f"isv.invalid-{name}", sub_msg, signed)


def failed(sub_code: str, sub_msg: str) -> Refusal:
    """A method refuses, with a code of any family."""
    return Refusal("40004", "Business Failed", sub_code, sub_msg)


def business(sub_code: str, sub_msg: str) -> Refusal:
    """A method of trades refuses: ``sub_code`` without its ``ACQ.``."""
    return failed(f"ACQ.{sub_code}", sub_msg)


def invalid_parameter(name: str, why: str) -> Refusal:
    """A field of ``biz_content`` is missing or unfit."""
    return business("INVALID_PARAMETER", f"参数无效：{name} {why}")


def service_unavailable() -> Refusal:
    """The platform itself failed: ask again later."""
    return Refusal("20000", "Service Currently Unavailable", "isp.unknow-error", "系统繁忙")
