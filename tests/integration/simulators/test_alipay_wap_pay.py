from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from infra.local.alipay.signature import Keys, is_signed, text_of_notify
from infra.local.purchase.html_forms import read_page
from tests.integration.simulators.merchant import (
    APP_ID,
    SELLER_ID,
    Merchant,
    MerchantSite,
    ShiftedClock,
    beijing,
)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"product_code": "QUICK_WAP_PAY"}, "product_code"),
        ({"product_code": None}, "product_code"),
        ({"total_amount": "0"}, "total_amount"),
        ({"total_amount": "0.001"}, "total_amount"),
        ({"total_amount": "1e2"}, "total_amount"),
        ({"total_amount": "-1"}, "total_amount"),
        ({"total_amount": "100000000.01"}, "total_amount"),
        ({"total_amount": 0.1 + 0.2}, "total_amount"),
        ({"subject": "  "}, "subject"),
        ({"subject": "x" * 257}, "subject"),
        ({"subject": "C/C++"}, "subject"),
        ({"out_trade_no": "a b"}, "out_trade_no"),
        ({"out_trade_no": "x" * 65}, "out_trade_no"),
        ({"seller_id": "2088999"}, "seller_id"),
        ({"timeout_express": "30m"}, "timeout_express"),
        ({"time_expire": "2099-01-01 10:00"}, "time_expire"),
        ({"time_expire": "2020-01-01 10:00:00"}, "time_expire"),
    ],
)
def test_an_unfit_order_is_refused_on_a_page_that_names_the_field(
    merchant: Merchant, changes: dict[str, Any], named: str
) -> None:
    page = merchant.open_cashier(merchant.order(**changes))
    assert page.status_code == 200
    assert "ACQ.INVALID_PARAMETER" in page.text
    assert named in page.text


def test_time_expire_in_utc_is_in_the_past(merchant: Merchant) -> None:
    utc = f"{datetime.now(UTC) + timedelta(minutes=30):%Y-%m-%d %H:%M:%S}"
    assert "time_expire" in merchant.open_cashier(merchant.order(time_expire=utc)).text


@pytest.mark.parametrize("name", ["notify_url", "return_url"])
@pytest.mark.parametrize("url", ["/notify", "http://a.test/x?id=1", f"http://a.test/{'x' * 256}"])
def test_an_unfit_url_is_refused(merchant: Merchant, name: str, url: str) -> None:
    page = merchant.open_cashier(merchant.order(), **{name: url})
    assert name in page.text


def test_a_wrong_signature_shows_a_page(merchant: Merchant) -> None:
    form = merchant.wap_form(merchant.order()) | {"subject": "x"}
    page = merchant.http.post(merchant.gateway, data=form, follow_redirects=True)
    assert "isv.invalid-signature" in page.text


def test_the_cashier_shows_who_gets_how_much_for_what_and_escapes_it(merchant: Merchant) -> None:
    page = merchant.open_cashier(merchant.order(subject="<b>Java</b>".replace("/", "")))
    assert "&lt;b&gt;Java" in page.text
    for shown in ("¥9.90", "1001", "学成在线"):
        assert shown in page.text


def test_a_form_may_come_by_get(merchant: Merchant) -> None:
    form = merchant.wap_form(merchant.order())
    page = merchant.http.get(merchant.gateway, params=form, follow_redirects=True)
    assert read_page(str(page.url), page.text).form_with("logon_id") is not None


def _press(merchant: Merchant, page: httpx.Response, **values: str) -> httpx.Response:
    (form,) = read_page(str(page.url), page.text).forms
    response = merchant.http.post(form.action, data=dict(form.filled(values)))
    if response.status_code == 303:
        return merchant.http.get(response.url.join(response.headers["Location"]))
    return response


def _logged_in(merchant: Merchant, **changes: Any) -> httpx.Response:
    page = merchant.open_cashier(merchant.order(**changes))
    return _press(merchant, page, action="login")


def test_paying_sends_the_browser_back_with_a_signed_query_without_a_status(
    merchant: Merchant, keys: Keys
) -> None:
    response = _press(merchant, _logged_in(merchant), pay_password="111111", action="pay")
    assert response.status_code == 302
    location = urlsplit(response.headers["Location"])
    query = dict(parse_qsl(location.query, strict_parsing=True))
    assert is_signed(text_of_notify(query), query["sign"], keys.platform.public_key())
    assert set(query) == {
        "charset",
        "out_trade_no",
        "method",
        "total_amount",
        "sign",
        "trade_no",
        "auth_app_id",
        "version",
        "app_id",
        "sign_type",
        "seller_id",
        "timestamp",
    }
    assert query["method"] == "alipay.trade.wap.pay.return"
    assert (query["app_id"], query["seller_id"]) == (APP_ID, SELLER_ID)
    assert (query["out_trade_no"], query["total_amount"]) == ("1001", "9.90")


def test_a_wrong_password_leaves_the_trade_unpaid(merchant: Merchant) -> None:
    page = _press(merchant, _logged_in(merchant), pay_password="000000", action="pay")
    assert "支付密码不正确" in page.text
    assert merchant.query()["trade_status"] == "WAIT_BUYER_PAY"


def test_an_unknown_account_does_not_get_in(merchant: Merchant) -> None:
    page = merchant.open_cashier(merchant.order())
    assert "没有这个账号" in _press(merchant, page, logon_id="somebody").text
    assert merchant.query()["sub_code"] == "ACQ.TRADE_NOT_EXIST"


def test_nobody_pays_without_logging_in(merchant: Merchant) -> None:
    page = merchant.open_cashier(merchant.order())
    values = {"action": "pay", "pay_password": "111111"}
    assert "请先登录" in merchant.http.post(f"{page.url}/pay", data=values).text
    assert merchant.query()["sub_code"] == "ACQ.TRADE_NOT_EXIST"


def test_cancelling_leaves_the_trade_payable(merchant: Merchant) -> None:
    page = _logged_in(merchant)
    assert "已取消" in _press(merchant, page, pay_password="", action="cancel").text
    assert merchant.query()["trade_status"] == "WAIT_BUYER_PAY"
    assert _press(merchant, page, pay_password="111111", action="pay").status_code == 302


def test_cancelling_goes_to_quit_url_if_there_is_one(merchant: Merchant) -> None:
    page = _logged_in(merchant, quit_url="http://127.0.0.1:9/quit")
    response = _press(merchant, page, pay_password="", action="cancel")
    assert response.headers["Location"] == "http://127.0.0.1:9/quit"


def test_the_same_form_may_be_opened_again_until_it_is_paid(merchant: Merchant) -> None:
    form = merchant.wap_form(merchant.order())
    for _ in range(2):
        page = merchant.http.post(merchant.gateway, data=form, follow_redirects=True)
        paying = _press(merchant, page, action="login")
        assert "确认付款" in paying.text
    _press(merchant, paying, pay_password="111111", action="pay")
    page = merchant.http.post(merchant.gateway, data=form, follow_redirects=True)
    assert "ACQ.TRADE_HAS_SUCCESS" in page.text


def test_two_pages_of_one_trade_pay_it_once(merchant: Merchant) -> None:
    first, second = _logged_in(merchant, time_expire=None), _logged_in(merchant, time_expire=None)
    assert _press(merchant, first, pay_password="111111", action="pay").status_code == 302
    refused = _press(merchant, second, pay_password="111111", action="pay")
    assert "ACQ.TRADE_HAS_SUCCESS" in refused.text


@pytest.mark.parametrize(
    "changes", [{"total_amount": "9.91"}, {"subject": "Go"}, {"time_expire": None}]
)
def test_a_changed_order_of_an_existing_trade_is_refused(
    merchant: Merchant, changes: dict[str, Any]
) -> None:
    merchant.log_in()
    page = merchant.open_cashier(merchant.order(**changes))
    assert "ACQ.CONTEXT_INCONSISTENT" in page.text


def test_the_first_payer_who_logs_in_fixes_the_order(merchant: Merchant) -> None:
    dear = merchant.open_cashier(merchant.order(total_amount="99.00"))
    cheap = merchant.open_cashier(merchant.order(total_amount="1.00"))
    _press(merchant, dear, action="login")
    assert "ACQ.CONTEXT_INCONSISTENT" in _press(merchant, cheap, action="login").text
    assert merchant.query()["total_amount"] == "99.00"


def test_a_closed_trade_cannot_be_opened_again(merchant: Merchant) -> None:
    form = merchant.wap_form(merchant.order())
    merchant.http.post(merchant.gateway, data=form)
    merchant.http.post(f"{merchant.control}/trades/1001/login").raise_for_status()
    merchant.close()
    page = merchant.http.post(merchant.gateway, data=form, follow_redirects=True)
    assert "ACQ.TRADE_HAS_CLOSE" in page.text


def test_a_page_left_open_cannot_pay_a_closed_trade(merchant: Merchant) -> None:
    page = _logged_in(merchant)
    merchant.close()
    refused = _press(merchant, page, pay_password="111111", action="pay")
    assert "ACQ.TRADE_HAS_CLOSE" in refused.text
    assert "交易已经关闭" in merchant.http.get(page.url).text


def test_an_expired_offer_cannot_be_logged_in_to(merchant: Merchant, clock: ShiftedClock) -> None:
    page = merchant.open_cashier(merchant.order())
    clock.ahead = timedelta(minutes=31)
    assert "订单已超时" in _press(merchant, page, action="login").text


def test_an_unpaid_trade_is_closed_at_time_expire_and_notified(
    merchant: Merchant, site: MerchantSite, clock: ShiftedClock
) -> None:
    page = _logged_in(merchant, time_expire=beijing(timedelta(minutes=5)))
    clock.ahead = timedelta(minutes=6)
    notify = site.next_notify()
    assert notify["trade_status"] == "TRADE_CLOSED"
    assert "gmt_close" in notify
    assert "gmt_payment" not in notify
    refused = _press(merchant, page, pay_password="111111", action="pay")
    assert "ACQ.TRADE_HAS_CLOSE" in refused.text


def test_an_unknown_cashier_page_says_so(merchant: Merchant, alipay: Any) -> None:
    assert "已失效" in merchant.http.get(f"{alipay.url}/cashier/nothing").text
