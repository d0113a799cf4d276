from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from infra.local.keys import make_keys
from infra.local.services.web_server import WebServer
from infra.local.wechat.app import create_server
from infra.local.wechat.merchant import Merchant
from infra.local.wechat.platform import Platform
from infra.local.wechat.signature import Keys
from tests.integration.simulators.merchant import ShiftedClock
from tests.integration.simulators.wechat.merchant import (
    APP_ID,
    MCH_ID,
    PUBLIC_KEY_ID,
    SERIAL,
    WechatMerchant,
    WechatSite,
)


@pytest.fixture(scope="session")
def stack_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What both sides hold, as the local stack makes it."""
    folder = tmp_path_factory.mktemp("wechat")
    make_keys(folder)
    return folder


@pytest.fixture(scope="session")
def wechat_keys(stack_folder: Path) -> Keys:
    return Keys.from_folder(stack_folder / "keys", PUBLIC_KEY_ID)


@pytest.fixture(scope="session")
def wechat_merchant_key(stack_folder: Path) -> RSAPrivateKey:
    key = load_pem_private_key((stack_folder / "secrets/wechat_private_key").read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)
    return key


@pytest.fixture
def wechat_site() -> Iterator[WechatSite]:
    site = WechatSite()
    with WebServer(site.app()) as server:
        site.url = server.url
        yield site


@pytest.fixture
def wechat(wechat_keys: Keys, clock: ShiftedClock) -> Iterator[WebServer]:
    platform = Platform(
        Merchant(
            APP_ID, MCH_ID, SERIAL, oauth_domain="pay.school.test", h5_domain="h5.school.test"
        ),
        wechat_keys,
        notify_delays_seconds=(0.05, 0.05, 0.1),
        clock=clock,
    )
    with create_server(platform) as server:
        yield server


@pytest.fixture
def school(
    wechat: WebServer,
    wechat_site: WechatSite,
    wechat_merchant_key: RSAPrivateKey,
    clock: ShiftedClock,
) -> Iterator[WechatMerchant]:
    with httpx.Client(trust_env=False, timeout=20) as http:
        yield WechatMerchant(
            key=wechat_merchant_key,
            url=wechat.url,
            notify_url=f"{wechat_site.url}/notify",
            clock=clock,
            http=http,
        )
