"""The learning centre and the study materials keep the promises of a seller."""

from __future__ import annotations

import pytest

from chalicelib.dynamo import Dynamo
from chalicelib.learning.rows import ChooseCourseItem, CourseItem, CourseTableItem
from chalicelib.learning.store import DynamoLearningStore
from chalicelib.purchasables import OrderType
from chalicelib.resources.rows import ChooseMaterialItem, MaterialItem, OwnedMaterialItem
from chalicelib.resources.store import DynamoResourcesStore
from chalicelib.selling.sellers import Sellers
from tests.contract.selling.promises import STUDENT, SellerPromises
from tests.contract.selling.shops import CourseShop, MaterialShop, Shop
from tests.fakes.learning import FakeLearningStore
from tests.fakes.resources import FakeResourcesStore


class TestCourses(SellerPromises):
    @pytest.fixture(params=["fake", "dynamodb"])
    def shop(self, request: pytest.FixtureRequest) -> Shop:
        if request.param == "fake":
            return CourseShop(FakeLearningStore())
        settings = request.getfixturevalue("local_settings")
        request.getfixturevalue("create_tables")(CourseItem, ChooseCourseItem, CourseTableItem)
        return CourseShop(DynamoLearningStore(Dynamo(settings)))


class TestMaterials(SellerPromises):
    @pytest.fixture(params=["fake", "dynamodb"])
    def shop(self, request: pytest.FixtureRequest) -> Shop:
        if request.param == "fake":
            return MaterialShop(FakeResourcesStore())
        settings = request.getfixturevalue("local_settings")
        request.getfixturevalue("create_tables")(
            MaterialItem, ChooseMaterialItem, OwnedMaterialItem
        )
        return MaterialShop(DynamoResourcesStore(Dynamo(settings)))


def test_the_order_service_is_answered_by_the_seller_of_the_order_type() -> None:
    # both number from the same start: the order type alone tells the two records apart
    shops = (CourseShop(FakeLearningStore()), MaterialShop(FakeResourcesStore()))
    sellers = Sellers({shop.order_type: shop.purchasables for shop in shops})

    for shop in shops:
        record_id = shop.choose(STUDENT)
        found = sellers.get(record_id, shop.order_type)
        assert found == shop.purchasables.get(record_id, shop.order_type)
        assert found is not None
        assert found.goods_id == shop.goods_id


def test_goods_that_nobody_sells_are_none() -> None:
    courses = CourseShop(FakeLearningStore())
    sellers = Sellers({OrderType.COURSE: courses.purchasables})

    assert sellers.get(courses.choose(STUDENT), OrderType.STUDY_MATERIAL) is None
