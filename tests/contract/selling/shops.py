"""A seller as the suite of this folder sees it, and the two that there are."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from chalicelib.learning.choose import Choosing
from chalicelib.learning.grants import Granting
from chalicelib.learning.ports import LearningStore
from chalicelib.learning.revocations import Revoking
from chalicelib.learning.sale import CoursePurchasables
from chalicelib.money import Fen
from chalicelib.purchasables import OrderType, Purchasables
from chalicelib.resources.choose import MaterialChoosing
from chalicelib.resources.grants import MaterialGranting
from chalicelib.resources.ports import ResourcesStore
from chalicelib.resources.revocations import MaterialRevoking
from chalicelib.resources.sale import MaterialPurchasables
from chalicelib.selling.codes import PublishStatus
from chalicelib.selling.subscriber import Grants, Revocations
from tests.fakes.clock import FakeClock
from tests.fakes.learning import FakePurchases
from tests.fakes.numbers import FakeNumbers
from tests.unit.learning.builders import RENEW_WINDOW, a_course
from tests.unit.resources.builders import a_material

PRICE = Fen(990)


class Shop(Protocol):
    """One seller with one thing for sale, at `PRICE` to begin with."""

    @property
    def order_type(self) -> str:
        """The goods of this seller."""
        ...

    @property
    def goods_id(self) -> str:
        """The one thing that it sells."""
        ...

    @property
    def purchasables(self) -> Purchasables:
        """What may be charged."""
        ...

    @property
    def grants(self) -> Grants:
        """Hears payments."""
        ...

    @property
    def revocations(self) -> Revocations:
        """Hears refunds."""
        ...

    def choose(self, user_id: str) -> str:
        """A record of ``user_id`` for the goods, as a click makes it."""
        ...

    def reprice(self, title: str, price_fen: Fen) -> None:
        """The goods are called so, and cost so much, from now on."""
        ...

    def take_offline(self) -> None:
        """Nobody can buy the goods from now on; `choose` raises `NotForSale`."""
        ...

    def is_open(self, user_id: str) -> bool:
        """Whether ``user_id`` may use the goods."""
        ...


class CourseShop:
    """The learning centre as a `Shop`."""

    order_type = OrderType.COURSE
    goods_id = "1002"

    def __init__(self, store: LearningStore) -> None:
        self._store = store
        self.purchasables = CoursePurchasables(store)
        self.grants = Granting(store)
        self.revocations = Revoking(store)
        self._choosing = Choosing(
            store=store,
            purchases=FakePurchases(),
            numbers=FakeNumbers(),
            clock=FakeClock(),
            renew_window=RENEW_WINDOW,
        )
        store.put_course(a_course(self.goods_id, price_fen=PRICE))

    def choose(self, user_id: str) -> str:
        return self._choosing.choose(user_id, self.goods_id).record.choose_course_id

    def reprice(self, title: str, price_fen: Fen) -> None:
        self._store.put_course(a_course(self.goods_id, name=title, price_fen=price_fen))

    def take_offline(self) -> None:
        offline = replace(a_course(self.goods_id), publish_status=PublishStatus.OFFLINE)
        self._store.put_course(offline)

    def is_open(self, user_id: str) -> bool:
        row = self._store.course_row(user_id, self.goods_id)
        return row is not None and row.newest is not None


class MaterialShop:
    """The study materials as a `Shop`."""

    order_type = OrderType.STUDY_MATERIAL
    goods_id = "3002"

    def __init__(self, store: ResourcesStore) -> None:
        self._store = store
        self.purchasables = MaterialPurchasables(store)
        self.grants = MaterialGranting(store)
        self.revocations = MaterialRevoking(store)
        self._choosing = MaterialChoosing(
            store=store, purchases=FakePurchases(), numbers=FakeNumbers(), clock=FakeClock()
        )
        store.put_material(a_material(self.goods_id, price_fen=PRICE))

    def choose(self, user_id: str) -> str:
        return self._choosing.choose(user_id, self.goods_id).record.choose_material_id

    def reprice(self, title: str, price_fen: Fen) -> None:
        self._store.put_material(a_material(self.goods_id, name=title, price_fen=price_fen))

    def take_offline(self) -> None:
        offline = a_material(self.goods_id, publish_status=PublishStatus.OFFLINE)
        self._store.put_material(offline)

    def is_open(self, user_id: str) -> bool:
        owned = self._store.owned(user_id, self.goods_id)
        return owned is not None and owned.opening is not None
