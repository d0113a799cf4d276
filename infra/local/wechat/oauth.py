"""OAuth of an official account: a code in the browser, then the openid between servers.

https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html.
Only ``snsapi_base``, which asks the payer nothing. A used code answers 40163, an unknown or expired
one 40029.
"""

from __future__ import annotations

import hmac
import json
import re
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from infra.local.wechat.answer_faults import carried_out
from infra.local.wechat.envelope import nonce_of
from infra.local.wechat.faults import ACCESS_TOKEN, Fault
from infra.local.wechat.oauth_codes import CodeUnknown, CodeUsed
from infra.local.wechat.platform import Platform

TOKEN_SECONDS = 7200
_STATE = re.compile(r"[0-9A-Za-z]{0,128}", re.ASCII)


def oauth(platform: Platform) -> Blueprint:
    """The page that redirects, and the call that tells the openid."""
    routes = Blueprint("oauth", __name__)

    @routes.get("/connect/oauth2/authorize")
    def authorize() -> AnyResponse:
        complaint = _complaint(platform)
        if complaint:
            return Response(render_template("refused.html", message=complaint, code=""))
        code = platform.oauth_codes.make(platform.payers.of(request))
        return redirect(_with_code(request.args["redirect_uri"], code), 302)

    @routes.get("/sns/oauth2/access_token")
    def access_token() -> Response:
        fault = platform.faults.take(ACCESS_TOKEN, "")
        return carried_out(platform, fault, lambda: _json(_token(platform, fault)))

    return routes


def _complaint(platform: Platform) -> str:
    """Why a browser is not sent on; the merchant's page never hears of it."""
    asked = request.args
    try:
        target = urlsplit(asked.get("redirect_uri", ""))
        host = target.hostname
    except ValueError:
        return "redirect_uri 参数错误"
    if asked.get("appid") != platform.merchant.app_id:
        return "AppID 参数错误"
    if target.scheme not in ("http", "https") or not platform.merchant.may_get_codes(host):
        return "redirect_uri 参数错误"
    if asked.get("response_type") != "code":
        return "response_type 参数错误"
    if asked.get("scope") != "snsapi_base":
        return "Scope 参数错误或没有 Scope 权限"
    if _STATE.fullmatch(asked.get("state", "")) is None:
        return "state 参数错误"
    return ""


def _with_code(redirect_uri: str, code: str) -> str:
    """The code goes before a ``#``, wherever the page expects it."""
    target = urlsplit(redirect_uri)
    answer = urlencode({"code": code, "state": request.args.get("state", "")})
    query = f"{target.query}&{answer}" if target.query else answer
    return target._replace(query=query).geturl()


def _token(platform: Platform, fault: Fault | None) -> dict[str, Any]:
    if fault is not None and fault.do == "system_error":
        return _error(-1, "system error")
    asked = request.args
    if asked.get("appid") != platform.merchant.app_id:
        return _error(40013, "invalid appid")
    if not hmac.compare_digest(asked.get("secret", "").encode(), platform.keys.app_secret.encode()):
        return _error(40125, "invalid appsecret")
    if asked.get("grant_type") != "authorization_code":
        return _error(40002, "invalid grant_type")
    if not asked.get("code"):
        return _error(41008, "missing code")
    try:
        openid = platform.oauth_codes.exchange(asked["code"])
    except CodeUsed:
        return _error(40163, "code been used")
    except CodeUnknown:
        return _error(40029, "invalid code")
    return {
        "access_token": nonce_of(64),
        "expires_in": TOKEN_SECONDS,
        "refresh_token": nonce_of(64),
        "openid": openid,
        "scope": "snsapi_base",
    }


def _error(errcode: int, errmsg: str) -> dict[str, Any]:
    return {"errcode": errcode, "errmsg": f"{errmsg}, rid: {nonce_of(8)}"}


def _json(content: dict[str, Any]) -> Response:
    # the platform says text/plain, with status 200 whatever happened
    return Response(json.dumps(content), content_type="text/plain")
