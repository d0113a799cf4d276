"""Our OAuth against the simulated WeChat."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from chalicelib.errors import ChannelRefused
from chalicelib.orders.wechat.oauth import CodeNotUsable, WeChatOAuth
from infra.local.services.web_server import WebServer
from infra.local.wechat.payers import TEST_PAYER
from tests.integration.simulators.wechat.channel.purchase import (
    soon,
)
from tests.integration.simulators.wechat.merchant import (
    APP_ID,
)


def test_a_browser_comes_back_with_a_code_that_tells_its_payer_once(
    wechat: WebServer, stack_folder: Path
) -> None:
    oauth = an_oauth(wechat, stack_folder)
    back = httpx.get(oauth.authorize_url("a1b2"), follow_redirects=False)
    arrived = dict(parse_qsl(urlsplit(back.headers["Location"]).query))

    assert arrived["state"] == "a1b2"
    assert oauth.openid(arrived["code"], soon()) == TEST_PAYER
    with pytest.raises(CodeNotUsable):
        oauth.openid(arrived["code"], soon())


def test_a_code_that_nobody_gave_out_cannot_be_used(wechat: WebServer, stack_folder: Path) -> None:
    with pytest.raises(CodeNotUsable):
        an_oauth(wechat, stack_folder).openid("061FCode", soon())


def test_a_wrong_secret_is_refused(wechat: WebServer, stack_folder: Path) -> None:
    oauth = an_oauth(wechat, stack_folder, app_secret="wrong")

    with pytest.raises(ChannelRefused, match="40125"):
        oauth.openid("061FCode", soon())


def an_oauth(wechat: WebServer, stack_folder: Path, **changes: Any) -> WeChatOAuth:
    arguments: dict[str, Any] = {
        "app_id": APP_ID,
        "app_secret": (stack_folder / "secrets/wechat_app_secret").read_text().strip(),
        "authorize_url": f"{wechat.url}/connect/oauth2/authorize",
        "token_url": f"{wechat.url}/sns/oauth2/access_token",
        "redirect_uri": "https://pay.school.test/orders/wechat/oauth",
        **changes,
    }
    return WeChatOAuth(**arguments)
