from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from infra.local.keys import make_keys


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("stack")
    make_keys(made)
    return made


@pytest.mark.parametrize(
    ("private", "public"),
    [
        ("keys/alipay_private_key.pem", "secrets/alipay_public_key"),
        ("secrets/alipay_app_private_key", "keys/alipay_app_public_key.pem"),
        ("keys/wechatpay_private_key.pem", "secrets/wechat_public_key"),
        ("secrets/wechat_private_key", "keys/wechat_merchant_public_key.pem"),
    ],
)
def test_what_one_side_signs_the_other_side_verifies(
    folder: Path, private: str, public: str
) -> None:
    signing = load_pem_private_key((folder / private).read_bytes(), None)
    verifying = load_pem_public_key((folder / public).read_bytes())

    assert isinstance(signing, rsa.RSAPrivateKey)
    assert isinstance(verifying, rsa.RSAPublicKey)
    signature = signing.sign(b"paid", padding.PKCS1v15(), SHA256())
    verifying.verify(signature, b"paid", padding.PKCS1v15(), SHA256())


@pytest.mark.parametrize("name", ["wechat_api_v3_key", "wechat_app_secret"])
def test_both_sides_hold_the_same_secret_of_32_ascii_characters(folder: Path, name: str) -> None:
    held = {(folder / side / name).read_text("ascii") for side in ("keys", "secrets")}

    assert [len(secret) for secret in held] == [32]


def test_the_merchant_signs_to_wechat_with_a_pkcs8_key(folder: Path) -> None:
    pem = (folder / "secrets/wechat_private_key").read_text()

    assert pem.startswith("-----BEGIN PRIVATE KEY-----")


def test_the_link_keys_are_named_and_of_32_bytes(folder: Path) -> None:
    link_keys = json.loads((folder / "secrets/link_keys").read_text())

    assert [len(bytes.fromhex(key)) for key in link_keys.values()] == [32]


def test_the_keys_are_readable_by_their_owner_only(folder: Path) -> None:
    modes = {path.stat().st_mode & 0o777 for path in folder.glob("*/*")}

    assert modes == {0o600}


def test_a_second_start_keeps_the_keys(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.glob("*/*")}
    make_keys(folder)

    assert {path: path.read_bytes() for path in folder.glob("*/*")} == before


def test_half_a_pair_is_made_anew_as_a_pair(tmp_path: Path) -> None:
    make_keys(tmp_path)
    private, public = (
        tmp_path / "keys/alipay_private_key.pem",
        tmp_path / "secrets/alipay_public_key",
    )
    before = public.read_bytes()
    private.unlink()
    make_keys(tmp_path)

    assert private.exists()
    assert public.read_bytes() != before


def test_half_a_shared_secret_is_made_anew_on_both_sides(tmp_path: Path) -> None:
    make_keys(tmp_path)
    ours, theirs = (tmp_path / side / "wechat_api_v3_key" for side in ("keys", "secrets"))
    before = ours.read_bytes()
    theirs.unlink()
    make_keys(tmp_path)

    assert ours.read_bytes() == theirs.read_bytes() != before
