"""``python -m infra.local.wechat``."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.integration.simulators.wechat.merchant import (
    APP_ID,
    MCH_ID,
    PUBLIC_KEY_ID,
    SERIAL,
    WechatSite,
)

DEADLINE_SECONDS = 30
COMMAND = [
    *(sys.executable, "-m", "infra.local.wechat", "--app-id", APP_ID, "--mch-id", MCH_ID),
    *("--merchant-serial", SERIAL, "--public-key-id", PUBLIC_KEY_ID, "--notify-delays", "1,2"),
]


def ended(keys: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, "--keys", str(keys), *options]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False
    )


def test_the_simulator_serves_until_sigterm_and_logs_no_query(
    stack_folder: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    command = [*COMMAND, "--keys", str(stack_folder / "keys")]
    with (
        log.open("w") as stderr,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True) as process,
    ):
        assert process.stdout is not None
        try:
            url = process.stdout.readline().split()[-1]
            assert httpx.get(f"{url}/healthz?secret=1", trust_env=False).status_code == 200
            process.send_signal(signal.SIGTERM)
            assert process.wait(DEADLINE_SECONDS) == 0
        finally:
            process.kill()
    assert "GET /healthz 200" in log.read_text()
    assert "secret" not in log.read_text()


def test_a_port_that_is_taken_ends_the_process(stack_folder: Path, wechat_site: WechatSite) -> None:
    outcome = ended(stack_folder / "keys", "--port", wechat_site.url.rpartition(":")[2])
    assert outcome.returncode == 1
    assert "is in use" in outcome.stderr
    assert "Traceback" not in outcome.stderr


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("wechatpay_private_key.pem", None),
        ("wechat_merchant_public_key.pem", b"no key"),
        ("wechat_api_v3_key", b"short"),
        ("wechat_app_secret", None),
    ],
)
def test_a_missing_or_unfit_key_is_named(
    stack_folder: Path, tmp_path: Path, file: str, content: bytes | None
) -> None:
    keys = tmp_path / "keys"
    shutil.copytree(stack_folder / "keys", keys)
    if content is None:
        (keys / file).unlink()
    else:
        (keys / file).write_bytes(content)
    outcome = ended(keys)
    assert outcome.returncode == 2
    assert file in outcome.stderr
    assert "Traceback" not in outcome.stderr
