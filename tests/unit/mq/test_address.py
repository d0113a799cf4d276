from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from pika import PlainCredentials

from chalicelib.mq.rabbit import BrokerAddress
from chalicelib.secrets import FetchedSecrets
from chalicelib.settings import Settings, SettingsError


def address(env: Mapping[str, str], secret_url: str = "") -> BrokerAddress:
    values = {"rabbitmq_url": secret_url} if secret_url else {}
    return BrokerAddress(Settings.from_env(env), FetchedSecrets(lambda: values))


def test_the_setting_comes_before_the_secret() -> None:
    both = address({"RABBITMQ_URL": "amqp://setting:5673/%2F"}, "amqp://secret:5674/%2F")
    assert both.parameters("test").host == "setting"
    assert not both.forget()


def test_the_secret_is_used_when_there_is_no_setting() -> None:
    secret = address({}, "amqps://user:p%40ss@secret/orders")
    parameters = secret.parameters("test")
    assert (parameters.host, parameters.port) == ("secret", 5671)
    assert parameters.virtual_host == "orders"
    assert isinstance(parameters.credentials, PlainCredentials)
    assert parameters.credentials.password == "p@ss"
    assert secret.forget()


def test_the_connection_is_kept_alive_and_never_waits_for_long() -> None:
    parameters = address({"RABBITMQ_URL": "amqp://broker/%2F"}).parameters("relay")
    assert parameters.heartbeat == 60
    assert parameters.connection_attempts == 1
    assert parameters.socket_timeout == 3
    assert parameters.stack_timeout == 6
    assert parameters.blocked_connection_timeout == 5
    assert parameters.client_properties == {"connection_name": "course-payments relay"}
    assert parameters.ssl_options is None


def test_tls_verifies_the_certificate_and_the_host() -> None:
    options = address({"RABBITMQ_URL": "amqps://broker/%2F"}).parameters("relay").ssl_options
    assert options is not None
    assert options.server_hostname == "broker"
    assert options.context.check_hostname
    assert options.context.verify_mode.name == "CERT_REQUIRED"


def test_a_ca_file_that_is_not_there_is_named_by_its_setting(tmp_path: Path) -> None:
    missing = {"RABBITMQ_URL": "amqps://broker/", "RABBITMQ_CA_FILE": str(tmp_path / "ca.pem")}
    with pytest.raises(SettingsError, match="RABBITMQ_CA_FILE"):
        address(missing).parameters("relay")


@pytest.mark.parametrize(
    "url", ["http://u:hidden@h/", "amqp://u:hidden@h:port/", "amqp://u@h/?x=1"]
)
def test_an_unreadable_url_is_not_repeated(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        address({"RABBITMQ_URL": url}).parameters("relay")
    assert "hidden" not in str(caught.value)


def test_no_url_at_all_names_the_secret() -> None:
    with pytest.raises(SettingsError, match="rabbitmq_url"):
        address({}).parameters("relay")
