"""The broker's management API, read only: what AMQP cannot tell.

https://www.rabbitmq.com/docs/management#http-api. Names, arguments and bindings are those of the
moment. Numbers of messages, and policies on a queue, are statistics: up to five seconds old, and
missing in the first seconds of a queue (``collect_statistics_interval``).
"""

from __future__ import annotations

from chalicelib.mq.management.address import ManagementAddress
from chalicelib.mq.management.api import ManagementApi

__all__ = ["ManagementAddress", "ManagementApi"]
