"""TLS in front of the broker, as every broker beyond one's own machine has it.

It can present the certificate of an authority that nobody trusts. Then whoever verifies says no
word more, and whoever does not reaches the broker all the same, and is counted.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.integration.mq.certificates import CertificateAuthority

HOST = "localhost"
"""The name in the certificates; clients must use it."""

_LOOPBACK = "127.0.0.1"
_CHUNK = 65_536


class TlsTerminator:
    """A TLS termination proxy on the loopback interface.

    Parameters
    ----------
    folder : Path
        Gets the certificates.
    to_port : int
        Where the broker speaks plainly; while nobody listens there, whoever connects is cut off.
    """

    def __init__(self, folder: Path, to_port: int) -> None:
        ours, strangers = (_authority(folder / name) for name in ("ours", "strangers"))
        self.ca_file = ours.ca_file
        """The authority that clients shall trust."""
        self.is_strange = False
        """Whether those who connect are shown the certificate of another authority."""
        self.shown = 0
        """How many were shown it."""
        self.taken_in = 0
        """How many of these went on."""
        self._to_port = to_port
        self._ours, self._strangers = ours.server_context(HOST), strangers.server_context(HOST)
        self._ours.sni_callback = self._choose_certificate
        self._listener = socket.create_server((_LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        # clients are cut off here while they speak; that is nothing to tell about
        self._loop.set_exception_handler(lambda *_: None)
        self._over = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    def _choose_certificate(self, hello: ssl.SSLObject, _: str | None, __: ssl.SSLContext) -> None:
        if self.is_strange:
            hello.context = self._strangers
            self.shown += 1

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._carry, sock=self._listener, ssl=self._ours)
        await self._over.wait()
        server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if writer.get_extra_info("ssl_object").context is self._strangers:
            self.taken_in += 1
        connection = asyncio.ensure_future(self._between(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)
        with suppress(asyncio.CancelledError):
            await connection

    async def _between(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until one side ends; then what it said last still reaches the other."""
        try:
            from_broker, to_broker = await asyncio.open_connection(_LOOPBACK, self._to_port)
        except OSError:
            writer.transport.abort()
            return
        ways = [
            asyncio.ensure_future(_pump(reader, to_broker)),
            asyncio.ensure_future(_pump(from_broker, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            for end in (to_broker, writer):
                end.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()


def _authority(folder: Path) -> CertificateAuthority:
    folder.mkdir(parents=True)
    return CertificateAuthority(folder)
