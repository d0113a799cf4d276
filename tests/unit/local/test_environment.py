from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.settings import Settings
from infra.local.environment import Addresses, functions_environment

FOLDER = Path("/stack")
ADDRESSES = Addresses(
    api_url="http://127.0.0.1:1",
    identity_url="http://127.0.0.1:2",
    alipay_url="http://127.0.0.1:3",
    wechat_url="http://127.0.0.1:4",
    amqp_url="amqp://127.0.0.1:5",
    management_url="http://127.0.0.1:7",
    dynamodb_url="http://127.0.0.1:6",
    s3_url="http://127.0.0.1:8",
)


def environment(**given: str) -> dict[str, str]:
    return functions_environment(FOLDER, ADDRESSES, given)


def test_the_settings_are_complete_without_anything_given() -> None:
    settings = Settings.from_env(environment())

    for name in ("public_base_url", "h5_result_url", "jwks_url", "jwt_issuer", "jwt_audience"):
        assert settings.require(name)
    for name in ("alipay_app_id", "alipay_seller_id", "alipay_gateway_url", "rabbitmq_url"):
        assert settings.require(name)
    for name in ("app_id", "mch_id", "cert_serial", "public_key_id"):
        assert settings.require(f"wechat_{name}")
    assert settings.dynamodb_endpoint_url == ADDRESSES.dynamodb_url
    assert settings.require("materials_bucket")
    assert settings.s3_endpoint_url == ADDRESSES.s3_url
    assert settings.secrets_dir == "/stack/secrets"


def test_payments_and_both_ends_of_oauth_lead_to_the_wechat_simulator() -> None:
    settings = Settings.from_env(environment())

    for url in (
        settings.wechat_gateway_url,
        settings.wechat_authorize_url,
        settings.wechat_token_url,
    ):
        assert f"{url}/".startswith(f"{ADDRESSES.wechat_url}/")


def test_without_a_wechat_simulator_oauth_is_asked_of_the_platform() -> None:
    given = {"WECHAT_GATEWAY_URL": "https://elsewhere"}
    env = functions_environment(FOLDER, replace(ADDRESSES, wechat_url=""), given)

    assert env["WECHAT_GATEWAY_URL"] == "https://elsewhere"
    assert Settings.from_env(env).wechat_token_url.startswith("https://api.weixin.qq.com/")


def test_what_is_given_stays_and_an_empty_value_is_not_given() -> None:
    env = environment(DRAIN_WINDOW_SECONDS="5", JWT_AUDIENCE="others", RABBITMQ_URL="")

    assert env["DRAIN_WINDOW_SECONDS"] == "5"
    assert env["JWT_AUDIENCE"] == "others"
    assert env["RABBITMQ_URL"] == ADDRESSES.amqp_url


def test_the_developers_aws_account_has_no_part_in_a_local_engine() -> None:
    env = environment(
        AWS_PROFILE="work", AWS_ACCESS_KEY_ID="real", AWS_ENDPOINT_URL="https://elsewhere"
    )

    assert env["AWS_ACCESS_KEY_ID"] == "local"
    assert not {"AWS_PROFILE", "AWS_ENDPOINT_URL"} & env.keys()


@pytest.mark.parametrize("engine", ["DYNAMODB_ENDPOINT_URL", "S3_ENDPOINT_URL"])
def test_an_engine_elsewhere_is_reached_with_the_callers_credentials(engine: str) -> None:
    env = environment(**{engine: "https://elsewhere", "AWS_PROFILE": "work"})

    assert env["AWS_PROFILE"] == "work"
    assert "AWS_ACCESS_KEY_ID" not in env


def test_no_proxy_stands_between_the_parts() -> None:
    env = environment(HTTP_PROXY="http://proxy", NO_PROXY="internal")

    assert env["NO_PROXY"] == "internal,127.0.0.1,localhost"


def test_secrets_of_secrets_manager_are_not_shadowed_by_local_files() -> None:
    assert environment(SECRETS_ID="payments")["SECRETS_DIR"] == ""


def test_the_management_api_is_that_of_the_broker_that_is_used() -> None:
    assert environment()["RABBITMQ_MANAGEMENT_URL"] == ADDRESSES.management_url
    assert "RABBITMQ_MANAGEMENT_URL" not in environment(RABBITMQ_URL="amqp://elsewhere")
    theirs = environment(
        RABBITMQ_URL="amqp://elsewhere", RABBITMQ_MANAGEMENT_URL="http://elsewhere"
    )
    assert theirs["RABBITMQ_MANAGEMENT_URL"] == "http://elsewhere"
