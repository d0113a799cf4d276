"""Learning an openid: who cannot be known is asked again, and no secret is ever shown."""

from __future__ import annotations

import json
import logging
import traceback
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from chalicelib.deadline import Deadline
from chalicelib.errors import ChannelError, ChannelRefused, ChannelUnavailable
from chalicelib.orders.wechat.oauth import CodeNotUsable, WeChatOAuth
from chalicelib.settings import SettingsError
from tests.wechat_gateway import Gateway, raw
from tests.wechat_peer import APP_ID, OPENID

SECRET = "6fd9c8b1a7e5secretsecretsecret00"
CODE = "061FCodeCodeCode0Fj1"
STATE = "0123456789abcdef0123456789abcdef"
GRANTED = {"access_token": "A", "expires_in": 7200, "openid": OPENID, "scope": "snsapi_base"}


def an_oauth(**changes: Any) -> WeChatOAuth:
    arguments: dict[str, Any] = {
        "app_id": APP_ID,
        "app_secret": SECRET,
        "authorize_url": "https://open.weixin.qq.com/connect/oauth2/authorize",
        "token_url": "https://api.weixin.example/sns/oauth2/access_token",
        "redirect_uri": "https://pay.example/orders/wechat/oauth?a=b&c",
        **changes,
    }
    return WeChatOAuth(**arguments)


def asked(gateway: Gateway, code: str = CODE) -> str:
    oauth = an_oauth(token_url=f"{gateway.url}/sns/oauth2/access_token")
    return oauth.openid(code, Deadline.after(10))


def answers(gateway: Gateway, content: Any, status: int = 200) -> None:
    # WeChat says text/plain here, and signs nothing
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    gateway.answers = [raw(status, {"Content-Type": "text/plain"}, body)]


class TestTheWayThere:
    def test_a_browser_is_sent_for_the_openid_alone(self) -> None:
        url = an_oauth().authorize_url(STATE)

        parts = urlsplit(url)
        assert url.startswith("https://open.weixin.qq.com/connect/oauth2/authorize?appid=")
        assert parts.fragment == "wechat_redirect"
        assert parse_qsl(parts.query, strict_parsing=True) == [
            ("appid", APP_ID),
            ("redirect_uri", "https://pay.example/orders/wechat/oauth?a=b&c"),
            ("response_type", "code"),
            ("scope", "snsapi_base"),
            ("state", STATE),
        ]
        assert SECRET not in url

    @pytest.mark.parametrize("state", ["", "a" * 129, "a-b", "a b", "状态", "a\n"])
    def test_a_state_that_wechat_would_not_carry_is_a_mistake_of_ours(self, state: str) -> None:
        with pytest.raises(ValueError, match="state"):
            an_oauth().authorize_url(state)

    def test_without_a_secret_there_is_no_oauth(self) -> None:
        with pytest.raises(SettingsError, match="wechat_app_secret"):
            an_oauth(app_secret="")


class TestTheExchange:
    def test_a_code_becomes_an_openid(self, gateway: Gateway) -> None:
        answers(gateway, GRANTED)

        assert asked(gateway) == OPENID

        (question,) = gateway.asked
        parts = urlsplit(question.target)
        assert (question.method, parts.path) == ("GET", "/sns/oauth2/access_token")
        assert dict(parse_qsl(parts.query)) == {
            "appid": APP_ID,
            "secret": SECRET,
            "code": CODE,
            "grant_type": "authorization_code",
        }

    @pytest.mark.parametrize("number", [40029, 40163, 42003, 41008])
    def test_a_code_that_is_used_old_or_wrong_begins_the_oauth_again(
        self, gateway: Gateway, number: int
    ) -> None:
        answers(gateway, {"errcode": number, "errmsg": "code been used, rid: 1"})

        with pytest.raises(CodeNotUsable):
            asked(gateway)

    @pytest.mark.parametrize("code", ["", "a b", "a&secret=b", "代码", "a" * 513, "a\r\nb"])
    def test_what_cannot_be_a_code_is_not_asked_about(self, gateway: Gateway, code: str) -> None:
        with pytest.raises(CodeNotUsable):
            asked(gateway, code)

        assert gateway.asked == []

    @pytest.mark.parametrize("number", [40013, 40125, 40164, 1])
    def test_a_refusal_of_us_is_a_refusal(self, gateway: Gateway, number: int) -> None:
        answers(gateway, {"errcode": number, "errmsg": "invalid appsecret"})

        with pytest.raises(ChannelRefused, match=str(number)):
            asked(gateway)

    @pytest.mark.parametrize(
        "content",
        [
            {"errcode": -1, "errmsg": "system error"},
            {"errcode": 45011},
            {"errcode": "40029"},
            {"errcode": None},
            {"errcode": [40029]},
            {"access_token": "A"},
            {"openid": ""},
            {"openid": None},
            {"openid": ["o"]},
            {"openid": "o'><script>"},
            [],
            None,
            b"",
            b"<html>busy</html>",
            b"\xff\xfe",
            b'{"openid":"oUpF8',
            b"[" * 10_000,
        ],
    )
    def test_an_answer_that_tells_nothing_is_unknown(self, gateway: Gateway, content: Any) -> None:
        answers(gateway, content)

        with pytest.raises(ChannelUnavailable):
            asked(gateway)

    @pytest.mark.parametrize("status", [302, 400, 403, 500, 502])
    def test_only_200_is_an_answer(self, gateway: Gateway, status: int) -> None:
        answers(gateway, GRANTED, status)

        with pytest.raises(ChannelUnavailable, match=str(status)):
            asked(gateway)


class TestSecrets:
    """Every way to fail, with every logger at its loudest."""

    @pytest.mark.parametrize("way", ["answers", "refuses", "garbage", "bad headers", "refused"])
    def test_neither_secret_nor_code_nor_openid_is_shown(
        self, gateway: Gateway, way: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        url = gateway.url
        match way:
            case "answers":
                answers(gateway, GRANTED)
            case "refuses":
                answers(gateway, {"errcode": 40125, "errmsg": f"{SECRET} {CODE} {OPENID}"})
            case "garbage":
                answers(gateway, f"{SECRET} {CODE} {OPENID}".encode())
            case "bad headers":
                gateway.answers = [raw(200, {"X": "a\r\nno header at all"}, b"{}")]
            case "refused":
                url = "http://127.0.0.1:1"
        oauth = an_oauth(token_url=f"{url}/sns/oauth2/access_token")
        shown = ""

        try:
            oauth.openid(CODE, Deadline.after(10))
        except ChannelError as error:
            shown = "".join(traceback.format_exception(error)) + repr(error) + error.detail

        for secret in (SECRET, CODE, OPENID):
            assert secret not in shown
            assert secret not in caplog.text
