"""Who the browser is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest

from infra.local.wechat.payers import OTHER_PAYER, TEST_PAYER
from infra.local.wechat.signature import Keys
from tests.integration.simulators.merchant import ShiftedClock
from tests.integration.simulators.wechat.merchant import APP_ID, WechatMerchant

BACK = "https://pay.school.test/back?a=1"


def authorize(school: WechatMerchant, **changes: str | None) -> httpx.Response:
    """The platform's page in a browser; None takes a parameter away."""
    asked = {
        "appid": APP_ID,
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": "snsapi_base",
        "state": "abc123",
        **changes,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    return school.http.get(f"{school.url}/connect/oauth2/authorize", params=given)


def code(school: WechatMerchant, **changes: str | None) -> str:
    return parse_qs(urlsplit(authorize(school, **changes).headers["Location"]).query)["code"][0]


@pytest.fixture
def exchange(school: WechatMerchant, wechat_keys: Keys) -> Any:
    def exchanged(code: str, /, **changes: str) -> dict[str, Any]:
        asked = {
            "appid": APP_ID,
            "secret": wechat_keys.app_secret,
            "code": code,
            "grant_type": "authorization_code",
        }
        url = f"{school.url}/sns/oauth2/access_token"
        answer = school.http.get(url, params=asked | changes)
        assert answer.status_code == 200
        return dict(answer.json())

    return exchanged


def test_a_browser_is_sent_back_at_once_with_code_and_state(school: WechatMerchant) -> None:
    answer = authorize(school)
    location = urlsplit(answer.headers["Location"])
    assert answer.status_code == 302
    assert f"{location.scheme}://{location.netloc}{location.path}" == "https://pay.school.test/back"
    assert [name for name, _ in parse_qsl(location.query)] == ["a", "code", "state"]
    assert dict(parse_qsl(location.query))["state"] == "abc123"


def test_the_code_goes_before_the_fragment(school: WechatMerchant) -> None:
    back = "https://pay.school.test/index.html#/orders?x=1"
    location = urlsplit(authorize(school, redirect_uri=back).headers["Location"])
    assert location.query.startswith("code=")
    assert location.fragment == "/orders?x=1"


@pytest.mark.parametrize(
    "changes",
    [
        {"appid": "wx2"},
        {"redirect_uri": "https://evil.test/back"},
        {"redirect_uri": "https://sub.pay.school.test/back"},
        {"redirect_uri": "https://pay.school.test.evil.test/back"},
        {"redirect_uri": "https://pay.school.test@evil.test/back"},
        {"redirect_uri": "javascript://pay.school.test/"},
        {"redirect_uri": "http://[bad"},
        {"redirect_uri": None},
        {"response_type": "token"},
        {"scope": "snsapi_userinfo"},
        {"scope": None},
        {"state": "a-b"},
        {"state": "x" * 129},
    ],
)
def test_a_browser_is_not_sent_on_for_a_wrong_request(
    school: WechatMerchant, changes: dict[str, str | None]
) -> None:
    answer = authorize(school, **changes)
    assert "Location" not in answer.headers
    assert "参数错误" in answer.text


def test_a_code_tells_the_openid(school: WechatMerchant, exchange: Any) -> None:
    answer = exchange(code(school))
    assert answer["openid"] == TEST_PAYER
    assert answer["scope"] == "snsapi_base"
    assert {"access_token", "refresh_token", "expires_in"} <= answer.keys()


def test_a_browser_may_be_another_payer_and_stays_it(school: WechatMerchant, exchange: Any) -> None:
    assert exchange(code(school, _payer=OTHER_PAYER))["openid"] == OTHER_PAYER
    assert exchange(code(school))["openid"] == OTHER_PAYER


def test_a_payer_who_came_by_exists_from_then_on(school: WechatMerchant) -> None:
    newcomer = "oNewcomer0000000000000000003"
    order = school.order(payer={"openid": newcomer})
    assert school.prepay(order).status_code == 400
    authorize(school, _payer=newcomer)
    assert school.prepay(order).status_code == 200


def test_what_is_no_openid_is_no_payer(school: WechatMerchant) -> None:
    assert authorize(school, _payer="somebody").status_code == 400
    url = f"{school.url}/_control/payers"
    assert school.http.post(url, json={"openid": "somebody"}).status_code == 400
    assert school.control("/payers", {"openid": OTHER_PAYER}) == {"openid": OTHER_PAYER}


def test_a_code_is_used_once(school: WechatMerchant, exchange: Any) -> None:
    once = code(school)
    exchange(once)
    assert exchange(once)["errcode"] == 40163


def test_an_unknown_code_is_refused(exchange: Any) -> None:
    assert exchange("nobody")["errcode"] == 40029


def test_a_code_lives_five_minutes(
    school: WechatMerchant, exchange: Any, clock: ShiftedClock
) -> None:
    late = code(school)
    clock.ahead += timedelta(minutes=5, seconds=1)
    assert exchange(late)["errcode"] == 40029


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"secret": "wrong"}, 40125),
        ({"appid": "wx2"}, 40013),
        ({"grant_type": "password"}, 40002),
        ({"code": ""}, 41008),
    ],
)
def test_a_server_that_asks_wrongly_is_refused_and_may_ask_again(
    school: WechatMerchant, exchange: Any, changes: dict[str, str], errcode: int
) -> None:
    fresh = code(school)
    assert exchange(fresh, **changes)["errcode"] == errcode
    assert exchange(fresh)["openid"] == TEST_PAYER


def test_the_exchange_can_fail_on_command(school: WechatMerchant, exchange: Any) -> None:
    school.order_fault(on="access_token", do="system_error")
    fresh = code(school)
    assert exchange(fresh)["errcode"] == -1
    school.order_fault(on="access_token", do="lost")
    with pytest.raises(httpx.RemoteProtocolError):
        exchange(fresh)
    assert exchange(fresh)["errcode"] == 40163
