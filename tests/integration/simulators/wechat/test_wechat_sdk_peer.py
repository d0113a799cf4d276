"""wechatpayv3 as an independent peer: each side verifies what the other signed."""

from __future__ import annotations

import gzip
import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.clock import to_rfc3339
from infra.local.services.web_server import WebServer
from infra.local.wechat.payers import TEST_PAYER
from tests.integration.simulators.merchant import ShiftedClock, until
from tests.integration.simulators.wechat.merchant import (
    APP_ID,
    MCH_ID,
    NO,
    PUBLIC_KEY_ID,
    SERIAL,
    WechatMerchant,
    WechatSite,
)

AMOUNT = {"total": 990, "currency": "CNY"}
PAYER = {"openid": TEST_PAYER}
SCENE = {"payer_client_ip": "127.0.0.1", "h5_info": {"type": "Wap"}}


@pytest.fixture
def sdk(stack_folder: Path, wechat: WebServer, school: WechatMerchant) -> Any:
    from wechatpayv3 import WeChatPay, WeChatPayType

    held = stack_folder / "secrets"
    peer = WeChatPay(
        wechatpay_type=WeChatPayType.JSAPI,
        mchid=MCH_ID,
        private_key=(held / "wechat_private_key").read_text(),
        cert_serial_no=SERIAL,
        appid=APP_ID,
        apiv3_key=(held / "wechat_api_v3_key").read_text(),
        notify_url=school.notify_url,
        public_key=(held / "wechat_public_key").read_text(),
        public_key_id=PUBLIC_KEY_ID,
        timeout=(5, 10),
    )
    peer._core._gate_way = wechat.url
    return peer


def told(answer: tuple[int, Any]) -> Any:
    status, text = answer
    assert status == 200, text
    return json.loads(text)


def order(sdk: Any, **more: Any) -> Any:
    return told(
        sdk.pay(description="Java 编程思想", out_trade_no=NO, amount=AMOUNT, payer=PAYER, **more)
    )


def test_the_sdk_orders_in_each_trade_type(sdk: Any) -> None:
    from wechatpayv3 import WeChatPayType

    assert order(sdk)["prepay_id"]
    common = {"description": "x", "amount": AMOUNT}
    native = sdk.pay(out_trade_no="native-1", pay_type=WeChatPayType.NATIVE, **common)
    assert told(native)["code_url"]
    h5 = sdk.pay(out_trade_no="h5-0001", pay_type=WeChatPayType.H5, scene_info=SCENE, **common)
    assert told(h5)["h5_url"]


def test_the_sdk_verifies_a_query_and_a_close(sdk: Any) -> None:
    assert sdk.query(out_trade_no=NO)[0] == 404
    order(sdk)
    assert told(sdk.query(out_trade_no=NO))["trade_state"] == "NOTPAY"
    assert sdk.close(out_trade_no=NO)[0] == 204
    assert told(sdk.query(out_trade_no=NO))["trade_state"] == "CLOSED"


def test_what_the_sdk_signs_for_the_bridge_pays(sdk: Any, school: WechatMerchant) -> None:
    package = f"prepay_id={order(sdk)['prepay_id']}"
    pay_sign = sdk.sign([APP_ID, "1700000000", "nonce", package])
    parameters = school.bridge_parameters(
        "", timeStamp="1700000000", nonceStr="nonce", package=package, paySign=pay_sign
    )
    result = school.control("/jsapi-pay", {"parameters": parameters})
    assert result["err_msg"] == "get_brand_wcpay_request:ok"


def test_the_sdk_reads_a_notification_of_a_payment(
    sdk: Any, school: WechatMerchant, wechat_site: WechatSite
) -> None:
    order(sdk, attach="x")
    paid = school.control(f"/trades/{NO}/pay")
    notify = wechat_site.next_notify()
    read = sdk.callback(notify.headers, notify.body)
    assert read["event_type"] == "TRANSACTION.SUCCESS"
    assert read["resource"]["transaction_id"] == paid["transaction_id"]
    by_id = told(sdk.query(transaction_id=paid["transaction_id"]))
    assert by_id == read["resource"]
    tampered = notify.body.replace(b"SUCCESS", b"success")
    assert sdk.callback(notify.headers, tampered) is None


def test_the_sdk_refunds_and_reads_the_news(
    sdk: Any, school: WechatMerchant, wechat_site: WechatSite
) -> None:
    order(sdk)
    school.control(f"/trades/{NO}/pay")
    wechat_site.next_notify()
    amount = {"refund": 300, "total": 990, "currency": "CNY"}
    accepted = told(sdk.refund(out_refund_no="refund-1", out_trade_no=NO, amount=amount))
    assert accepted["status"] == "PROCESSING"
    notify = wechat_site.next_notify()
    read = sdk.callback(notify.headers, notify.body)
    assert (read["event_type"], read["resource"]["out_refund_no"]) == ("REFUND.SUCCESS", "refund-1")
    until(lambda: told(sdk.query_refund("refund-1"))["status"] == "SUCCESS")


def test_the_sdk_downloads_a_bill(sdk: Any, school: WechatMerchant, clock: ShiftedClock) -> None:
    clock.ahead = -timedelta(days=2)
    school.paid()
    day = to_rfc3339(clock.now())[:10]
    clock.ahead = timedelta()
    answer = told(sdk.trade_bill(bill_date=day))
    status, compressed = sdk.download_bill(answer["download_url"])
    assert status == 200
    bill = gzip.decompress(compressed)  # the SDK asks for it so
    assert hashlib.sha1(bill, usedforsecurity=False).hexdigest() == answer["hash_value"]
    assert NO in bill.decode("utf-8-sig")


@pytest.mark.parametrize("deed", ["corrupt_signature", "signtest"])
def test_the_sdk_refuses_a_wrong_signature(sdk: Any, school: WechatMerchant, deed: str) -> None:
    order(sdk)
    school.order_fault(on="query", do=deed)
    with pytest.raises(Exception, match="failed to verify the signature"):
        sdk.query(out_trade_no=NO)


def test_the_sdk_refuses_wrong_news(
    sdk: Any, school: WechatMerchant, wechat_site: WechatSite
) -> None:
    wechat_site.answers = [401]
    for deed in ("corrupt_signature", "signtest", "corrupt_ciphertext"):
        school.order_fault(on="notify", do=deed)
    order(sdk)
    school.control(f"/trades/{NO}/pay")
    for _ in range(3):
        notify = wechat_site.next_notify()
        assert sdk.callback(notify.headers, notify.body) is None
