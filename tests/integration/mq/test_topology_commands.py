"""``topology plan|apply|check|delete`` at a real broker, with and without the management API."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.mq.drift.conflict import MIGRATION
from chalicelib.mq.drift.found import Survey
from chalicelib.mq.rabbit.building import RabbitBuilder
from chalicelib.mq.rabbit.survey import AmqpSurvey
from chalicelib.mq.topology import QueueStyle, platform_topology
from chalicelib.ops.topology import apply, check, show_plan
from infra.local.processes.children import ROOT
from infra.local.services.broker import Broker, ExternalBroker
from tests.integration.mq.conftest import eventually
from tests.integration.mq.virtual_host import VirtualHost, a_channel, a_virtual_host

TOPOLOGY = platform_topology((10, 60))
WORK, EXCHANGE = "paynotify_queue", "paynotify_exchange_fanout"


@pytest.fixture
def vhost(broker: Broker | ExternalBroker) -> Iterator[VirtualHost]:
    with a_virtual_host(broker) as host:
        yield host


def checked(survey: Survey) -> tuple[bool, list[str]]:
    said: list[str] = []
    good = check(survey, TOPOLOGY, said.append)
    return good, [line for line in said if not line.startswith(("note:", "not seen"))]


def test_applied_to_an_empty_broker_everything_is_there_and_is_left_alone_again(
    vhost: VirtualHost,
) -> None:
    survey, builder, said = vhost.survey(), RabbitBuilder(vhost.address), list[str]()
    assert apply(survey, builder, TOPOLOGY, said.append)
    assert len([line for line in said if line.startswith("done: ")]) == 22
    assert checked(survey) == (True, ["nothing differs"])
    assert checked(AmqpSurvey(vhost.address)) == (True, ["nothing differs"])

    said.clear()
    assert apply(survey, builder, TOPOLOGY, said.append)
    assert said[-1] == "nothing was missing"
    with a_channel(vhost.amqp_url) as channel:  # it takes ours for the same
        for queue in TOPOLOGY.queues():
            channel.queue_declare(queue.name, durable=True, arguments=dict(queue.arguments))


def test_a_binding_that_somebody_took_away_is_seen_and_made_again(vhost: VirtualHost) -> None:
    survey, builder = vhost.survey(), RabbitBuilder(vhost.address)
    apply(survey, builder, TOPOLOGY, lambda _: None)
    with a_channel(vhost.amqp_url) as channel:
        channel.queue_unbind(WORK, EXCHANGE)

    assert checked(survey) == (False, [f"missing: bind queue {WORK} to exchange {EXCHANGE}"])
    apply(survey, builder, TOPOLOGY, lambda _: None)
    assert checked(survey) == (True, ["nothing differs"])


def test_without_the_management_api_a_binding_is_made_to_be_sure(vhost: VirtualHost) -> None:
    amqp, builder, said = AmqpSurvey(vhost.address), RabbitBuilder(vhost.address), list[str]()
    apply(amqp, builder, TOPOLOGY, lambda _: None)
    with a_channel(vhost.amqp_url) as channel:
        channel.queue_unbind(WORK, EXCHANGE)
    assert checked(amqp) == (True, ["nothing differs"])  # it cannot see that

    assert apply(amqp, builder, TOPOLOGY, said.append)
    assert f"done: bind queue {WORK} to exchange {EXCHANGE}, unless it was bound already" in said
    assert checked(vhost.survey()) == (True, ["nothing differs"])


def test_a_plain_queue_in_its_place_is_a_conflict_and_nothing_is_changed(
    vhost: VirtualHost,
) -> None:
    with a_channel(vhost.amqp_url) as channel:
        channel.queue_declare(WORK, durable=True)
    survey, builder, said = vhost.survey(), RabbitBuilder(vhost.address), list[str]()

    assert not apply(survey, builder, TOPOLOGY, said.append)

    assert f"x-queue-type is 'classic' and should be 'quorum'; see {MIGRATION}" in said[0]
    assert said[-1] == "nothing was changed"
    assert set(survey.look(TOPOLOGY).queues) == {WORK}

    said.clear()
    show_plan(AmqpSurvey(vhost.address), TOPOLOGY, said.append)
    (conflict,) = (line for line in said if line.startswith("conflict"))
    assert "inequivalent arg" in conflict
    assert MIGRATION in conflict
    assert set(survey.look(TOPOLOGY).queues) == {WORK}

    plain = platform_topology((10, 60), QueueStyle.PLAIN)
    assert apply(survey, builder, plain, said.append)
    assert check(survey, plain, said.append)


def test_a_policy_that_loses_messages_is_seen(vhost: VirtualHost, broker: Broker) -> None:
    survey = vhost.survey()
    apply(survey, RabbitBuilder(vhost.address), TOPOLOGY, lambda _: None)
    definition = '{"message-ttl": 60000}'
    if not isinstance(broker, Broker):
        pytest.skip("no rabbitmqctl for a broker that is not ours")
    broker.ctl("set_policy", "-p", vhost.name, "short", r"\.dead$", definition)
    said = (
        "conflict: queue paynotify_queue.dead: message-ttl of its policy is 60000 and should be"
        ' absent; see "Topology drift" in docs/operations.md'
    )
    eventually(lambda: said in checked(survey)[1], "the policy is not seen")


def test_the_command_line_plans_applies_and_checks(vhost: VirtualHost, tmp_path: Path) -> None:
    here = {"RABBITMQ_URL": vhost.amqp_url, "SECRETS_DIR": str(tmp_path)}

    def command(*words: str, **env: str) -> tuple[int, str]:
        ended = subprocess.run(
            [sys.executable, "-m", "infra.ops", "topology", *words],
            cwd=ROOT,
            env={**os.environ, **here, **env},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return ended.returncode, ended.stdout + ended.stderr

    api = {"RABBITMQ_MANAGEMENT_URL": vhost.management_url}
    assert command("plan", **api)[0] == 0
    assert command("check", **api)[0] == 1
    code, said = command("apply")
    assert code == 0
    assert f"done: declare queue {WORK}\n" in said
    code, said = command("check", **api)
    assert (code, said.splitlines()[-1]) == (0, "nothing differs")
