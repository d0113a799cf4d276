"""The publisher's process is killed when all is confirmed and no row is deleted yet."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.settings import Settings
from infra.local.services.dynamodb import DynamoDB, ExternalDynamoDB
from tests.e2e.database_gate import DatabaseGate
from tests.integration.mq.faults.scene import CONFIRMED, Scene

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize("deleted", [False, True], ids=["not deleted", "deleted, unheard"])
def test_a_publisher_killed_between_confirm_and_delete_sends_again_and_deletes(
    scene: Scene, local_settings: Settings, dynamodb: DynamoDB | ExternalDynamoDB, deleted: bool
) -> None:
    """The rows say what is left to do: all of it, or nothing."""
    batch = scene.batch(5)
    keys = {m.event_key for m in batch}
    with DatabaseGate(dynamodb.endpoint_url) as gate:
        held = gate.hold("BatchWriteItem", batch[0].event_key, carried_out=deleted)
        command = "-m", f"{__package__}.relaying_process"
        arguments = scene.exchange, ",".join(scene.queues), str(len(batch))
        env = {
            **os.environ,
            "RABBITMQ_URL": scene.wire.broker.amqp_url,
            "DYNAMODB_ENDPOINT_URL": gate.url,
            "TABLE_PREFIX": local_settings.table_prefix,
            "STAGE": "local",
        }
        with subprocess.Popen([sys.executable, *command, *arguments], cwd=ROOT, env=env) as process:
            try:
                held.wait()
            finally:
                process.kill()
        assert process.returncode < 0

    left = scene.rows(batch)
    assert left == (set() if deleted else keys)
    for queue in scene.queues:
        assert scene.copies(queue) == dict.fromkeys(keys, 1)

    again = scene.relay(batch, scene.publisher()) if left else None

    assert scene.rows(batch) == set()
    assert again is None or again.of(CONFIRMED) == keys
    for queue in scene.queues:
        assert scene.copies(queue) == dict.fromkeys(keys, 1 if deleted else 2)
