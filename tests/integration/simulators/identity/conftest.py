from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.services.identity.app import create_app
from infra.local.services.identity.client import Client
from infra.local.services.identity.codes import Codes
from infra.local.services.identity.keys import KeyRing, read_key
from infra.local.services.web_server import WebServer
from tests.integration.simulators.identity.h5_client import AUDIENCE, H5, ISSUER, H5Client, Ticks


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def identity(keys_folder: Path, ticks: Ticks) -> Iterator[str]:
    app = create_app(
        KeyRing(read_key(keys_folder)),
        issuer=ISSUER,
        audience=AUDIENCE,
        client=Client(redirects_below=H5),
        codes=Codes(ticks),
    )
    with WebServer(app) as server:
        yield server.url


@pytest.fixture
def h5(identity: str) -> Iterator[H5Client]:
    with H5Client(identity) as client:
        yield client
