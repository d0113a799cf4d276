from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from infra.local.alipay import platform as alipay_platform
from infra.local.alipay.app import create_server
from infra.local.alipay.signature import Keys
from infra.local.services.web_server import WebServer
from tests.integration.simulators.alipay_by_hand import AlipayByHand
from tests.integration.simulators.merchant import (
    APP_ID,
    SELLER_ID,
    Merchant,
    MerchantSite,
    ShiftedClock,
)


@pytest.fixture(scope="session")
def keys_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name in ("alipay", "alipay_app", "identity"):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        (folder / f"{name}_private_key.pem").write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        (folder / f"{name}_public_key.pem").write_bytes(
            key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )
    return folder


@pytest.fixture(scope="session")
def keys(keys_folder: Path) -> Keys:
    return Keys.from_folder(keys_folder)


@pytest.fixture(scope="session")
def merchant_key(keys_folder: Path) -> rsa.RSAPrivateKey:
    key = load_pem_private_key((keys_folder / "alipay_app_private_key.pem").read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


@pytest.fixture
def clock() -> ShiftedClock:
    return ShiftedClock()


@pytest.fixture
def site() -> Iterator[MerchantSite]:
    site = MerchantSite()
    with WebServer(site.app()) as server:
        site.url = server.url
        yield site


@pytest.fixture
def alipay(keys: Keys, clock: ShiftedClock) -> Iterator[WebServer]:
    platform = alipay_platform.Platform(
        alipay_platform.Merchant(APP_ID, SELLER_ID),
        keys,
        notify_delays_seconds=(0.05, 0.05, 0.1),
        clock=clock,
    )
    with create_server(platform) as server:
        yield server


@pytest.fixture
def merchant(
    alipay: WebServer, site: MerchantSite, merchant_key: rsa.RSAPrivateKey
) -> Iterator[Merchant]:
    with httpx.Client(trust_env=False) as http:
        yield Merchant(
            key=merchant_key,
            gateway=f"{alipay.url}/gateway.do",
            control=f"{alipay.url}/_control",
            notify_url=f"{site.url}/notify",
            http=http,
        )


@pytest.fixture
def by_hand(keys: Keys, merchant_key: rsa.RSAPrivateKey) -> AlipayByHand:
    return AlipayByHand(keys, merchant_key)
