"""The stores, and how orders and the sellers meet."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from chalicelib.settings import settings
from chalicelib.wiring.foundation import clock, dynamo, numbers

if TYPE_CHECKING:
    from chalicelib.learning.ports import LearningStore
    from chalicelib.learning.service import LearningService
    from chalicelib.orders.ports import OrderStore
    from chalicelib.purchasables import Purchasables, Purchases
    from chalicelib.resources.choose import MaterialChoosing
    from chalicelib.resources.downloads import MaterialDownloads
    from chalicelib.resources.ports import MaterialFiles, ResourcesStore
    from chalicelib.resources.shelf import MaterialShelf


@cache
def order_store() -> OrderStore:
    """Where orders are kept."""
    from chalicelib.orders.storage.store import DynamoOrderStore

    return DynamoOrderStore(
        dynamo(),
        settings().notify_rejected_ttl_days,
        stream_owns=timedelta(seconds=settings().outbox_stream_owns_seconds),
    )


@cache
def learning_store() -> LearningStore:
    """Where the learning centre keeps its records."""
    from chalicelib.learning.store import DynamoLearningStore

    return DynamoLearningStore(dynamo())


@cache
def resources_store() -> ResourcesStore:
    """Where the study materials keep their records."""
    from chalicelib.resources.store import DynamoResourcesStore

    return DynamoResourcesStore(dynamo())


@cache
def purchasables() -> Purchasables:
    """What orders may be made for."""
    from chalicelib.learning.sale import CoursePurchasables
    from chalicelib.purchasables import OrderType
    from chalicelib.resources.sale import MaterialPurchasables
    from chalicelib.selling.sellers import Sellers

    return Sellers(
        {
            OrderType.COURSE: CoursePurchasables(learning_store()),
            OrderType.STUDY_MATERIAL: MaterialPurchasables(resources_store()),
        }
    )


@cache
def purchases() -> Purchases:
    """How far a purchase is."""
    from chalicelib.orders.purchases import OrderPurchases

    return OrderPurchases(order_store())


@cache
def learning() -> LearningService:
    """Steps 1 and 9: the learning centre."""
    from chalicelib.learning.service import LearningService

    return LearningService(
        store=learning_store(),
        purchases=purchases(),
        numbers=numbers(),
        clock=clock(),
        renew_window=timedelta(days=settings().renew_window_days),
    )


@cache
def material_choosing() -> MaterialChoosing:
    """Step 1 for study materials: what a click on one means."""
    from chalicelib.resources.choose import MaterialChoosing

    return MaterialChoosing(
        store=resources_store(), purchases=purchases(), numbers=numbers(), clock=clock()
    )


@cache
def material_files() -> MaterialFiles:
    """Where the contents of materials are kept."""
    from chalicelib.resources.files import S3MaterialFiles

    return S3MaterialFiles(settings())


@cache
def material_shelf() -> MaterialShelf:
    """What materials there are, and which are mine."""
    from chalicelib.resources.shelf import MaterialShelf

    return MaterialShelf(resources_store())


@cache
def material_downloads() -> MaterialDownloads:
    """Step 9 for study materials: links to what was bought."""
    from chalicelib.resources.downloads import MaterialDownloads

    return MaterialDownloads(
        store=resources_store(),
        files=material_files(),
        clock=clock(),
        valid_for=timedelta(seconds=settings().material_link_seconds),
    )
