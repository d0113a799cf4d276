"""Settings and secrets: what is wrong is named, what is secret is not shown."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from chalicelib.secrets import FetchedSecrets, secrets_for
from chalicelib.settings import Settings, SettingsError

CONFIGURATION = Path(__file__).parents[2] / "docs" / "configuration.md"
FROM_ELSEWHERE = {"RABBITMQ_URL", "RABBITMQ_CA_FILE"}
DEFAULT_IN_WORDS = FROM_ELSEWHERE | {
    "OUTBOX_STREAM_ARN",
    "ALIPAY_GATEWAY_URL",
    "WECHAT_GATEWAY_URL",
    "WECHAT_AUTHORIZE_URL",
    "WECHAT_TOKEN_URL",
}
"""Addresses: the page says whose they are."""


def _documented() -> dict[str, str]:
    """The settings in the page's first table, with their defaults; ``–`` is none."""
    table = CONFIGURATION.read_text("utf-8").partition("\n## ")[0]
    found: dict[str, str] = {}
    for names, defaults in re.findall(r"^\| (`[^|]+`) \| ([^|]+) \|", table, re.MULTILINE):
        each = re.findall(r"`([A-Z0-9_]+)`", names)
        texts = [text.strip("`") for text in defaults.split(", ")]
        texts = texts * len(each) if len(texts) == 1 else texts
        found |= {name: "" if text == "–" else text for name, text in zip(each, texts, strict=True)}
    return found


DOCUMENTED = _documented()


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
        ("MATERIAL_LINK_SECONDS", "0"),
        ("MATERIAL_LINK_SECONDS", "301"),
        ("MATERIALS_PREFIX", "materials"),
        ("MATERIALS_PREFIX", "/"),
        ("MATERIALS_PREFIX", "/materials/"),
        ("MATERIALS_PREFIX", "materials//"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_env({name: value})


def test_a_required_setting_that_is_missing_is_named() -> None:
    with pytest.raises(SettingsError, match="PUBLIC_BASE_URL"):
        Settings.from_env({}).require("public_base_url")


def test_every_setting_is_documented_with_its_default_and_nothing_else() -> None:
    assert set(DOCUMENTED) == {field.name.upper() for field in fields(Settings)}


@pytest.mark.parametrize("name", sorted(set(DOCUMENTED) - DEFAULT_IN_WORDS))
def test_a_documented_default_is_the_default(name: str) -> None:
    default = getattr(Settings.from_env({}), name.lower())
    text = ",".join(map(str, default)) if isinstance(default, tuple) else str(default)
    assert DOCUMENTED[name] == text


def test_defaults_in_words_are_no_other_than_these() -> None:
    settings = Settings.from_env({})
    assert all(getattr(settings, name.lower()) for name in DEFAULT_IN_WORDS - FROM_ELSEWHERE)
    assert not any(getattr(settings, name.lower()) for name in FROM_ELSEWHERE)


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
