"""Materials that cannot be chosen: a clear message, and nothing changes."""

from __future__ import annotations

import pytest

from chalicelib.errors import NotForSale, NotFound
from chalicelib.selling.codes import PublishStatus
from tests.unit.resources.builders import Library, a_material


@pytest.mark.parametrize("material_id", ["4711", "", "资料", "3" * 3000])
def test_an_unknown_material_is_not_found(material_id):
    library = Library()

    with pytest.raises(NotFound) as refused:
        library.choose(material_id)

    assert refused.value.message == "资料不存在"
    assert len(refused.value.detail) < 100
    assert library.store.commits == []


@pytest.mark.parametrize(
    ("material", "message"),
    [
        (a_material(publish_status=PublishStatus.UNPUBLISHED), "资料尚未发布，暂不可选购"),
        (a_material(publish_status=PublishStatus.OFFLINE), "资料已下线，暂不可选购"),
        (a_material(charge=None), "资料未设置收费规则，暂不可选购"),
        (a_material(price_fen=None), "收费资料未设置价格，暂不可购买"),
        (a_material(price_fen=0), "收费资料价格设置有误，暂不可购买"),
        (a_material(price_fen=-1), "收费资料价格设置有误，暂不可购买"),
    ],
    ids=["unpublished", "offline", "no charge", "no price", "price zero", "price negative"],
)
def test_a_material_that_cannot_be_sold_is_refused_and_nothing_changes(material, message):
    library = Library(material)

    with pytest.raises(NotForSale) as refused:
        library.choose()

    assert refused.value.message == message
    assert refused.value.http_status == 409
    assert library.store.commits == []


def test_a_pending_record_of_a_material_that_went_offline_is_refused_and_kept():
    library = Library(a_material())
    record_id = library.chosen_id()
    library.store.put_material(a_material(publish_status=PublishStatus.OFFLINE))

    with pytest.raises(NotForSale):
        library.choose()

    library.store.put_material(a_material())
    assert library.chosen_id() == record_id
