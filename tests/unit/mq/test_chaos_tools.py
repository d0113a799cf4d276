"""What the chaos run judges by: its plan, its reading of the tables and of the logs."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chalicelib.orders.model import OrderId, PayNo
from tests.chaos.books import findings_of
from tests.chaos.counts import counted
from tests.chaos.faults import FAULTS
from tests.chaos.gate import RefusingGate
from tests.chaos.plan import plan_of
from tests.chaos.report import Report
from tests.chaos.shop import Sale
from tests.chaos.tls import HOST, TlsTerminator

PAID_AT = datetime(2026, 3, 1, 4, 0, 5, tzinfo=UTC)


def a_sale(*, paid_back: bool = False) -> Sale:
    return Sale(
        order_id=OrderId("11"),
        pay_no=PayNo("12"),
        choose_course_id="13",
        user_id="student-1",
        course_id="course-1",
        paid_at=PAID_AT,
        paid_back=paid_back,
    )


def a_grant(**changes: Any) -> dict[str, Any]:
    moment = "2026-03-01T04:00:05.000000+0000"
    grant = {"choose_course_id": "13", "paid_at": moment, "valid_days": 365, "revoked": False}
    return {**grant, **changes}


def a_row(*grants: dict[str, Any], version: int = 1) -> dict[str, Any]:
    return {"grants": list(grants), "version": version}


def found(sale: Sale, *rows: dict[str, Any], record: str = "701001") -> list[bool]:
    """Of each finding whether it is a loss."""
    order = {"status": "600004" if sale.paid_back else "600002"}
    return [f.is_lost for f in findings_of(sale, order, {"status": record}, list(rows))]


def test_a_seed_has_one_plan_of_exactly_its_messages() -> None:
    plans = [plan_of(seed, messages, tuple(FAULTS)) for seed in range(50) for messages in (60, 999)]

    assert plans == [plan_of(s, m, tuple(FAULTS)) for s in range(50) for m in (60, 999)]
    assert {sum(step.messages for step in plan.steps) + plan.rest for plan in plans} == {60, 999}
    assert plan_of(1, 1000, tuple(FAULTS)) != plan_of(2, 1000, tuple(FAULTS))


def test_a_thousand_messages_meet_every_fault() -> None:
    for seed in range(50):
        plan = plan_of(seed, 1000, tuple(FAULTS))
        assert {step.fault for step in plan.steps} == set(FAULTS)
        assert all(step.calm and step.held and step.healing for step in plan.steps)


def test_a_request_that_was_to_be_held_passes_when_its_fault_is_over() -> None:
    with RefusingGate("http://127.0.0.1:9") as gate:
        first, second = (gate.hold("PutItem", table, carried_out=True) for table in ("a", "b"))

        gate.release(first)

        assert gate.take("PutItem", b"a") is None
        assert gate.take("PutItem", b"b") is second


@pytest.mark.parametrize("verifies", [True, False])
def test_who_goes_on_with_a_certificate_of_nobody_is_counted(
    tmp_path: Path, verifies: bool
) -> None:
    client = ssl.create_default_context()
    with socket.create_server(("127.0.0.1", 0)) as broker:
        tls = TlsTerminator(tmp_path, broker.getsockname()[1])
        client.load_verify_locations(tls.ca_file)
        with tls:
            assert speaks(client, tls, broker)
            tls.is_strange = True
            if not verifies:
                client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
            assert speaks(client, tls, broker) is not verifies
            assert (tls.shown, tls.taken_in) == (1, 0 if verifies else 1)
            tls.is_strange = False
            assert speaks(client, tls, broker)


def speaks(client: ssl.SSLContext, tls: TlsTerminator, broker: socket.socket) -> bool:
    """Whether a client gets through to the broker; False if it does not want to."""
    with socket.create_connection(("127.0.0.1", tls.port), timeout=20) as line:
        try:
            with client.wrap_socket(line, server_hostname=HOST) as safe_line:
                safe_line.sendall(b"hello")
                with broker.accept()[0] as heard:
                    return heard.recv(5) == b"hello"
        except ssl.SSLCertVerificationError:
            return False


def test_what_is_as_it_should_be_is_no_finding() -> None:
    assert found(a_sale(), a_row(a_grant())) == []
    gone = a_row(a_grant(revoked=True), version=2)
    assert found(a_sale(paid_back=True), gone, record="701003") == []
    assert found(a_sale(paid_back=True), record="701003") == []


def test_goods_that_did_not_follow_are_lost() -> None:
    assert found(a_sale(), record="701002") == [True]
    assert found(a_sale(), a_row(a_grant(revoked=True))) == [True]
    assert found(a_sale(paid_back=True), a_row(a_grant())) == [True]


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(a_row(a_grant(), version=2), id="the effect was stored twice"),
        pytest.param(a_row(a_grant(valid_days=730)), id="twice the time"),
        pytest.param(a_row(a_grant(), a_grant(choose_course_id="99")), id="another grant"),
        pytest.param(a_row(a_grant(), a_grant()), id="two grants"),
        pytest.param(
            a_row(a_grant(paid_at="2026-03-01T04:00:06.000000+0000")), id="from another moment"
        ),
    ],
)
def test_an_effect_that_is_not_there_exactly_once_is_found(row: dict[str, Any]) -> None:
    findings = found(a_sale(), row)

    assert findings
    assert not any(findings)


def test_an_order_in_another_state_is_found() -> None:
    unpaid = findings_of(a_sale(), {"status": "600001"}, {"status": "701001"}, [a_row(a_grant())])

    assert [str(f) for f in unpaid] == ["order 11 of student-1: the order's status is 600001"]


def test_counters_are_summed_over_lines_that_processes_broke_or_share(tmp_path: Path) -> None:
    def line(value: int) -> str:
        metric = '{"Name":"DrainAcked","Unit":"Count"},{"Name":"Age","Unit":"Seconds"}'
        about = f'{{"CloudWatchMetrics":[{{"Metrics":[{metric}]}}]}}'
        return f'{{"_aws":{about},"DrainAcked":[{value}.0],"Age":[5.0]}}'

    (tmp_path / "a.log").write_text(f"ready\n{line(3)}{line(4)}\n\n{line(8)[:-9]}\n{line(1)}\n")
    (tmp_path / "b.log").write_text(f"WARNING something\n{line(2)}\n")

    assert counted(tmp_path) == {"DrainAcked": 10}


@pytest.mark.parametrize(
    "trouble",
    [{"lost": 1}, {"effects": 59}, {"dead": 1}, {"outbox_left": 1}, {"wrong": ["twice"]}],
)
def test_a_run_is_well_only_when_nothing_is_missing_doubled_or_left(
    trouble: dict[str, Any],
) -> None:
    numbers: dict[str, Any] = {
        "seed": 1,
        "messages": 60,
        "published": 70,
        "confirmed": 65,
        "acked": 66,
        "duplicated": 6,
        "poison": 13,
        "lost": 0,
        "effects": 60,
        "wrong": [],
        "dead": 0,
        "outbox_left": 0,
        "seconds": 90.0,
        "metrics": {},
        "faults": [],
    }

    assert Report(**numbers).is_well
    assert not Report(**{**numbers, **trouble}).is_well
