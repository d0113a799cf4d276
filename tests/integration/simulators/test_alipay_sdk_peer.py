"""python-alipay-sdk as an independent peer: each side verifies what the other signed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from infra.local.purchase.html_forms import read_page
from infra.local.services.web_server import WebServer
from tests.integration.simulators.merchant import APP_ID, Merchant, MerchantSite, beijing

SUBJECT = "Java 编程思想"


@pytest.fixture
def sdk(keys_folder: Path, alipay: WebServer) -> Any:
    from alipay import AliPay

    class BeijingAliPay(AliPay):  # type: ignore[misc]
        """The SDK stamps with the local time of the machine; Alipay reads Beijing time."""

        def build_body(self, *args: Any, **kwargs: Any) -> Any:
            return super().build_body(*args, **kwargs) | {"timestamp": beijing()}

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
