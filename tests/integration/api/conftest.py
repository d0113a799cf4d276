"""The real app on the real engine, wired by its own settings, behind a gateway in this process."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from flask import request

from chalicelib import wiring
from chalicelib.dynamo import Dynamo
from chalicelib.settings import settings
from chalicelib.tables import MODELS
from infra.local.alipay import platform as alipay_platform
from infra.local.alipay.app import create_app as create_alipay
from infra.local.alipay.signature import Keys
from infra.local.services.dynamodb import DynamoDB, ExternalDynamoDB
from infra.local.services.identity.app import create_app as create_identity
from infra.local.services.identity.keys import KeyRing
from infra.local.services.tables import create_table
from infra.local.services.web_server import WebServer
from infra.local.wechat import platform as wechat_platform
from infra.local.wechat.app import create_app as create_wechat
from infra.local.wechat.signature import Keys as WeChatKeys
from tests.builders import APP_ID, SELLER_ID, alipay_peer, private_pem, public_pem
from tests.integration.api.client import Client
from tests.integration.api.shop import AUDIENCE, ISSUER, Shop
from tests.integration.api.tables import Tables
from tests.wechat_peer import API_V3_KEY, CERT_SERIAL, MCH_ID, PUBLIC_KEY_ID, wechat_peer
from tests.wechat_peer import APP_ID as WECHAT_APP_ID

H5_ORIGIN = "https://h5.example"
WECHAT_APP_SECRET = secrets.token_hex(16)


@pytest.fixture(scope="package")
def signing_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="package")
def tokens(signing_key: RSAPrivateKey) -> KeyRing:
    return KeyRing(signing_key)


@pytest.fixture(scope="package")
def identity(tokens: KeyRing) -> Iterator[WebServer]:
    with WebServer(create_identity(tokens, issuer=ISSUER, audience=AUDIENCE)) as server:
        yield server


@pytest.fixture(scope="package")
def asked() -> list[str]:
    """Each request that reached the payment platform from our server."""
    return []


@pytest.fixture(scope="package")
def alipay_platform_of_shop() -> alipay_platform.Platform:
    peer = alipay_peer()
    return alipay_platform.Platform(
        alipay_platform.Merchant(APP_ID, SELLER_ID),
        Keys(peer.platform_key, peer.app_key.public_key()),
    )


@pytest.fixture(scope="package")
def alipay(
    alipay_platform_of_shop: alipay_platform.Platform, asked: list[str]
) -> Iterator[WebServer]:
    platform = alipay_platform_of_shop
    app = create_alipay(platform)

    @app.before_request
    def note() -> None:
        method = request.values.get("method", "")
        if method.startswith("alipay.trade.") and method != "alipay.trade.wap.pay":
            asked.append(method)

    with WebServer(app, on_stop=platform.stop) as server:
        yield server


@pytest.fixture(scope="package")
def wechat_platform_of_shop() -> wechat_platform.Platform:
    peer = wechat_peer()
    keys = WeChatKeys(
        platform=peer.platform_key,
        public_key_id=PUBLIC_KEY_ID,
        merchant=peer.merchant_key.public_key(),
        api_v3_key=API_V3_KEY.encode(),
        app_secret=WECHAT_APP_SECRET,
    )
    merchant = wechat_platform.Merchant(
        WECHAT_APP_ID, MCH_ID, CERT_SERIAL, oauth_domain="pay.example", h5_domain="pay.example"
    )
    return wechat_platform.Platform(merchant, keys, notify_delays_seconds=())


@pytest.fixture(scope="package")
def wechat(
    wechat_platform_of_shop: wechat_platform.Platform, asked: list[str]
) -> Iterator[WebServer]:
    platform = wechat_platform_of_shop
    app = create_wechat(platform)

    @app.before_request
    def note() -> None:
        if request.path.startswith("/v3/"):
            asked.append(f"{request.method} {request.path}")

    with WebServer(app, on_stop=platform.stop) as server:
        yield server


@pytest.fixture(scope="package")
def secrets_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    peer = alipay_peer()
    (folder / "alipay_app_private_key").write_text(peer.app_private_key, "utf-8")
    (folder / "alipay_public_key").write_text(peer.alipay_public_key, "utf-8")
    wechat = wechat_peer()
    (folder / "wechat_private_key").write_text(private_pem(wechat.merchant_key), "utf-8")
    (folder / "wechat_public_key").write_text(public_pem(wechat.platform_key), "utf-8")
    (folder / "wechat_api_v3_key").write_text(API_V3_KEY, "utf-8")
    (folder / "wechat_app_secret").write_text(WECHAT_APP_SECRET, "utf-8")
    (folder / "link_keys").write_text(json.dumps({"k1": secrets.token_hex(32)}), "utf-8")
    return folder


@pytest.fixture(scope="package")
def deployment(
    dynamodb: DynamoDB | ExternalDynamoDB,
    aws_credentials: None,
    s3: Mapping[str, str],
    secrets_folder: Path,
    identity: WebServer,
    alipay: WebServer,
    wechat: WebServer,
) -> Iterator[None]:
    """The environment of one deployment, for as long as these tests run."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "STAGE": "local",
            "DYNAMODB_ENDPOINT_URL": dynamodb.endpoint_url,
            "TABLE_PREFIX": f"api-{uuid.uuid4().hex[:8]}-",
            "SECRETS_DIR": str(secrets_folder),
            "PUBLIC_BASE_URL": "https://pay.example",
            "H5_ORIGIN": H5_ORIGIN,
            "H5_RESULT_URL": "https://h5.example/result.html?from=alipay",
            "AUTH_MODE": "jwks",
            "JWKS_URL": f"{identity.url}/.well-known/jwks.json",
            "JWT_ISSUER": ISSUER,
            "JWT_AUDIENCE": AUDIENCE,
            "ALIPAY_APP_ID": APP_ID,
            "ALIPAY_SELLER_ID": SELLER_ID,
            "ALIPAY_GATEWAY_URL": f"{alipay.url}/gateway.do",
            "WECHAT_APP_ID": WECHAT_APP_ID,
            "WECHAT_MCH_ID": MCH_ID,
            "WECHAT_CERT_SERIAL": CERT_SERIAL,
            "WECHAT_PUBLIC_KEY_ID": PUBLIC_KEY_ID,
            "WECHAT_GATEWAY_URL": wechat.url,
            "WECHAT_AUTHORIZE_URL": f"{wechat.url}/connect/oauth2/authorize",
            "WECHAT_TOKEN_URL": f"{wechat.url}/sns/oauth2/access_token",
            **s3,
        }.items():
            patch.setenv(name, value)
        forget_everything()
        yield
    forget_everything()


def forget_everything() -> None:
    """Read the settings again, and make each part anew at its next use."""
    settings.cache_clear()
    for part in vars(wiring).values():
        if hasattr(part, "cache_clear"):
            part.cache_clear()


@pytest.fixture(scope="package")
def shop(
    deployment: None,
    tokens: KeyRing,
    signing_key: RSAPrivateKey,
    alipay_platform_of_shop: alipay_platform.Platform,
    alipay: WebServer,
    wechat_platform_of_shop: wechat_platform.Platform,
    wechat: WebServer,
    asked: list[str],
) -> Iterator[Shop]:
    from app import app  # reads the settings

    dynamo = Dynamo(settings())
    tables = Tables({model.Meta.table_name: create_table(dynamo, model) for model in MODELS})
    # another suite may have imported the app before, under its own settings
    h5_origin = app.routes["/orders/payresult"]["GET"].cors.allow_origin
    yield Shop(
        client=Client(app, h5_origin),
        tables=tables,
        tokens=tokens,
        signing_key=signing_key,
        alipay=alipay_peer(),
        platform=alipay_platform_of_shop,
        platform_url=alipay.url,
        wechat_peer=wechat_peer(),
        wechat=wechat_platform_of_shop,
        wechat_url=wechat.url,
        asked=asked,
    )
    tables.delete()


@pytest.fixture
def client(shop: Shop) -> Client:
    return shop.client


@pytest.fixture(scope="module", autouse=True)
def _emptied(shop: Shop) -> Iterator[None]:
    yield
    shop.tables.empty()
