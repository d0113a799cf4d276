"""Settings and secrets: what is wrong is named, what is secret is not shown."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from chalicelib.secrets import FetchedSecrets, secrets_for
from chalicelib.settings import Settings, SettingsError

CONFIGURATION = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = Settings.from_env({})
    assert settings.order_expires_minutes == 30
    assert settings.auth_mode == "jwks"
    assert settings.retry_delays_seconds == (10, 60)
    assert settings.preload == ()


def test_blank_is_absent() -> None:
    assert Settings.from_env({"ORDER_EXPIRES_MINUTES": " "}) == Settings.from_env({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ORDER_EXPIRES_MINUTES", "half an hour"),
        ("ORDER_EXPIRES_MINUTES", "-1"),
        ("ORDER_EXPIRES_MINUTES", "٣"),
        ("RETRY_DELAYS_SECONDS", "10,x"),
        ("AUTH_MODE", "none"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_env({name: value})


def test_a_required_setting_that_is_missing_is_named() -> None:
    with pytest.raises(SettingsError, match="PUBLIC_BASE_URL"):
        Settings.from_env({}).require("public_base_url")


def test_every_setting_is_documented() -> None:
    page = CONFIGURATION.read_text("utf-8")
    documented = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", page))
    assert {field.name.upper() for field in fields(Settings)} <= documented


def test_secrets_in_a_folder_are_read_without_their_line_end(tmp_path: Path) -> None:
    (tmp_path / "link_keys").write_text("{}\n")
    secrets = secrets_for(Settings.from_env({"SECRETS_DIR": str(tmp_path)}))
    assert secrets.get("link_keys") == "{}"
    with pytest.raises(SettingsError, match="alipay_public_key"):
        secrets.get("alipay_public_key")


def test_without_a_place_for_secrets_the_settings_are_to_blame() -> None:
    with pytest.raises(SettingsError, match="SECRETS_ID"):
        secrets_for(Settings.from_env({}))


def test_fetched_secrets_are_fetched_once_until_they_are_forgotten() -> None:
    fetches = iter([{"a": "1"}, {"a": "2"}])
    secrets = FetchedSecrets(lambda: next(fetches))
    assert [secrets.get("a"), secrets.get("a")] == ["1", "1"]
    secrets.forget()
    assert secrets.get("a") == "2"
    with pytest.raises(SettingsError, match="'b'"):
        secrets.get("b")
