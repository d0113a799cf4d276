from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from infra.local.alipay.signature import Keys, is_signed, sign
from tests.integration.simulators.merchant import Merchant, beijing

ORDER = {"out_trade_no": "1001"}


def test_a_properly_signed_request_is_answered_with_a_signature_over_the_exact_text(
    merchant: Merchant, keys: Keys
) -> None:
    merchant.pay(subject="a { in the title")
    parameters = merchant.signed("alipay.trade.query", ORDER)
    response = merchant.http.get(merchant.gateway, params=parameters)
    head, _, tail = response.text.partition(',"sign":"')
    content = head.removeprefix('{"alipay_trade_query_response":')
    assert response.headers["Content-Type"] == "text/html;charset=utf-8"
    assert is_signed(content, tail.removesuffix('"}'), keys.platform.public_key())
    assert not is_signed(content + " ", tail.removesuffix('"}'), keys.platform.public_key())


@pytest.mark.parametrize(
    ("name", "sub_code"),
    [
        ("app_id", "isv.missing-app-id"),
        ("timestamp", "isv.missing-timestamp"),
        ("version", "isv.missing-version"),
        ("charset", "isv.missing-charset"),
        ("sign_type", "isv.missing-signature-type"),
    ],
)
def test_a_missing_public_parameter_is_named(merchant: Merchant, name: str, sub_code: str) -> None:
    parameters = merchant.signed("alipay.trade.query", ORDER, **{name: None})
    answer = merchant.answer(parameters)
    assert (answer["code"], answer["sub_code"]) == ("40001", sub_code)


def test_a_missing_signature_is_named(merchant: Merchant) -> None:
    parameters = merchant.signed("alipay.trade.query", ORDER)
    del parameters["sign"]
    assert merchant.answer(parameters)["sub_code"] == "isv.missing-signature"


@pytest.mark.parametrize(
    ("changes", "sub_code"),
    [
        ({"sign_type": "RSA"}, "isv.invalid-signature-type"),
        ({"charset": "gbk"}, "isv.invalid-charset"),
        ({"version": "2.0"}, "isv.invalid-version"),
        ({"format": "XML"}, "isv.invalid-format"),
        ({"timestamp": "2024-07-24T03:07:50Z"}, "isv.invalid-timestamp"),
        ({"timestamp": "2014-07-24 03:07:50"}, "isv.invalid-timestamp"),
    ],
)
def test_a_public_parameter_that_is_not_taken_is_refused(
    merchant: Merchant, changes: dict[str, str], sub_code: str
) -> None:
    answer = merchant.answer(merchant.signed("alipay.trade.query", ORDER, **changes))
    assert answer["name"] == "alipay_trade_query_response"
    assert (answer["code"], answer["sub_code"], answer["signed"]) == ("40002", sub_code, True)


def test_a_timestamp_in_utc_is_refused(merchant: Merchant) -> None:
    utc = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
    answer = merchant.answer(merchant.signed("alipay.trade.query", ORDER, timestamp=utc))
    assert answer["sub_code"] == "isv.invalid-timestamp"
    page = merchant.open_cashier(merchant.order(), timestamp=utc)
    assert "isv.invalid-timestamp" in page.text


def test_a_server_request_is_stale_after_15_minutes_and_a_form_is_not(merchant: Merchant) -> None:
    then = beijing(timedelta(minutes=-20))
    answer = merchant.answer(merchant.signed("alipay.trade.query", ORDER, timestamp=then))
    assert answer["sub_code"] == "isv.invalid-timestamp"
    assert "登录" in merchant.open_cashier(merchant.order(), timestamp=then).text


def test_an_unknown_app_is_refused_without_a_signature(merchant: Merchant) -> None:
    answer = merchant.answer(merchant.signed("alipay.trade.query", ORDER, app_id="2021999"))
    assert (answer["sub_code"], answer["signed"]) == ("isv.invalid-app-id", False)


def test_a_changed_parameter_breaks_the_signature(merchant: Merchant) -> None:
    parameters = merchant.signed("alipay.trade.query", ORDER)
    parameters["biz_content"] = '{"out_trade_no":"1002"}'
    assert merchant.answer(parameters)["sub_code"] == "isv.invalid-signature"


def test_the_signature_covers_sign_type(merchant: Merchant) -> None:
    parameters = merchant.signed("alipay.trade.query", ORDER)
    without = "&".join(
        f"{name}={value}"
        for name, value in sorted(parameters.items())
        if name not in ("sign", "sign_type")
    )
    parameters["sign"] = sign(without, merchant.key)
    assert merchant.answer(parameters)["sub_code"] == "isv.invalid-signature"


def test_a_signature_that_is_no_base64_is_refused(merchant: Merchant) -> None:
    parameters = merchant.signed("alipay.trade.query", ORDER) | {"sign": "%%%"}
    assert merchant.answer(parameters)["sub_code"] == "isv.invalid-signature"


def test_an_unknown_method_is_an_error_response(merchant: Merchant) -> None:
    answer = merchant.ask("alipay.trade.teleport", ORDER)
    assert (answer["name"], answer["sub_code"]) == ("error_response", "isv.invalid-method")


def test_one_parameter_with_two_values_is_refused(merchant: Merchant) -> None:
    parameters = merchant.signed("alipay.trade.query", ORDER)
    response = merchant.http.post(
        merchant.gateway, params={"charset": "gbk"}, data=parameters
    ).json()
    assert response["alipay_trade_query_response"]["sub_code"] == "isv.invalid-parameter"


def test_charset_may_stand_in_the_address_too(merchant: Merchant) -> None:
    parameters = merchant.signed("alipay.trade.query", ORDER)
    response = merchant.http.post(
        merchant.gateway, params={"charset": "utf-8"}, data=parameters
    ).json()
    assert response["alipay_trade_query_response"]["sub_code"] == "ACQ.TRADE_NOT_EXIST"


@pytest.mark.parametrize("biz_content", ["not json", "[]", "{}", '{"out_trade_no":5}'])
def test_unfit_business_content_is_refused(merchant: Merchant, biz_content: str) -> None:
    answer = merchant.answer(merchant.signed("alipay.trade.query", biz_content))
    assert (answer["code"], answer["sub_code"]) == ("40004", "ACQ.INVALID_PARAMETER")


def test_a_trade_does_not_exist_before_the_payer_logs_in(merchant: Merchant) -> None:
    merchant.open_cashier(merchant.order())
    for answer in (merchant.query(), merchant.close()):
        assert (answer["code"], answer["sub_code"]) == ("40004", "ACQ.TRADE_NOT_EXIST")
    merchant.log_in()
    assert merchant.query()["trade_status"] == "WAIT_BUYER_PAY"


def test_a_query_tells_what_was_paid_and_when(merchant: Merchant) -> None:
    paid = merchant.pay()
    answer = merchant.query()
    assert answer["code"] == "10000"
    assert answer["trade_status"] == "TRADE_SUCCESS"
    assert answer["total_amount"] == answer["buyer_pay_amount"] == "9.90"
    assert answer["send_pay_date"][:10] == beijing()[:10]
    assert len(answer["trade_no"]) == 28
    by_trade_no = merchant.ask("alipay.trade.query", {"trade_no": paid["trade_no"]})
    assert by_trade_no["out_trade_no"] == "1001"


def test_a_trade_number_counts_when_both_are_given(merchant: Merchant) -> None:
    merchant.pay()
    which = {"trade_no": "2013112011001004330000121536", "out_trade_no": "1001"}
    assert merchant.ask("alipay.trade.query", which)["sub_code"] == "ACQ.TRADE_NOT_EXIST"


def test_an_unpaid_trade_can_be_closed_once(merchant: Merchant) -> None:
    merchant.log_in()
    assert merchant.close()["code"] == "10000"
    assert merchant.query()["trade_status"] == "TRADE_CLOSED"
    assert merchant.close()["sub_code"] == "ACQ.TRADE_STATUS_ERROR"


def test_a_paid_trade_cannot_be_closed(merchant: Merchant) -> None:
    merchant.pay()
    assert merchant.close()["sub_code"] == "ACQ.TRADE_STATUS_ERROR"
    assert merchant.query()["trade_status"] == "TRADE_SUCCESS"
