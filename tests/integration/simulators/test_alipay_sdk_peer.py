"""python-alipay-sdk as an independent peer: each side verifies what the other signed."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from infra.local.purchase.html_forms import read_page
from infra.local.services.web_server import WebServer
from tests.integration.simulators.merchant import (
    APP_ID,
    Merchant,
    MerchantSite,
    ShiftedClock,
    beijing,
)

SUBJECT = "Java 编程思想"


@pytest.fixture
def sdk(keys_folder: Path, alipay: WebServer, clock: ShiftedClock) -> Any:
    from alipay import AliPay

    class BeijingAliPay(AliPay):  # type: ignore[misc]
        """The SDK stamps with the local time of the machine; Alipay reads Beijing time."""

        def build_body(self, *args: Any, **kwargs: Any) -> Any:
            return super().build_body(*args, **kwargs) | {"timestamp": beijing(clock.ahead)}

    peer = BeijingAliPay(
        appid=APP_ID,
        app_notify_url=None,
        app_private_key_string=(keys_folder / "alipay_app_private_key.pem").read_text(),
        alipay_public_key_string=(keys_folder / "alipay_public_key.pem").read_text(),
    )
    peer._gateway = f"{alipay.url}/gateway.do"
    return peer


def order_string(sdk: Any, merchant: Merchant, subject: str = SUBJECT) -> str:
    return str(
        sdk.api_alipay_trade_wap_pay(
            subject=subject,
            out_trade_no="1001",
            total_amount="9.90",
            return_url="http://127.0.0.1:9/return",
            notify_url=merchant.notify_url,
            product_code="QUICK_WAP_WAY",
            time_expire=beijing(timedelta(minutes=30)),
        )
    )


def pay(sdk: Any, merchant: Merchant, subject: str = SUBJECT) -> dict[str, Any]:
    query = order_string(sdk, merchant, subject)
    merchant.http.get(f"{merchant.gateway}?{query}")
    return dict(merchant.http.post(f"{merchant.control}/trades/1001/pay").json())


def test_an_order_that_the_sdk_signed_opens_the_cashier(sdk: Any, merchant: Merchant) -> None:
    query = order_string(sdk, merchant)
    by_get = merchant.http.get(f"{merchant.gateway}?{query}", follow_redirects=True)
    form = dict(parse_qsl(query, strict_parsing=True))
    by_post = merchant.http.post(
        merchant.gateway, params={"charset": "utf-8"}, data=form, follow_redirects=True
    )
    for page in (by_get, by_post):
        assert SUBJECT in page.text
        assert read_page(str(page.url), page.text).form_with("logon_id") is not None


def test_the_sdk_verifies_a_notification_and_a_return(
    sdk: Any, merchant: Merchant, site: MerchantSite
) -> None:
    paid = pay(sdk, merchant)
    returned = dict(parse_qsl(urlsplit(paid["return_location"]).query, strict_parsing=True))
    for fields in (site.next_notify(), returned):
        signature = fields.pop("sign")
        assert sdk.verify(dict(fields), signature) is True
        assert sdk.verify(fields | {"total_amount": "0.01"}, signature) is False


def test_the_sdk_verifies_the_answer_to_a_query(sdk: Any, merchant: Merchant) -> None:
    before = sdk.api_alipay_trade_query(out_trade_no="1001")
    assert before["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    pay(sdk, merchant)
    assert sdk.api_alipay_trade_query(out_trade_no="1001")["trade_status"] == "TRADE_SUCCESS"


def test_the_sdk_verifies_the_answer_to_a_close(sdk: Any, merchant: Merchant) -> None:
    merchant.http.get(f"{merchant.gateway}?{order_string(sdk, merchant)}")
    merchant.http.post(f"{merchant.control}/trades/1001/login").raise_for_status()
    assert sdk.api_alipay_trade_close(out_trade_no="1001")["code"] == "10000"


def test_the_sdk_refunds_in_parts_and_finds_each(sdk: Any, merchant: Merchant) -> None:
    pay(sdk, merchant)
    for number, amount, in_all in (("r1", "1.00", "1.00"), ("r2", "8.90", "9.90")):
        answer = sdk.api_alipay_trade_refund(amount, out_trade_no="1001", out_request_no=number)
        assert (answer["fund_change"], answer["refund_fee"]) == ("Y", in_all)
        found = sdk.api_alipay_trade_fastpay_refund_query(number, out_trade_no="1001")
        assert (found["refund_status"], found["refund_amount"]) == ("REFUND_SUCCESS", amount)
    again = sdk.api_alipay_trade_refund("1.00", out_trade_no="1001", out_request_no="r1")
    assert again["fund_change"] == "N"
    told = sdk.api_alipay_trade_query(out_trade_no="1001")
    assert (told["trade_status"], "send_pay_date" in told) == ("TRADE_CLOSED", True)


def test_the_sdk_verifies_an_answer_with_nothing_in_it(sdk: Any, merchant: Merchant) -> None:
    pay(sdk, merchant)
    answer = sdk.api_alipay_trade_fastpay_refund_query("r1", out_trade_no="1001")
    assert answer == {"code": "10000", "msg": "Success"}


def test_the_sdk_verifies_a_refused_refund(sdk: Any, merchant: Merchant) -> None:
    pay(sdk, merchant)
    answer = sdk.api_alipay_trade_refund("9.91", out_trade_no="1001", out_request_no="r1")
    assert (answer["code"], answer["sub_code"]) == ("40004", "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")


def test_the_sdk_verifies_the_notification_of_a_refund(
    sdk: Any, merchant: Merchant, site: MerchantSite
) -> None:
    pay(sdk, merchant)
    site.next_notify()
    sdk.api_alipay_trade_refund("1.00", out_trade_no="1001", out_request_no="r1")
    notify = site.next_notify()
    assert notify["out_biz_no"] == "r1"
    assert sdk.verify(notify, notify.pop("sign")) is True


def test_the_sdk_gets_the_bill_of_a_day(sdk: Any, merchant: Merchant, clock: ShiftedClock) -> None:
    paid = pay(sdk, merchant)
    today = {"bill_type": "trade", "bill_date": beijing()[:10]}
    method = "alipay.data.dataservice.bill.downloadurl.query"
    assert sdk.server_api(method, biz_content=today)["sub_code"] == "isp.bill_not_exist"
    clock.ahead = timedelta(days=2)
    url = sdk.server_api(method, biz_content=today)["bill_download_url"]
    content = merchant.http.get(url).raise_for_status().content
    with zipfile.ZipFile(io.BytesIO(content), metadata_encoding="gbk") as archive:
        details = archive.read(archive.namelist()[0]).decode("gbk")
    assert paid["trade_no"] in details


def test_an_answer_that_gets_lost_is_no_answer_to_the_sdk(sdk: Any, merchant: Merchant) -> None:
    pay(sdk, merchant)
    merchant.order_fault(on="alipay.trade.refund", do="lose")
    with pytest.raises(OSError):
        sdk.api_alipay_trade_refund("1.00", out_trade_no="1001", out_request_no="r1")
    found = sdk.api_alipay_trade_fastpay_refund_query("r1", out_trade_no="1001")
    assert found["refund_status"] == "REFUND_SUCCESS"


def test_the_sdk_refuses_a_corrupt_answer(sdk: Any, merchant: Merchant) -> None:
    from alipay.exceptions import AliPayValidationError

    pay(sdk, merchant)
    merchant.order_fault(on="alipay.trade.query", do="corrupt_signature")
    with pytest.raises(AliPayValidationError):
        sdk.api_alipay_trade_query(out_trade_no="1001")


def test_a_request_that_the_sdk_stamps_in_utc_is_refused(sdk: Any, merchant: Merchant) -> None:
    query = order_string(sdk, merchant)
    unsigned = dict(parse_qsl(query, strict_parsing=True))
    del unsigned["sign"]
    utc = sdk.sign_data(unsigned | {"timestamp": beijing(timedelta(hours=-8))})
    page = merchant.http.get(f"{merchant.gateway}?{utc}", follow_redirects=True)
    assert "isv.invalid-timestamp" in page.text
