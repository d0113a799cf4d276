"""The part ``queues``: the operators' own command, before anything publishes."""

from __future__ import annotations

from pathlib import Path

from chalicelib.mq.topology import platform_topology
from infra.local.parts import Parts
from infra.local.services.broker import Broker, ExternalBroker
from infra.local.stack import Stack
from tests.integration.mq.virtual_host import a_channel, a_virtual_host

NONE_ELSEWHERE = {"RABBITMQ_URL": "", "RABBITMQ_MANAGEMENT_URL": ""}
"""Whatever broker the suite is pointed at: this stack starts its own."""
QUEUES = platform_topology((10, 60)).queues()


def test_the_broker_of_a_stack_has_all_queues_before_the_functions_start(tmp_path: Path) -> None:
    lines: list[str] = []
    parts = ["broker", "queues"]
    with Stack(tmp_path, NONE_ELSEWHERE, only=parts, report=lines.append) as stack:
        said = stack.part("queues").log_path.read_text("utf-8")
        with a_channel(stack.env["RABBITMQ_URL"]) as channel:
            for queue in QUEUES:
                channel.queue_declare(queue.name, passive=True)
    assert [line.split()[0] for line in lines] == ["broker", "queues"]
    assert all(f"done: declare queue {queue.name}\n" in said for queue in QUEUES)
    assert "not seen" not in said, "the management API was not asked"


def test_a_broker_elsewhere_gets_them_too(tmp_path: Path, broker: Broker | ExternalBroker) -> None:
    with a_virtual_host(broker) as host:
        elsewhere = {"RABBITMQ_URL": host.amqp_url, "RABBITMQ_MANAGEMENT_URL": ""}
        stack = Stack(tmp_path, elsewhere, only=["queues"], report=lambda _: None)
        with stack, a_channel(host.amqp_url) as channel:
            for queue in QUEUES:
                channel.queue_declare(queue.name, passive=True)


def test_what_publishes_and_consumes_starts_after_the_queues_are_there(tmp_path: Path) -> None:
    stages = [{part.name for part in stage} for stage in Parts(tmp_path, {}).stages()]
    assert stages[-2:] == [{"queues"}, {"api", "stream_pump", "scheduler"}]
    assert "broker" in stages[-3]
