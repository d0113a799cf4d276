"""Secrets Manager, as moto answers for it."""

from __future__ import annotations

import json

import boto3
import pytest
from moto import mock_aws

from chalicelib.aws import secret_values
from chalicelib.errors import Unavailable
from chalicelib.secrets import secrets_for
from chalicelib.settings import Settings, SettingsError

REGION = "ap-southeast-1"
NAME = "course-payments/dev"


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch):
    """A secret with two values, in an account that does not exist."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("secretsmanager", region_name=REGION)
        values = {"link_keys": "{}", "rabbitmq_url": "amqps://user:one@broker.example/"}
        client.create_secret(Name=NAME, SecretString=json.dumps(values))
        yield client


def test_a_secret_is_a_json_object_of_texts(stored) -> None:
    assert secret_values(REGION, NAME)["link_keys"] == "{}"


def test_a_rotated_secret_is_seen_once_the_old_one_is_forgotten(stored) -> None:
    secrets = secrets_for(Settings.from_env({"AWS_REGION": REGION, "SECRETS_ID": NAME}))
    assert "user:one@" in secrets.get("rabbitmq_url")

    rotated = {"rabbitmq_url": "amqps://user:two@broker.example/"}
    stored.put_secret_value(SecretId=NAME, SecretString=json.dumps(rotated))
    assert "user:one@" in secrets.get("rabbitmq_url")
    secrets.forget()
    assert "user:two@" in secrets.get("rabbitmq_url")


def test_a_secret_that_cannot_be_read_is_unavailable(stored) -> None:
    with pytest.raises(Unavailable):
        secret_values(REGION, "another")


@pytest.mark.parametrize("text", ["not json", '["a"]', '{"link_keys": {"k1": "hidden"}}'])
def test_a_secret_of_another_shape_is_named_and_not_shown(stored, text: str) -> None:
    stored.put_secret_value(SecretId=NAME, SecretString=text)
    with pytest.raises(SettingsError, match=NAME) as wrong:
        secret_values(REGION, NAME)
    assert "hidden" not in str(wrong.value)
