"""Every Lambda function imports the same app, so importing it must stay cheap and without effect.

Each test imports in an interpreter of its own, with nothing in the environment but what it names.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

NEVER = (
    # databases, brokers, payment platforms, and HTTP to any of them
    "boto3",
    "pynamodb",
    "pika",
    "alipay",
    "wechatpayv3",
    "requests",
    "urllib3",
    "httpx",
    # cryptography
    "Cryptodome",
    "OpenSSL",
    "cryptography",
    "jwt",
    # what draws
    "qrcode",
    "png",
    "jinja2",
    # botocore itself is there in name only: Powertools asks it to name Powertools to AWS
    "botocore.session",
    "botocore.client",
    "botocore.httpsession",
    # ours: the modules that only wiring names
    "chalicelib.aws",
    "chalicelib.dynamo",
    "chalicelib.tables",
    "chalicelib.tokens",
    "chalicelib.ids.worker_lease",
    "chalicelib.learning.store",
    "chalicelib.mq.outbox",
    "chalicelib.mq.rabbit",
    "chalicelib.orders.alipay.channel",
    "chalicelib.orders.wechat.channel",
    "chalicelib.orders.wechat.oauth",
    "chalicelib.orders.storage.store",
    "chalicelib.resources.files",
    "chalicelib.resources.store",
)

LOADED_BY: dict[str, tuple[str, ...]] = {
    "alipay": (
        "alipay",
        "requests",
        "chalicelib.orders.alipay.channel",
        "chalicelib.orders.storage.store",
        "pynamodb",
    ),
    "wechat": (
        "wechatpayv3",
        "requests",
        "chalicelib.orders.wechat.channel",
        "chalicelib.orders.storage.store",
    ),
    "rabbit": ("pika", "chalicelib.mq.rabbit", "chalicelib.mq.outbox", "pynamodb"),
    "dynamodb": ("pynamodb", "chalicelib.dynamo"),
    "s3": ("boto3", "chalicelib.resources.files"),
}

BINDS_ONLY = ("socket.__new__", "socket.bind")
"""urllib3 binds a socket at its import to learn whether this machine has IPv6; nothing leaves."""

WATCHED_IMPORT = """
import json, sys
seen = {"sockets": [], "opened": [], "processes": []}
def watch(event, arguments):
    if event.startswith("socket."):
        seen["sockets"].append(event)
    elif event == "open" and isinstance(arguments[0], str):
        seen["opened"].append(arguments[0])
    elif event in ("subprocess.Popen", "os.system", "os.exec"):
        seen["processes"].append(event)
sys.addaudithook(watch)
import app
from chalicelib import wiring
seen["modules"] = sorted(sys.modules)
seen["made"] = [
    name
    for name, part in vars(wiring).items()
    if hasattr(part, "cache_info") and part.__module__.startswith("chalicelib.wiring.")
    and part.cache_info().currsize
]
print(json.dumps(seen))
"""


def run(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        env={"PYTHONDONTWRITEBYTECODE": "1", **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def imported(**env: str) -> dict[str, Any]:
    ended = run(WATCHED_IMPORT, **env)
    assert ended.returncode == 0, ended.stderr
    seen: dict[str, Any] = json.loads(ended.stdout)
    return seen


@pytest.fixture(scope="module")
def plain_import(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What importing the app did, with a folder of secrets in reach."""
    secrets = tmp_path_factory.mktemp("secrets")
    for name in ("alipay_app_private_key", "alipay_public_key", "link_keys", "rabbitmq_url"):
        (secrets / name).write_text("secret", "utf-8")
    return {"secrets": str(secrets), **imported(SECRETS_DIR=str(secrets))}


def test_each_name_is_that_of_a_module() -> None:
    assert [name for name in NEVER if find_spec(name) is None] == []


def test_importing_the_app_loads_nothing_heavy(plain_import: dict[str, Any]) -> None:
    assert [name for name in NEVER if name in plain_import["modules"]] == []


def test_importing_the_app_opens_no_socket_and_starts_nothing(
    plain_import: dict[str, Any],
) -> None:
    assert plain_import["sockets"] == []
    assert plain_import["processes"] == []


def test_importing_the_app_reads_no_secret(plain_import: dict[str, Any]) -> None:
    assert plain_import["opened"]
    assert [path for path in plain_import["opened"] if plain_import["secrets"] in path] == []


def test_importing_the_app_makes_no_part(plain_import: dict[str, Any]) -> None:
    assert plain_import["made"] == []


@pytest.mark.parametrize("name", LOADED_BY)
def test_a_function_may_name_what_it_loads_at_its_start(name: str) -> None:
    seen = imported(PRELOAD=name)
    assert [module for module in LOADED_BY[name] if module not in seen["modules"]] == []
    assert [event for event in seen["sockets"] if event not in BINDS_ONLY] == []
    assert seen["made"] == []


def test_several_parts_are_loaded_together() -> None:
    seen = imported(PRELOAD=" alipay, rabbit ")
    assert {*LOADED_BY["alipay"], *LOADED_BY["rabbit"]} <= set(seen["modules"])


def test_a_part_that_is_not_known_stops_the_start_and_is_named() -> None:
    ended = run("import app", PRELOAD="rabbit,alipya")
    assert ended.returncode != 0
    last = ended.stderr.strip().splitlines()[-1]
    assert "SettingsError" in last
    assert "PRELOAD" in last
    assert "'alipya'" in last
    for name in LOADED_BY:
        assert name in last


def test_the_app_leaves_our_logger_as_it_is() -> None:
    told = run(
        "import io, sys; from chalicelib.observability import logger; sys.stdout = io.StringIO();"
        " import app; print(logger.log_level, file=sys.__stdout__)"
    )
    assert told.stdout.strip() == "20", told.stderr
