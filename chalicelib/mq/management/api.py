"""The only importer of ``requests`` on the broker's side."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote

import msgspec
import requests
from requests.auth import HTTPBasicAuth

from chalicelib.deadline import Deadline
from chalicelib.errors import BrokerError
from chalicelib.mq.drift.found import FoundBinding, FoundTopology
from chalicelib.mq.management.address import ManagementAddress
from chalicelib.mq.management.answers import COLUMNS, Binding, Exchange, Queue
from chalicelib.mq.topology import Topology

_CONNECT_SECONDS = 3
_READ_SECONDS = 5
_LOOK_SECONDS = 12

_Listed = TypeVar("_Listed")


class ManagementApi:
    """Implements `chalicelib.mq.drift.found.Survey`, and sees all there is.

    Parameters
    ----------
    address : ManagementAddress
        With a URL. A password that was rotated costs one more attempt.
    vhost : Callable[[], str]
        The virtual host that AMQP clients use.
    """

    def __init__(self, address: ManagementAddress, vhost: Callable[[], str]) -> None:
        self._address = address
        self._vhost = vhost

    def look(self, topology: Topology) -> FoundTopology:  # noqa: ARG002  it sees everything
        """All of the virtual host."""
        limit = Deadline.after(_LOOK_SECONDS)
        exchanges = self._list("exchanges", list[Exchange], limit)
        queues = self._list("queues", list[Queue], limit)
        bindings = self._list("bindings", list[Binding], limit)
        return FoundTopology(
            exchanges={each.name: each.found() for each in exchanges},
            queues={each.name: each.found() for each in queues},
            bindings=frozenset(
                FoundBinding(each.source, each.destination)
                for each in bindings
                if each.source and each.destination_type == "queue"
            ),
        )

    def _list(self, kind: str, shape: type[_Listed], limit: Deadline) -> _Listed:
        answer = self._get(kind, limit)
        if answer.status_code == HTTPStatus.UNAUTHORIZED and self._address.forget():
            answer = self._get(kind, limit)
        if answer.status_code != HTTPStatus.OK:
            raise BrokerError(detail=f"management API: {kind}: HTTP {answer.status_code}")
        try:
            return msgspec.json.decode(answer.content, type=shape)
        except msgspec.DecodeError as error:
            raise BrokerError(detail=f"management API: {kind}: {error}") from error

    def _get(self, kind: str, limit: Deadline) -> requests.Response:
        if limit.passed():
            raise BrokerError(detail=f"management API: {kind}: no time left")
        server = self._address.server()
        with requests.Session() as session:
            session.trust_env = False  # neither proxies nor a .netrc of the machine
            try:
                return session.get(
                    f"{server.url}/api/{kind}/{quote(self._vhost(), safe='')}",
                    params={"columns": COLUMNS[kind]},
                    auth=HTTPBasicAuth(server.user.encode(), server.password.encode()),
                    verify=self._address.ca_file or True,
                    timeout=(limit.cut(_CONNECT_SECONDS), limit.cut(_READ_SECONDS)),
                    allow_redirects=False,
                )
            except (requests.RequestException, OSError) as error:
                # its text shows the address
                kind_of_error = type(error).__name__
                raise BrokerError(detail=f"management API: {kind}: {kind_of_error}") from None
