"""Rows that newer code wrote: each read that needs one says so, and all others go on."""

from __future__ import annotations

import pytest

from chalicelib.dynamo import Dynamo
from chalicelib.errors import UnreadableRow
from chalicelib.resources.ports import ResourcesChange, ResourcesStore
from chalicelib.resources.rows import ChooseMaterialItem, MaterialItem, OwnedMaterialItem
from chalicelib.resources.store import DynamoResourcesStore
from chalicelib.settings import Settings
from tests.unit.resources.builders import (
    STUDENT,
    a_material,
    a_pending_record,
    an_owned,
)


@pytest.fixture
def store(resources_tables: Settings) -> ResourcesStore:
    """Two of everything; what has the numbers 3002 and 500 is of newer code."""
    dynamo = Dynamo(resources_tables)
    store = DynamoResourcesStore(dynamo)
    for number, material_id in (("500", "3002"), ("501", "3003")):
        store.put_material(a_material(material_id))
        record = a_pending_record(number, material_id=material_id)
        owned = an_owned(record.chosen(record.created_at).grant(), material_id=material_id)
        store.commit(
            ResourcesChange(write_id=number, choose_material=record, owned=owned, open_pending=True)
        )
    materials, records = dynamo.bind(MaterialItem), dynamo.bind(ChooseMaterialItem)
    materials("3002").update(actions=[materials.charge.set("201999")])
    records("record#500").update(actions=[records.status.set("701999")])
    rows = dynamo.bind(OwnedMaterialItem)
    grants = rows.get(STUDENT, "3002").grants
    grants[0].choose_type = "700999"
    rows(STUDENT, "3002").update(actions=[rows.grants.set(grants)])
    return store


def test_a_read_that_needs_the_row_tells_what_it_does_not_know(store: ResourcesStore):
    for read, code in (
        (lambda: store.material("3002"), "201999"),
        (lambda: store.materials(["3002", "3003"]), "201999"),
        (lambda: store.published(size=5, page_token=None), "201999"),
        (lambda: store.choose_material("500"), "701999"),
        (lambda: store.pending(STUDENT, "3002"), "701999"),
        (lambda: store.owned(STUDENT, "3002"), "700999"),
        (lambda: store.all_owned(STUDENT), "700999"),
        (lambda: store.owned_of(STUDENT, ["3002", "3003"]), "700999"),
    ):
        with pytest.raises(UnreadableRow) as told:
            read()
        assert code in told.value.detail


def test_all_other_rows_are_read(store: ResourcesStore):
    assert store.material("3003") == a_material("3003")
    assert store.materials(["3003"]) == {"3003": a_material("3003")}
    assert store.choose_material("501") == store.pending(STUDENT, "3003")
    assert set(store.owned_of(STUDENT, ["3003"])) == {"3003"}
