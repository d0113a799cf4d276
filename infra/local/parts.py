"""What the local stack consists of, in the order in which it starts.

A part that a variable names elsewhere (``RABBITMQ_URL``, ``DYNAMODB_ENDPOINT_URL``,
``S3_ENDPOINT_URL``, ``ALIPAY_GATEWAY_URL``, ``WECHAT_GATEWAY_URL``, ``JWKS_URL``) is not started.
Ports are free ones unless ``API_PORT``, ``IDENTITY_PORT``, ``ALIPAY_PORT``, ``WECHAT_PORT``,
``RABBITMQ_PORT``, ``DYNAMODB_PORT`` or ``S3_PORT`` say otherwise.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.local.environment import REGION, Addresses, functions_environment
from infra.local.processes import children
from infra.local.processes.children import LOOPBACK
from infra.local.processes.server import Server, Task, answers, says_ready
from infra.local.services.broker import Broker
from infra.local.services.dynamodb import DynamoDB
from infra.local.services.objects import Objects

_PORTS = 1 << 16


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the stack: its server, and what a progress line says of it."""

    server: Server
    what: str
    address: str = ""
    replaced_by: str = ""
    """The variable that, when given, names another one: then this one is not started."""
    forgetful: bool = False
    """Whether its data end with the stack, so that it needs no orderly end."""

    @property
    def name(self) -> str:
        """What it is called in progress lines, errors and log files."""
        return self.server.name


class Parts:
    """The parts of the stack in ``folder``, as the variables ``given`` want them.

    Raises
    ------
    ValueError
        What is given as a port is none.
    """

    def __init__(self, folder: Path, given: Mapping[str, str]) -> None:
        self._folder = folder
        self._given = {name: value for name, value in given.items() if value}
        self._stream_arn_file = folder / "data" / "outbox_stream_arn"
        self._dynamodb = DynamoDB(
            folder / "data" / "dynamodb",
            port=self._port("DYNAMODB_PORT"),
            region=self._given.get("AWS_REGION", REGION),
            log_path=self._log("dynamodb"),
        )
        self._objects = Objects(
            folder / "data" / "objects",
            region=self._given.get("AWS_REGION", REGION),
            log_path=self._log("objects"),
        )
        self._broker = Broker(
            folder / "data" / "broker",
            port=self._port("RABBITMQ_PORT"),
            log_path=self._log("broker"),
        )
        self.addresses = Addresses(
            api_url=f"http://{LOOPBACK}:{self._port('API_PORT')}",
            identity_url=self._url("IDENTITY_PORT", unless="JWKS_URL"),
            alipay_url=self._url("ALIPAY_PORT", unless="ALIPAY_GATEWAY_URL"),
            wechat_url=self._url("WECHAT_PORT", unless="WECHAT_GATEWAY_URL"),
            amqp_url=self._broker.amqp_url,
            management_url=self._broker.management_url,
            dynamodb_url=self._dynamodb.endpoint_url,
            s3_url=self._url("S3_PORT", unless="S3_ENDPOINT_URL"),
        )

    def stages(self) -> tuple[tuple[Part, ...], ...]:
        """All parts in the order of their start; those of one stage start at the same time."""
        env, at = self.env(), self.addresses
        keys = ("--keys", str(self._folder / "keys"))
        issuer = (*keys, "--issuer", env["JWT_ISSUER"], "--audience", env["JWT_AUDIENCE"])
        identity = (*issuer, "--redirects-below", f"{at.api_url}/h5/")
        alipay = (*keys, "--app-id", env["ALIPAY_APP_ID"], "--seller-id", env["ALIPAY_SELLER_ID"])
        wechat = (*keys, *_wechat_merchant(env))
        return (
            (
                Part(
                    self._dynamodb,
                    "DynamoDB engine",
                    at.dynamodb_url,
                    replaced_by="DYNAMODB_ENDPOINT_URL",
                    forgetful=True,
                ),
                Part(
                    self._objects,
                    "stores what S3 lets in",
                    self._objects.endpoint_url,
                    replaced_by="S3_ENDPOINT_URL",
                    forgetful=True,
                ),
            ),
            (
                Part(
                    self._web("identity", "services.identity", at.identity_url, *identity),
                    "dev identity provider",
                    at.identity_url,
                    replaced_by="JWKS_URL",
                ),
                Part(
                    self._web("alipay", "alipay", at.alipay_url, *alipay),
                    "Alipay simulator",
                    at.alipay_url,
                    replaced_by="ALIPAY_GATEWAY_URL",
                ),
                Part(
                    self._web("wechat", "wechat", at.wechat_url, *wechat),
                    "WeChat simulator",
                    at.wechat_url,
                    replaced_by="WECHAT_GATEWAY_URL",
                ),
                Part(
                    self._web("s3", "s3", at.s3_url, "--engine", self._objects.endpoint_url),
                    "S3: signatures and expiry",
                    at.s3_url,
                    replaced_by="S3_ENDPOINT_URL",
                ),
                Part(
                    self._task("tables", "--stream-arn-file", str(self._stream_arn_file)),
                    "makes the tables",
                ),
                Part(
                    self._broker,
                    "RabbitMQ node",
                    at.amqp_url.replace("guest:guest@", ""),
                    replaced_by="RABBITMQ_URL",
                    forgetful=True,
                ),
            ),
            (Part(self._operators("queues", "topology", "apply"), "makes exchanges and queues"),),
            (
                Part(self._api(), "the HTTP endpoints", at.api_url),
                Part(self._worker("stream_pump"), "runs the stream function"),
                Part(self._worker("scheduler"), "runs the scheduled functions"),
            ),
        )

    def env(self) -> dict[str, str]:
        """The environment of the functions; complete once the tables exist."""
        env = functions_environment(self._folder, self.addresses, self._given)
        if self._stream_arn_file.exists():
            env.setdefault("OUTBOX_STREAM_ARN", self._stream_arn_file.read_text(encoding="utf-8"))
        return env

    def is_elsewhere(self, part: Part) -> bool:
        """Whether a variable names another one in its place."""
        return part.replaced_by in self._given

    def _web(self, name: str, module: str, url: str, *options: str) -> Server:
        return self._listening(name, module, url, options, health="/healthz")

    def _api(self) -> Server:
        api_url, wechat_url = self.addresses.api_url, self.addresses.wechat_url
        bridge = ("--bridge", f"{wechat_url}/_bridge.js") if wechat_url else ()
        return self._listening("api", "aws.gateway", api_url, bridge, health="/health")

    def _listening(
        self, name: str, module: str, url: str, options: tuple[str, ...], *, health: str
    ) -> Server:
        port = url.rpartition(":")[2]
        return Server(
            name,
            _module(module, "--port", port, *options),
            env=self.env,
            ready=answers(url + health),
            log_path=self._log(name),
            port=int(port or 0),
        )

    def _worker(self, name: str) -> Server:
        command, log_path = _module(f"aws.{name}"), self._log(name)
        return Server(name, command, env=self.env, ready=says_ready, log_path=log_path)

    def _task(self, name: str, *options: str) -> Server:
        command = _module(f"services.{name}", *options)
        return Task(name, command, env=self.env, log_path=self._log(name))

    def _operators(self, name: str, *words: str) -> Server:
        command = (sys.executable, "-m", "infra.ops", *words)
        return Task(name, command, env=self.env, log_path=self._log(name))

    def _log(self, name: str) -> Path:
        return self._folder / "logs" / f"{name}.log"

    def _url(self, port_variable: str, *, unless: str) -> str:
        if unless in self._given:
            return ""
        return f"http://{LOOPBACK}:{self._port(port_variable)}"

    def _port(self, variable: str) -> int:
        given = self._given.get(variable, "0")
        if not (given.isascii() and given.isdigit() and int(given) < _PORTS):
            raise ValueError(f"{variable} must be the number of a port, not {given!r}")
        return int(given) or children.free_port()


def _wechat_merchant(env: Mapping[str, str]) -> tuple[str, ...]:
    return (
        *("--app-id", env["WECHAT_APP_ID"]),
        *("--mch-id", env["WECHAT_MCH_ID"]),
        *("--merchant-serial", env["WECHAT_CERT_SERIAL"]),
        *("--public-key-id", env["WECHAT_PUBLIC_KEY_ID"]),
    )


def _module(name: str, *options: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"infra.local.{name}", *options)
