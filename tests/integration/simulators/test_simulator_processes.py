from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.integration.simulators.merchant import MerchantSite

DEADLINE_SECONDS = 30
ALIPAY = ["infra.local.alipay", "--app-id", "2021", "--seller-id", "2088", "--notify-delays", "1,2"]
IDENTITY = ["infra.local.services.identity", "--issuer", "http://identity.test", "--audience", "x"]


@contextmanager
def running(arguments: list[str], keys: Path, log: Path) -> Iterator[tuple[str, int]]:
    """Where a simulator says that it is, and its process id."""
    command = [sys.executable, "-m", *arguments, "--keys", str(keys)]
    with (
        log.open("w") as stderr,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True) as process,
    ):
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1], process.pid
            process.send_signal(signal.SIGTERM)
            assert process.wait(DEADLINE_SECONDS) == 0
        finally:
            process.kill()


@pytest.mark.parametrize("arguments", [ALIPAY, IDENTITY])
def test_a_simulator_serves_until_sigterm_and_logs_no_query(
    arguments: list[str], keys_folder: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with running(arguments, keys_folder, log) as (url, _):
        assert httpx.get(f"{url}/healthz?secret=1", trust_env=False).status_code == 200
        assert httpx.get(f"{url}/nothing?secret=1", trust_env=False).status_code == 404
    lines = log.read_text()
    assert "GET /healthz 200" in lines
    assert "GET /nothing 404" in lines
    assert "secret" not in lines


@pytest.mark.parametrize("arguments", [ALIPAY, IDENTITY])
def test_a_port_that_is_taken_ends_the_process(
    arguments: list[str], keys_folder: Path, site: MerchantSite
) -> None:
    port = site.url.rpartition(":")[2]
    command = [sys.executable, "-m", *arguments, "--keys", str(keys_folder), "--port", port]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_SECONDS)
    assert ended.returncode == 1
    assert f"Port {port} is in use" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("arguments", [ALIPAY, IDENTITY])
def test_a_missing_key_is_named(arguments: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", *arguments, "--keys", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_SECONDS)
    assert ended.returncode == 2
    assert "private_key.pem" in ended.stderr
    assert "Traceback" not in ended.stderr
