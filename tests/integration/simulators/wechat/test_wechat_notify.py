"""Notifications: their form, their repetition, and their faults."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from infra.local.wechat.notify import REAL_DELAYS_SECONDS
from infra.local.wechat.payers import TEST_PAYER
from infra.local.wechat.signature import Keys
from tests.integration.simulators.merchant import until
from tests.integration.simulators.wechat.merchant import (
    APP_ID,
    MCH_ID,
    NO,
    PUBLIC_KEY_ID,
    WechatMerchant,
    WechatSite,
)

OTHER_NO = "order-1002"


@pytest.fixture
def platform_key(wechat_keys: Keys) -> RSAPrivateKey:
    return wechat_keys.platform


def test_a_payment_is_notified_signed_and_encrypted(
    school: WechatMerchant, wechat_site: WechatSite, wechat_keys: Keys
) -> None:
    paid = school.paid(attach="x")
    notify = wechat_site.next_notify()
    envelope = notify.envelope()
    assert notify.is_genuine(wechat_keys.platform)
    assert notify.headers["wechatpay-serial"] == PUBLIC_KEY_ID
    assert notify.headers["wechatpay-signature-type"] == "WECHATPAY2-SHA256-RSA2048"
    assert (envelope["event_type"], envelope["resource_type"]) == (
        "TRANSACTION.SUCCESS",
        "encrypt-resource",
    )
    assert len(envelope["id"]) <= 36
    sealed = envelope["resource"]
    assert (sealed["algorithm"], sealed["original_type"], sealed["associated_data"]) == (
        "AEAD_AES_256_GCM",
        "transaction",
        "transaction",
    )
    assert len(sealed["nonce"]) == 12
    expected = {
        "appid": APP_ID,
        "mchid": MCH_ID,
        "out_trade_no": NO,
        "transaction_id": paid["transaction_id"],
        "trade_state": "SUCCESS",
        "trade_type": "JSAPI",
        "attach": "x",
        "payer": {"openid": TEST_PAYER},
    }
    resource = notify.resource(wechat_keys.api_v3_key)
    assert expected.items() <= resource.items()
    assert resource["amount"]["total"] == 990


@pytest.mark.parametrize("refusal", [500, 400, 302, 201])
def test_a_notification_is_repeated_until_the_status_is_200_or_204(
    school: WechatMerchant, wechat_site: WechatSite, refusal: int
) -> None:
    wechat_site.answers = [refusal, refusal, 200]
    school.paid()
    notifies = [wechat_site.next_notify() for _ in range(3)]
    assert len({notify.envelope()["id"] for notify in notifies}) == 1
    until(lambda: [d["is_accepted"] for d in school.deliveries()] == [False, False, True])
    assert not wechat_site.has_more()


def test_each_attempt_is_encrypted_and_signed_anew(
    school: WechatMerchant, wechat_site: WechatSite, platform_key: RSAPrivateKey
) -> None:
    wechat_site.answers = [500, 204]
    school.paid()
    first, second = wechat_site.next_notify(), wechat_site.next_notify()
    assert first.is_genuine(platform_key)
    assert second.is_genuine(platform_key)
    for name in ("wechatpay-nonce", "wechatpay-signature"):
        assert first.headers[name] != second.headers[name]
    nonces = {notify.envelope()["resource"]["nonce"] for notify in (first, second)}
    assert len(nonces) == 2


def test_a_notification_is_given_up_after_the_last_delay(
    school: WechatMerchant, wechat_site: WechatSite
) -> None:
    wechat_site.answers = [500]
    school.paid()
    until(lambda: len(school.deliveries()) == 4)
    assert {delivery["status"] for delivery in school.deliveries()} == {500}


def test_the_schedule_of_the_platform_takes_a_day_and_four_minutes() -> None:
    assert sum(REAL_DELAYS_SECONDS) == (24 * 60 + 4) * 60


def test_a_merchant_that_is_down_is_asked_again(school: WechatMerchant) -> None:
    school.notify_url = "http://127.0.0.1:9/notify"
    school.paid()
    until(lambda: len(school.deliveries()) == 4)
    assert school.deliveries()[0]["status"] is None


def test_closing_is_not_notified(school: WechatMerchant) -> None:
    school.prepay()
    school.close()
    assert school.trade()["notifications"] == []


def test_a_dropped_notification_arrives_with_the_next_attempt(
    school: WechatMerchant, wechat_site: WechatSite
) -> None:
    school.order_fault(on="notify", do="drop")
    school.paid()
    wechat_site.next_notify()
    until(lambda: [d["status"] for d in school.deliveries()] == [None, 204])


def test_a_duplicated_notification_arrives_as_often_as_ordered(
    school: WechatMerchant, wechat_site: WechatSite
) -> None:
    school.order_fault(on="notify", do="duplicate", copies=2)
    school.paid()
    first, second, third = (wechat_site.next_notify() for _ in range(3))
    assert first == second == third


@pytest.mark.parametrize("deed", ["corrupt_signature", "signtest"])
def test_a_wrong_signature_is_followed_by_a_true_one(
    school: WechatMerchant, wechat_site: WechatSite, platform_key: RSAPrivateKey, deed: str
) -> None:
    wechat_site.answers = [401, 204]
    school.order_fault(on="notify", do=deed)
    school.paid()
    wrong, true = wechat_site.next_notify(), wechat_site.next_notify()
    assert not wrong.is_genuine(platform_key)
    assert true.is_genuine(platform_key)
    is_probe = wrong.headers["wechatpay-signature"].startswith("WECHATPAY/SIGNTEST/")
    assert is_probe == (deed == "signtest")


def test_an_unsigned_notification_has_none_of_the_headers(
    school: WechatMerchant, wechat_site: WechatSite
) -> None:
    school.order_fault(on="notify", do="unsigned")
    school.paid()
    headers = wechat_site.next_notify().headers
    assert [name for name in headers if name.startswith("wechatpay")] == []


def test_a_corrupt_ciphertext_is_signed_properly(
    school: WechatMerchant, wechat_site: WechatSite, wechat_keys: Keys
) -> None:
    school.order_fault(on="notify", do="corrupt_ciphertext")
    school.paid()
    notify = wechat_site.next_notify()
    assert notify.is_genuine(wechat_keys.platform)
    assert base64.b64decode(notify.envelope()["resource"]["ciphertext"])
    with pytest.raises(InvalidTag):
        notify.resource(wechat_keys.api_v3_key)


def test_a_changed_field_is_encrypted_and_signed_properly(
    school: WechatMerchant, wechat_site: WechatSite, wechat_keys: Keys
) -> None:
    changes: dict[str, Any] = {"amount": {"total": 1, "currency": "CNY"}, "attach": None}
    school.order_fault(on="notify", do="change", fields=changes)
    school.paid()
    notify = wechat_site.next_notify()
    resource = notify.resource(wechat_keys.api_v3_key)
    assert notify.is_genuine(wechat_keys.platform)
    assert resource["amount"]["total"] == 1
    assert "attach" not in resource


def test_a_delayed_notification_arrives_after_the_payment(
    school: WechatMerchant, wechat_site: WechatSite
) -> None:
    school.order_fault(on="notify", do="delay", seconds=0.2)
    school.paid()
    assert not wechat_site.has_more()
    wechat_site.next_notify()


def test_a_reordered_notification_arrives_after_the_next_one(
    school: WechatMerchant, wechat_site: WechatSite, wechat_keys: Keys
) -> None:
    school.order_fault(on="notify", do="reorder")
    school.paid(NO)
    until(lambda: school.http.get(f"{school.url}/_control/faults").json() == [])
    school.paid(OTHER_NO)
    arrived = [wechat_site.next_notify().resource(wechat_keys.api_v3_key) for _ in range(2)]
    assert [resource["out_trade_no"] for resource in arrived] == [OTHER_NO, NO]


def test_a_fault_for_one_trade_leaves_the_others_alone(
    school: WechatMerchant, wechat_site: WechatSite, wechat_keys: Keys
) -> None:
    school.order_fault(on="notify", do="drop", times=9, out_trade_no=NO)
    school.paid(OTHER_NO)
    resource = wechat_site.next_notify().resource(wechat_keys.api_v3_key)
    assert resource["out_trade_no"] == OTHER_NO
    school.paid(NO)
    until(lambda: len(school.deliveries(NO)) == 4)
    assert not wechat_site.has_more()


def test_a_notification_can_be_sent_once_more(
    school: WechatMerchant, wechat_site: WechatSite
) -> None:
    school.paid()
    first = wechat_site.next_notify()
    assert school.control(f"/trades/{NO}/notify")["is_accepted"] is True
    assert wechat_site.next_notify().envelope()["id"] == first.envelope()["id"]


def test_anything_can_be_sent_encrypted_and_signed(
    school: WechatMerchant, wechat_site: WechatSite, wechat_keys: Keys
) -> None:
    post = {
        "url": school.notify_url,
        "event_type": "TRANSACTION.SUCCESS",
        "resource": {"out_trade_no": "", "x": "值"},
        "age_seconds": 3600,
        "headers": {"Wechatpay-Serial": "PUB_KEY_ID_other", "Wechatpay-Signature-Type": None},
    }
    assert school.control("/notify", post)["status"] == 204
    notify = wechat_site.next_notify()
    assert notify.is_genuine(wechat_keys.platform)
    assert notify.resource(wechat_keys.api_v3_key) == {"out_trade_no": "", "x": "值"}
    assert notify.headers["wechatpay-serial"] == "PUB_KEY_ID_other"
    assert "wechatpay-signature-type" not in notify.headers
    assert time.time() - int(notify.headers["wechatpay-timestamp"]) > 3500
