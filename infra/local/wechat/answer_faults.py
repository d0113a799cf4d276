"""Faults of an answer that have nothing to do with what it says."""

from __future__ import annotations

import socket
from collections.abc import Callable

from flask import Response, request

from infra.local.wechat.faults import Fault
from infra.local.wechat.platform import Platform

_HTML = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>busy</body></html>"


def carried_out(platform: Platform, fault: Fault | None, work: Callable[[], Response]) -> Response:
    """The answer of ``work``, or what becomes of it on its way."""
    if fault is None:
        return work()
    if fault.do == "delay":
        platform.wait(fault.seconds)
    response = work()
    if fault.do == "slow":
        platform.wait(fault.seconds)
    if fault.do == "http_500":
        return Response("", 500)
    if fault.do == "html":
        return Response(_HTML)
    if fault.do == "lost":
        _hang_up()
    return response


def _hang_up() -> None:
    connection: socket.socket = request.environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)
