"""The SDK and the HTTP client beneath it, with their holes closed."""

from __future__ import annotations

import base64
import logging
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from chalicelib.deadline import Deadline
from chalicelib.errors import ChannelError, NotifyRejected
from chalicelib.orders.verdict import Paid, Verdict
from chalicelib.orders.wechat.sdk import WeChatSdk
from chalicelib.settings import SettingsError
from tests.builders import private_pem, public_pem
from tests.unit.orders.wechat.calls import CALLS, good_answer, outcome
from tests.wechat_gateway import Gateway
from tests.wechat_peer import (
    API_V3_KEY,
    CERT_SERIAL,
    MCH_ID,
    OPENID,
    PUBLIC_KEY_ID,
    a_trade,
    a_wechat_channel,
    a_wechat_record,
    wechat_peer,
)

EC_KEY = generate_ec_key(SECP256R1())
EC_PRIVATE = EC_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
EC_PUBLIC = (
    EC_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
)


def pkcs1_pem() -> str:
    key = wechat_peer().merchant_key
    return key.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    ).decode()


def asked(gateway: Gateway) -> Verdict:
    gateway.says(a_trade())
    channel = a_wechat_channel(gateway_url=gateway.url)
    return channel.query(a_wechat_record(), Deadline.after(10))


class TestKeys:
    @pytest.mark.parametrize(
        "changes",
        [
            {"merchant_private_key": ""},
            {"merchant_private_key": "nonsense"},
            {"merchant_private_key": EC_PRIVATE},
            {"public_key": ""},
            {"public_key": "nonsense"},
            {"public_key": EC_PUBLIC},
            {"public_key_id": ""},
            {"api_v3_key": ""},
            {"api_v3_key": API_V3_KEY[1:]},
            {"api_v3_key": "三" * 32},
        ],
    )
    def test_a_bad_key_is_named_and_not_shown(self, changes: dict[str, str]) -> None:
        ((name, value),) = changes.items()
        secret = name.replace("merchant_private_key", "private_key")

        with pytest.raises(SettingsError, match=f"wechat_{secret}") as error:
            a_wechat_channel(**changes)

        assert error.value.__suppress_context__ or error.value.__context__ is None
        assert not value or value not in str(error.value)

    def test_a_key_in_pkcs1_is_told_apart(self) -> None:
        with pytest.raises(SettingsError, match="PKCS#8"):
            a_wechat_channel(merchant_private_key=pkcs1_pem())

    def test_our_own_public_key_is_not_taken_for_wechats(self) -> None:
        with pytest.raises(SettingsError, match="not to WeChat Pay"):
            a_wechat_channel(public_key=public_pem(wechat_peer().merchant_key))

    def test_keys_with_the_line_ends_of_windows_are_keys(self) -> None:
        peer = wechat_peer()
        channel = a_wechat_channel(
            merchant_private_key=private_pem(peer.merchant_key).replace("\n", "\r\n"),
            public_key=public_pem(peer.platform_key).replace("\n", "\r\n"),
        )

        assert isinstance(channel.parse_notify(*peer.notify()).tells, Paid)


class TestNoCertificates:
    """The SDK downloads certificates for a key that it does not know; nothing may make it."""

    @pytest.mark.parametrize("serial", ["5157F09EFDC096DE15EBE81A47057A7232F1B8E1", "0", "zz"])
    def test_a_forged_notification_makes_nobody_ask(self, gateway: Gateway, serial: str) -> None:
        gateway.says({"data": []})
        headers, body = wechat_peer().notify()
        channel = a_wechat_channel(gateway_url=gateway.url)

        with pytest.raises(NotifyRejected, match="another key"):
            channel.parse_notify({**headers, "Wechatpay-Serial": serial}, body)

        assert gateway.asked == []

    def test_the_sdk_itself_has_nothing_to_download(self, gateway: Gateway) -> None:
        sdk = WeChatSdk(
            mch_id=MCH_ID,
            cert_serial=CERT_SERIAL,
            merchant_private_key=private_pem(wechat_peer().merchant_key),
            public_key=public_pem(wechat_peer().platform_key),
            public_key_id=PUBLIC_KEY_ID,
            api_v3_key=API_V3_KEY,
        )
        sdk._gate_way = gateway.url
        headers, body = wechat_peer().notify()

        assert sdk.callback({**headers, "Wechatpay-Serial": "5157F09E"}, body) is None
        with pytest.raises(NotImplementedError):
            sdk.request("/v3/certificates")
        assert gateway.asked == []


class TestNobodyElseIsAsked:
    def test_a_proxy_of_the_environment_is_not_used(
        self, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")

        assert isinstance(asked(gateway), Paid)

    def test_a_netrc_does_not_replace_the_signature(
        self, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("default login somebody password something\n")
        monkeypatch.setenv("NETRC", str(netrc))

        assert isinstance(asked(gateway), Paid)

        gateway.asked[0].check_signed()

    def test_the_key_that_answers_shall_be_signed_with_is_named(self, gateway: Gateway) -> None:
        asked(gateway)

        (question,) = gateway.asked
        assert question.headers["Wechatpay-Serial"] == PUBLIC_KEY_ID
        assert question.headers["User-Agent"] == "course-payments"


class TestLogs:
    @pytest.mark.parametrize("call", CALLS)
    def test_what_travels_stays_out_of_the_log(
        self, gateway: Gateway, call: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        good = good_answer(call, gateway)

        outcome(call, gateway, good.answer)

        assert caplog.records == []

    def test_a_forged_notification_stays_out_of_the_error(self) -> None:
        headers, _ = wechat_peer().notify()
        forged: dict[str, Any] = {**headers, "Wechatpay-Signature": base64.b64encode(b"x").decode()}

        with pytest.raises(NotifyRejected) as rejected:
            a_wechat_channel().parse_notify(forged, f'{{"openid":"{OPENID}"}}'.encode())

        assert OPENID not in str(rejected.value)

    def test_an_answer_about_another_trade_stays_out_of_the_error(self, gateway: Gateway) -> None:
        gateway.says(a_trade(mchid=OPENID))
        channel = a_wechat_channel(gateway_url=gateway.url)

        with pytest.raises(ChannelError) as unknown:
            channel.query(a_wechat_record(), Deadline.after(10))

        assert OPENID not in str(unknown.value)
