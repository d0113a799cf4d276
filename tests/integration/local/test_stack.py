from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from infra.local.processes import proc
from infra.local.processes.children import LOG_MARK, ROOT, wait_until
from infra.local.stack import Stack, StackError
from tests.integration.local.supervisor import supervisor, waiting_with

QUICK = ("dynamodb", "identity")


def running_in(folder: Path) -> tuple[int, ...]:
    return proc.with_environment(LOG_MARK, f"{folder.resolve()}/logs/")


def test_the_parts_that_were_asked_for_run_inside_the_block_only(tmp_path: Path) -> None:
    lines: list[str] = []
    with Stack(tmp_path, only=QUICK, report=lines.append) as stack:
        assert httpx.get(f"{stack.identity_url}/healthz").status_code == 200
        assert stack.env["JWT_ISSUER"] == stack.identity_url
        assert stack.part("dynamodb").pid in running_in(tmp_path)

    assert running_in(tmp_path) == ()
    assert [line.split()[0] for line in lines] == list(QUICK)


def test_a_part_that_was_killed_starts_again_at_its_address(tmp_path: Path) -> None:
    with Stack(tmp_path, only=["identity"]) as stack:
        identity = stack.part("identity")
        killed = identity.pid
        identity.kill()
        assert stack.ended() == {"identity": "was ended by signal 9"}

        identity.restart()
        assert identity.pid != killed
        assert httpx.get(f"{stack.identity_url}/healthz").status_code == 200
        assert stack.ended() == {}


def test_a_part_that_a_variable_names_elsewhere_is_not_started(tmp_path: Path) -> None:
    lines: list[str] = []
    with Stack(
        tmp_path,
        {"DYNAMODB_ENDPOINT_URL": "http://127.0.0.1:1"},
        only=["dynamodb"],
        report=lines.append,
    ) as stack:
        assert stack.env["DYNAMODB_ENDPOINT_URL"] == "http://127.0.0.1:1"
        assert running_in(tmp_path) == ()

    assert lines == ["  dynamodb     not started: DYNAMODB_ENDPOINT_URL names another"]


def test_a_part_that_fails_is_named_and_takes_the_others_along(tmp_path: Path) -> None:
    stack = Stack(tmp_path, {"TABLE_PREFIX": "not a name "}, only=["dynamodb", "tables"])
    with pytest.raises(StackError) as failure, stack:
        raise AssertionError("it started")

    message = str(failure.value)
    assert message.startswith("tables ended with exit code 1; the end of ")
    assert "ValidationException" in message, "the end of its log"
    assert running_in(tmp_path) == ()


def test_a_port_that_is_taken_is_named_and_nobody_answers_in_the_parts_place(
    tmp_path: Path,
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        stack = Stack(tmp_path, {"IDENTITY_PORT": port}, only=QUICK)
        with pytest.raises(StackError, match=f"identity: port {port} of 127.0.0.1 is in use"):
            stack.__enter__()

    assert running_in(tmp_path) == ()


def test_a_port_that_is_no_number_is_named(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="API_PORT must be the number of a port, not 'http'"):
        Stack(tmp_path, {"API_PORT": "http"})


def test_a_second_stack_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    with Stack(tmp_path, only=()), pytest.raises(StackError, match=f"process {os.getpid()}"):
        Stack(tmp_path, only=()).__enter__()

    with Stack(tmp_path, only=()):
        pass  # the folder is free again


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_parts_before_the_supervisor_ends(
    tmp_path: Path, number: signal.Signals
) -> None:
    with supervisor(tmp_path, waiting_with(tmp_path, *QUICK)) as started:
        started.wait_for("up")
        assert len(started.descendants()) >= 3, "two parts and the watchdog"

        started.process.send_signal(number)
        started.process.wait(timeout=30)

        assert started.descendants() == set()


def test_a_signal_during_the_start_ends_what_runs_already(tmp_path: Path) -> None:
    with supervisor(tmp_path, waiting_with(tmp_path, "dynamodb", "broker")) as started:
        started.wait_for("dynamodb")
        started.process.terminate()
        started.process.wait(timeout=60)

        assert started.process.returncode == 128 + signal.SIGTERM
        assert started.descendants() == set()


def test_a_killed_supervisor_leaves_nothing_for_long(tmp_path: Path) -> None:
    with supervisor(tmp_path, waiting_with(tmp_path, "broker", "identity")) as started:
        started.wait_for("up")
        started.process.kill()

        assert wait_until(lambda: not started.descendants(), seconds=60)


def test_a_start_ends_what_a_supervisor_left_that_was_killed_with_its_watchdog(
    tmp_path: Path,
) -> None:
    with supervisor(tmp_path, waiting_with(tmp_path, *QUICK)) as started:
        started.wait_for("up")
        servers = running_in(tmp_path)
        [watchdog] = started.descendants() - set(servers)
        os.kill(watchdog, signal.SIGKILL)
        started.process.kill()
        started.process.wait(timeout=30)
        assert running_in(tmp_path) == servers

    lines: list[str] = []
    with Stack(tmp_path, only=(), report=lines.append):
        assert running_in(tmp_path) == ()
    assert lines == ["ended 2 processes that a killed stack left behind"]


def operators_command(environment: Path, *command: str) -> str:
    """What a command prints in a shell that knows nothing but what ``make up`` wrote."""
    done = subprocess.run(
        [
            *("sh", "-c", '. "$0" && exec "$@"', environment),
            *(sys.executable, "-m", "infra.ops", *command),
        ],
        env={"PATH": os.defpath},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_make_up_says_where_everything_is_and_serves_it_until_ctrl_c(tmp_path: Path) -> None:
    command = ("-m", "infra.local.up", "--folder", str(tmp_path))
    with supervisor(tmp_path, command) as started:
        said = started.wait_for("Ctrl-C stops it")
        for offered in ("API", "tokens", "Alipay", "WeChat"):
            assert any(line.startswith(f"  {offered} ") and "http://127" in line for line in said)
        env = tmp_path / "env"
        assert operators_command(env, "topology", "check").endswith("nothing differs\n")
        assert "0 rows" in operators_command(env, "outbox", "list")
        started.process.send_signal(signal.SIGINT)

        assert started.process.wait(timeout=60) == 0
        assert started.descendants() == set()
