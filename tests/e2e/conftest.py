"""One running stack for all tests that do not start their own; short waits, the gate in front."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from infra.local.catalogue import import_sample
from infra.local.services.dynamodb import DynamoDB, ExternalDynamoDB
from infra.local.stack import Stack
from tests.e2e.database_gate import DatabaseGate
from tests.e2e.school import QUICK, School


@pytest.fixture(scope="session")
def gate(
    dynamodb: DynamoDB | ExternalDynamoDB,
    aws_credentials: None,
) -> Iterator[DatabaseGate]:
    with DatabaseGate(dynamodb.endpoint_url) as standing:
        yield standing


@pytest.fixture(scope="session")
def stack(gate: DatabaseGate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    own = {"DYNAMODB_ENDPOINT_URL": gate.url, "TABLE_PREFIX": f"e2e-{uuid.uuid4().hex[:12]}-"}
    if os.environ["AWS_ACCESS_KEY_ID"] == "local":
        # As on Lambda: its credentials are temporary, and a link has one part more for that.
        own["AWS_SESSION_TOKEN"] = "a-session-token"
    with Stack(tmp_path_factory.mktemp("stack"), {**QUICK, **own}) as running:
        import_sample(running.env)
        yield running


@pytest.fixture
def school(stack: Stack) -> Iterator[School]:
    with ExitStack() as held:
        yield School(stack, held)
