"""A virtual host of the test's own: the real names of exchanges and queues, and nobody else."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import pika
import pytest
import requests

from chalicelib.mq.management import ManagementAddress, ManagementApi
from chalicelib.mq.rabbit import BrokerAddress
from chalicelib.secrets import FetchedSecrets
from chalicelib.settings import Settings
from infra.local.services.broker import Broker, ExternalBroker


@dataclass(frozen=True, slots=True)
class VirtualHost:
    """Where it is, for AMQP and for the management API."""

    name: str
    amqp_url: str
    management_url: str

    @property
    def address(self) -> BrokerAddress:
        settings = Settings.from_env({"RABBITMQ_URL": self.amqp_url})
        return BrokerAddress(settings, FetchedSecrets(dict))

    def survey(self) -> ManagementApi:
        settings = Settings.from_env({"RABBITMQ_MANAGEMENT_URL": self.management_url})
        address = ManagementAddress(settings, lambda: FetchedSecrets(dict))
        return ManagementApi(address, lambda: self.name)


@contextmanager
def a_virtual_host(broker: Broker | ExternalBroker) -> Iterator[VirtualHost]:
    """Made by the management API, and gone afterwards with all that is in it."""
    if not broker.management_url:
        pytest.skip("RABBITMQ_MANAGEMENT_URL names no management API")
    name = f"test-{uuid.uuid4().hex[:8]}"
    user = urlsplit(broker.management_url).username
    with requests.Session() as session:
        session.trust_env = False
        api = f"{broker.management_url}/api"
        session.put(f"{api}/vhosts/{name}", timeout=60).raise_for_status()
        all_rights = {"configure": ".*", "write": ".*", "read": ".*"}
        session.put(
            f"{api}/permissions/{name}/{user}", json=all_rights, timeout=60
        ).raise_for_status()
        amqp_url = urlsplit(broker.amqp_url)._replace(path=f"/{name}").geturl()
        yield VirtualHost(name, amqp_url, broker.management_url)
        session.delete(f"{api}/vhosts/{name}", timeout=60).raise_for_status()


@contextmanager
def a_channel(amqp_url: str) -> Iterator[pika.adapters.blocking_connection.BlockingChannel]:
    """Another client of the broker."""
    connection = pika.BlockingConnection(pika.URLParameters(amqp_url))
    try:
        yield connection.channel()
    finally:
        connection.close()
