"""The payer's side: the bridge, the middle page of H5, the scanner."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from infra.local.purchase.html_forms import read_page
from infra.local.wechat.payers import OTHER_PAYER, TEST_PAYER
from tests.integration.simulators.merchant import ShiftedClock
from tests.integration.simulators.wechat.merchant import NO, WechatMerchant

OK, CANCEL, FAIL = (f"get_brand_wcpay_request:{word}" for word in ("ok", "cancel", "fail"))
REFERER = "https://www.h5.school.test/pay"
BACK = "https://h5.school.test/result"


@pytest.fixture
def prepay_id(school: WechatMerchant) -> str:
    return str(school.prepay().json()["prepay_id"])


def invoke(school: WechatMerchant, parameters: dict[str, Any], **more: Any) -> dict[str, Any]:
    return school.control("/jsapi-pay", {"parameters": parameters, **more})


def test_the_bridge_pays_what_the_merchant_signed(school: WechatMerchant, prepay_id: str) -> None:
    result = invoke(school, school.bridge_parameters(prepay_id))
    assert result["err_msg"] == OK
    assert school.query().json()["payer"] == {"openid": TEST_PAYER}


def test_a_payer_who_cancels_can_pay_later(school: WechatMerchant, prepay_id: str) -> None:
    parameters = school.bridge_parameters(prepay_id)
    assert invoke(school, parameters, action="cancel")["err_msg"] == CANCEL
    assert school.query().json()["trade_state"] == "NOTPAY"
    assert invoke(school, parameters)["err_msg"] == OK
    assert invoke(school, parameters)["err_msg"] == FAIL


@pytest.mark.parametrize(
    "changes",
    [
        {"appId": "wx2"},
        {"timeStamp": "1"},
        {"timeStamp": 1700000000},
        {"nonceStr": "another"},
        {"package": "prepay_id=wx0"},
        {"package": "wx0"},
        {"signType": "MD5"},
        {"paySign": "AAAA"},
        {"paySign": None},
    ],
)
def test_the_bridge_refuses_other_parameters(
    school: WechatMerchant, prepay_id: str, changes: dict[str, Any]
) -> None:
    parameters = school.bridge_parameters(prepay_id, **changes)
    result = invoke(school, parameters)
    assert result["err_msg"] == FAIL
    assert result["err_desc"]
    assert school.query().json()["trade_state"] == "NOTPAY"


def test_the_bridge_refuses_an_unknown_prepay_id_though_signed(school: WechatMerchant) -> None:
    assert invoke(school, school.bridge_parameters("wx0"))["err_msg"] == FAIL


def test_the_bridge_refuses_another_payer(school: WechatMerchant, prepay_id: str) -> None:
    parameters = school.bridge_parameters(prepay_id)
    assert invoke(school, parameters, openid=OTHER_PAYER)["err_msg"] == FAIL


def test_a_prepay_id_lives_two_hours(school: WechatMerchant, clock: ShiftedClock) -> None:
    order = school.order(time_expire=None)
    early = school.prepay(order).json()["prepay_id"]
    clock.ahead += timedelta(hours=2, seconds=1)
    assert invoke(school, school.bridge_parameters(early))["err_msg"] == FAIL
    fresh = school.prepay(order).json()["prepay_id"]
    assert invoke(school, school.bridge_parameters(fresh))["err_msg"] == OK


def test_a_page_gets_the_bridge_as_a_script_and_asks_across_origins(
    school: WechatMerchant, prepay_id: str
) -> None:
    script = school.http.get(f"{school.url}/_bridge.js")
    assert "WeixinJSBridge" in script.text
    assert f'"{school.url}"' in script.text
    origin = "https://pay.school.test"
    school.http.cookies.set("_payer", TEST_PAYER)
    for action in ("check", "pay"):
        answer = school.http.post(
            f"{school.url}/_bridge/{action}",
            json=school.bridge_parameters(prepay_id),
            headers={"Origin": origin},
        )
        assert answer.json() == {"err_msg": OK, "description": "Java 编程思想", "total": 990}
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert school.query().json()["trade_state"] == "SUCCESS"


@pytest.fixture
def h5_url(school: WechatMerchant) -> str:
    return str(school.prepay(school.h5_order(), "h5").json()["h5_url"])


@pytest.fixture
def open_h5(school: WechatMerchant, h5_url: str) -> Callable[..., httpx.Response]:
    def opened(referer: str | None = REFERER, **parameters: str) -> httpx.Response:
        headers = {"Referer": referer} if referer else {}
        url = httpx.URL(h5_url).copy_merge_params(parameters)
        return school.http.get(url, headers=headers, follow_redirects=True)

    return opened


def press(school: WechatMerchant, page: httpx.Response, action: str) -> httpx.Response:
    form = read_page(str(page.url), page.text).forms[0]
    return school.http.post(form.action, data={"action": action})


def test_an_h5_payer_pays_and_goes_back(
    school: WechatMerchant, open_h5: Callable[..., httpx.Response]
) -> None:
    page = open_h5(redirect_url=BACK)
    assert "¥9.90" in page.text
    paid = press(school, page, "pay")
    assert (paid.status_code, paid.headers["Location"]) == (303, BACK)
    assert school.query().json()["trade_type"] == "MWEB"
    assert "支付成功" in school.http.get(page.url).text


def test_an_h5_payer_who_cancels_goes_back_too(
    school: WechatMerchant, open_h5: Callable[..., httpx.Response]
) -> None:
    assert press(school, open_h5(), "cancel").headers["Location"] == REFERER
    assert school.query().json()["trade_state"] == "NOTPAY"


@pytest.mark.parametrize(
    ("referer", "parameters", "complaint"),
    [
        (None, {}, "商家参数格式有误"),
        ("https://evil.test/h5.school.test", {}, "商家存在未配置的参数"),
        ("https://evilh5.school.test/", {}, "商家存在未配置的参数"),
        ("http://[bad", {}, "商家存在未配置的参数"),
        (REFERER, {"redirect_url": "https://evil.test/"}, "商家存在未配置的参数"),
        (REFERER, {"package": "0"}, "支付请求已失效"),
        (REFERER, {"prepay_id": "wx0"}, "支付请求已失效"),
    ],
)
def test_the_middle_page_refuses_what_does_not_come_from_the_merchant(
    open_h5: Callable[..., httpx.Response],
    referer: str | None,
    parameters: dict[str, str],
    complaint: str,
) -> None:
    page = open_h5(referer, **parameters)
    assert complaint in page.text
    assert "<form" not in page.text


def test_the_middle_page_is_not_for_the_browser_of_wechat(
    school: WechatMerchant, h5_url: str
) -> None:
    headers = {"Referer": REFERER, "User-Agent": "Mozilla/5.0 MicroMessenger/8.0"}
    assert "请在微信外打开" in school.http.get(h5_url, headers=headers).text


def test_an_h5_url_lives_five_minutes(
    open_h5: Callable[..., httpx.Response], clock: ShiftedClock
) -> None:
    clock.ahead += timedelta(minutes=5, seconds=1)
    assert "支付请求已失效" in open_h5().text


def test_an_h5_url_belongs_to_who_opens_it_first(
    open_h5: Callable[..., httpx.Response],
) -> None:
    assert "<form" in open_h5(_payer=TEST_PAYER).text
    assert "其他微信账号" in open_h5(_payer=OTHER_PAYER).text
    assert "<form" in open_h5(_payer=TEST_PAYER).text


def test_a_closed_trade_shows_no_button(
    school: WechatMerchant, open_h5: Callable[..., httpx.Response]
) -> None:
    page = open_h5()
    school.close()
    assert "ORDER_CLOSED" in press(school, page, "pay").text
    assert "订单已经关闭" in school.http.get(page.url).text


def test_a_page_that_never_was_says_so(school: WechatMerchant) -> None:
    assert "支付页面已失效" in school.http.get(f"{school.url}/cashier/nothing").text


@pytest.fixture
def code_url(school: WechatMerchant) -> str:
    return str(school.prepay(school.native_order(), "native").json()["code_url"])


def test_anybody_may_scan_and_pay(school: WechatMerchant, code_url: str) -> None:
    paid = school.control("/native-pay", {"code_url": code_url, "openid": OTHER_PAYER})
    assert paid["trade_state"] == "SUCCESS"
    answer = school.query().json()
    assert (answer["payer"]["openid"], answer["trade_type"]) == (OTHER_PAYER, "NATIVE")


def test_a_person_scans_on_a_page(school: WechatMerchant, code_url: str) -> None:
    scanner = school.http.get(f"{school.url}/scan")
    assert read_page(str(scanner.url), scanner.text).form_with("code_url") is not None
    scan = f"{school.url}/scan"
    page = school.http.get(scan, params={"code_url": code_url}, follow_redirects=True)
    assert "已取消" in press(school, page, "cancel").text
    assert press(school, page, "pay").status_code == 303
    assert school.query().json()["trade_state"] == "SUCCESS"


@pytest.mark.parametrize("other", ["weixin://wxpay/bizpayurl?pr=0", "https://x.test", "http://[x"])
def test_the_scanner_refuses_other_codes(school: WechatMerchant, other: str) -> None:
    page = school.http.get(f"{school.url}/scan", params={"code_url": other})
    assert "二维码" in page.text
    assert "<form" not in page.text


def test_a_code_url_lives_two_hours(school: WechatMerchant, clock: ShiftedClock) -> None:
    order = school.native_order(time_expire=None)
    url = school.prepay(order, "native").json()["code_url"]
    clock.ahead += timedelta(hours=2, seconds=1)
    content = {"code_url": url}
    answer = school.http.post(f"{school.url}/_control/native-pay", json=content)
    assert (answer.status_code, answer.json()["error"]) == (409, "二维码已过期，请重新获取")
    assert school.trade(NO)["trade_state"] == "NOTPAY"
