"""Who may ask, and who answers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from infra.local.wechat.signature import Keys
from tests.integration.simulators.wechat.merchant import (
    MCH_ID,
    NO,
    PUBLIC_KEY_ID,
    WechatMerchant,
    code_of,
    is_genuine,
)

QUERY = f"/v3/pay/transactions/out-trade-no/{NO}?mchid={MCH_ID}"


def test_every_answer_is_signed_whatever_it_says(school: WechatMerchant, wechat_keys: Keys) -> None:
    unknown, made, known = school.query(), school.prepay(), school.query()
    closed = school.close()
    answers = [unknown, made, known, closed]
    assert [answer.status_code for answer in answers] == [404, 200, 200, 204]
    assert all(is_genuine(answer, wechat_keys.platform) for answer in answers)
    assert {answer.headers["Wechatpay-Serial"] for answer in answers} == {PUBLIC_KEY_ID}
    assert closed.content == b""


@pytest.mark.parametrize(
    "changes",
    [
        {"mchid": "1900000002"},
        {"serial_no": "00"},
        {"signature": "AAAA"},
        {"signature": "not base64"},
        {"nonce_str": "another"},
        {"timestamp": "now"},
        {"mchid": None},
        {"serial_no": None},
        {"signature": None},
        {"nonce_str": None},
    ],
)
def test_a_request_that_is_not_provably_the_merchants_is_refused(
    school: WechatMerchant, changes: dict[str, str | None]
) -> None:
    header = school.authorization("GET", QUERY, "", **changes)
    assert code_of(school.send("GET", QUERY, Authorization=header)) == (401, "SIGN_ERROR")


@pytest.mark.parametrize("header", ["", "Bearer x", 'WECHATPAY2-SM2-WITH-SM3 mchid="1"'])
def test_a_request_without_a_signature_is_refused(school: WechatMerchant, header: str) -> None:
    assert code_of(school.send("GET", QUERY, Authorization=header)) == (401, "SIGN_ERROR")


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [("POST", QUERY, ""), ("GET", f"{QUERY}&x=1", ""), ("GET", QUERY, "x")],
)
def test_method_target_and_body_are_signed(
    school: WechatMerchant, method: str, target: str, body: str
) -> None:
    header = school.authorization(method, target, body)
    assert code_of(school.send("GET", QUERY, Authorization=header)) == (401, "SIGN_ERROR")


@pytest.mark.parametrize(("minutes", "status"), [(-6, 401), (-4, 404), (4, 404), (6, 401)])
def test_a_request_is_taken_for_five_minutes(
    school: WechatMerchant, minutes: int, status: int
) -> None:
    moment = school.clock.now() + timedelta(minutes=minutes)
    header = school.authorization("GET", QUERY, "", timestamp=str(int(moment.timestamp())))
    assert school.send("GET", QUERY, Authorization=header).status_code == status


@pytest.mark.parametrize(("mchid", "code"), [("", "PARAM_ERROR"), ("1900000002", "MCH_NOT_EXISTS")])
def test_a_query_names_the_merchant_who_signed(
    school: WechatMerchant, mchid: str, code: str
) -> None:
    target = f"/v3/pay/transactions/out-trade-no/{NO}?mchid={mchid}"
    assert code_of(school.send("GET", target)) == (400, code)


def test_a_close_names_the_merchant_who_signed(school: WechatMerchant) -> None:
    school.prepay()
    assert code_of(school.close(mchid="1900000002")) == (400, "MCH_NOT_EXISTS")
