"""``python -m infra.ops dead-letters`` against a virtual host of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pika
import pytest

from chalicelib.deadline import Deadline
from chalicelib.mq.delivery import ATTEMPT_HEADER, REASON_HEADER
from chalicelib.mq.rabbit import BrokerAddress, RabbitInbox
from chalicelib.mq.topology import Subscription, platform_topology
from chalicelib.secrets import FetchedSecrets
from chalicelib.settings import Settings
from infra.local.processes.children import ROOT
from infra.local.services.broker import Broker, ExternalBroker
from tests.integration.mq.conftest import ANSWER_SECONDS

SUBSCRIPTIONS = platform_topology((10, 60)).subscriptions
PAYMENTS, REFUNDS = SUBSCRIPTIONS[:2]


class Deployment:
    """The platform's own queues, and an operator in front of a command line."""

    def __init__(self, amqp_url: str, folder: Path) -> None:
        self.amqp_url = amqp_url
        self._env = {
            "PATH": os.environ["PATH"],
            "RABBITMQ_URL": amqp_url,
            "SECRETS_DIR": str(folder),
        }
        settings = Settings.from_env({"RABBITMQ_URL": amqp_url})
        address = BrokerAddress(settings, FetchedSecrets(dict))
        for subscription in SUBSCRIPTIONS:
            RabbitInbox(address, subscription, 1, Deadline.after(ANSWER_SECONDS)).close()

    def bury(self, subscription: Subscription, *messages: tuple[str, bytes]) -> None:
        with pika.BlockingConnection(pika.URLParameters(self.amqp_url)) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            for message_id, body in messages:
                headers = {ATTEMPT_HEADER: 3, REASON_HEADER: "no such record"}
                properties = pika.BasicProperties(message_id=message_id, headers=headers)
                channel.basic_publish("", subscription.dead_queue, body, properties, mandatory=True)

    def bodies(self, queue: str) -> list[bytes | None]:
        with pika.BlockingConnection(pika.URLParameters(self.amqp_url)) as connection:
            channel = connection.channel()
            count = channel.queue_declare(queue, passive=True).method.message_count
            return [channel.basic_get(queue)[2] for _ in range(count)]

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            (sys.executable, "-m", "infra.ops", "dead-letters", *words),
            cwd=ROOT,
            env=self._env,
            capture_output=True,
            text=True,
            timeout=ANSWER_SECONDS,
            check=False,
        )


@pytest.fixture
def deployment(broker: Broker | ExternalBroker, tmp_path: Path) -> Iterator[Deployment]:
    if isinstance(broker, ExternalBroker):
        pytest.skip("RABBITMQ_URL names a broker whose virtual hosts are not ours to make")
    name = f"test-{uuid.uuid4().hex[:8]}"
    broker.ctl("add_vhost", name)
    broker.ctl("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
    yield Deployment(broker.amqp_url.replace("%2F", name), tmp_path)
    broker.ctl("delete_vhost", name)


def test_letters_are_listed_replayed_and_dropped(deployment: Deployment) -> None:
    paid, mistaken = b'{"id":"1","businessKey1":"500"}', b'{"id":"7"}'
    deployment.bury(PAYMENTS, ("1", paid), ("2", b"{"), ("1", paid))
    deployment.bury(REFUNDS, ("7", mistaken))

    listed = deployment.command("list")
    assert listed.returncode == 0, listed.stderr
    assert "paynotify_queue.dead: 2 letters\n  1: attempt 3, 31 bytes, 2 copies" in listed.stdout
    assert "refundnotify_queue.dead: 1 letters\n  7: attempt 3" in listed.stdout
    assert deployment.bodies(PAYMENTS.dead_queue) == [paid, b"{", paid]

    replayed = deployment.command("replay", "1")
    assert replayed.returncode == 0, replayed.stderr
    assert deployment.bodies(PAYMENTS.work_queue) == [paid]
    assert deployment.bodies(PAYMENTS.dead_queue) == [b"{"]

    dropped = deployment.command("drop", "7", "--reason", "a test", "--queue", REFUNDS.work_queue)
    assert dropped.returncode == 0, dropped.stderr
    assert f"body: {mistaken.decode()}\ndropped 7\n" in dropped.stdout
    assert deployment.bodies(REFUNDS.dead_queue) == []


def test_what_both_sellers_could_not_read_is_a_letter_of_each_and_replayed_for_one_alone(
    deployment: Deployment,
) -> None:
    materials = SUBSCRIPTIONS[2]
    for subscription in (PAYMENTS, materials):
        deployment.bury(subscription, ("1", b"{"))

    listed = deployment.command("list")
    assert "paynotify_queue.dead: 1 letters\n  1: attempt 3" in listed.stdout
    assert "paynotify_resources_queue.dead: 1 letters\n  1: attempt 3" in listed.stdout
    refused = deployment.command("replay", "1")
    assert refused.returncode == 1
    assert "1 is in more than one queue: say which" in refused.stderr

    replayed = deployment.command("replay", "1", "--queue", materials.work_queue)
    assert replayed.returncode == 0, replayed.stderr
    assert deployment.bodies(materials.work_queue) == [b"{"]
    assert deployment.bodies(materials.dead_queue) == []
    assert deployment.bodies(PAYMENTS.dead_queue) == [b"{"]
    assert deployment.bodies(PAYMENTS.work_queue) == []


REFUSED: tuple[tuple[tuple[str, ...], int, str], ...] = (
    (("replay", "1", "404"), 1, "nothing was changed: no dead letter 404"),
    (("drop", "404", "--reason", "a test"), 1, "nothing was changed: no dead letter 404"),
    (("list", "--queue", "nobodys_queue"), 1, "no work queue nobodys_queue; there are"),
    (("drop", "1", "--reason", ""), 1, "nothing was changed: a letter is dropped for a reason"),
    (("drop", "1"), 2, "--reason"),
    (("drop", "--all", "--reason", "a test"), 2, "KEY"),
    (("replay",), 2, "KEY"),
)


def test_a_command_that_cannot_be_carried_out_changes_nothing(deployment: Deployment) -> None:
    deployment.bury(PAYMENTS, ("1", b"{}"))

    for words, code, complaint in REFUSED:
        refused = deployment.command(*words)
        assert (refused.returncode, refused.stdout) == (code, ""), words
        assert complaint in refused.stderr

    assert deployment.bodies(PAYMENTS.dead_queue) == [b"{}"]
    assert deployment.bodies(PAYMENTS.work_queue) == []
