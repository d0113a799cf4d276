"""Names the concrete parts and joins them; the only module that knows them all.

Each part is made on first use and kept for the life of the container. The imports stand inside
the functions because every Lambda function imports ``app`` and few need them all: importing this
module loads no SDK, no broker client and no database client.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from chalicelib.settings import SettingsError
from chalicelib.wiring.foundation import (
    clock,
    dynamo,
    links,
    numbers,
    secrets,
    token_verifier,
)
from chalicelib.wiring.messages import (
    broker_address,
    dead_queues,
    outbox,
    publishing_switch,
    queue_removal,
    relay,
    sweeper,
    topology,
    topology_builder,
    topology_survey,
    topology_watch,
)
from chalicelib.wiring.payments import (
    alipay,
    audit_schedule,
    cashier,
    channels,
    check_schedule,
    grant_audit,
    order_book,
    orders,
    payment_results,
    refund_desk,
    refund_policy,
    refund_results,
    refund_sender,
    watching,
    wechat,
    wechat_oauth,
    withdrawal,
)
from chalicelib.wiring.sellers import (
    learning,
    learning_store,
    material_choosing,
    material_downloads,
    material_files,
    material_shelf,
    order_store,
    purchasables,
    purchases,
    resources_store,
)
from chalicelib.wiring.subscribers import (
    learning_drain,
    learning_refund_drain,
    resources_drain,
    resources_refund_drain,
)

__all__ = [
    "alipay",
    "audit_schedule",
    "broker_address",
    "cashier",
    "channels",
    "check_schedule",
    "clock",
    "dead_queues",
    "dynamo",
    "grant_audit",
    "learning",
    "learning_drain",
    "learning_store",
    "links",
    "material_choosing",
    "material_downloads",
    "material_files",
    "material_shelf",
    "numbers",
    "order_book",
    "order_store",
    "orders",
    "outbox",
    "payment_results",
    "preload",
    "publishing_switch",
    "queue_removal",
    "purchasables",
    "purchases",
    "refund_desk",
    "learning_refund_drain",
    "refund_policy",
    "refund_results",
    "refund_sender",
    "relay",
    "resources_drain",
    "resources_refund_drain",
    "resources_store",
    "secrets",
    "sweeper",
    "token_verifier",
    "topology",
    "topology_builder",
    "topology_survey",
    "topology_watch",
    "watching",
    "wechat",
    "wechat_oauth",
    "withdrawal",
]

_HEAVY: Mapping[str, tuple[str, ...]] = {
    "alipay": ("chalicelib.orders.alipay.channel", "chalicelib.orders.storage.store"),
    "wechat": ("chalicelib.orders.wechat.channel", "chalicelib.orders.storage.store"),
    "rabbit": ("chalicelib.mq.rabbit", "chalicelib.mq.outbox"),
    "dynamodb": ("chalicelib.dynamo",),
    "s3": ("chalicelib.resources.files",),
}


def preload(names: tuple[str, ...]) -> None:
    """Load heavy parts now, in the INIT phase, instead of inside the first request.

    Raises
    ------
    SettingsError
        A name is not one of the heavy parts.
    """
    for name in names:
        if name not in _HEAVY:
            raise SettingsError(f"PRELOAD knows {', '.join(_HEAVY)}, not {name!r}")
        for module in _HEAVY[name]:
            import_module(module)
