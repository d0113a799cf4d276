"""`ResourcesStore` on DynamoDB: every change is one conditional transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from chalicelib.dynamo import ConditionFailed, Dynamo, found_or_none, repeating, understood
from chalicelib.errors import StaleWrite
from chalicelib.resources.model import ChooseMaterial, Material, OwnedMaterial
from chalicelib.resources.ports import MaterialPage, ResourcesChange
from chalicelib.resources.rows import (
    ON_SHELF,
    ChooseMaterialItem,
    MaterialItem,
    OwnedMaterialItem,
    PendingMaterialItem,
    PublishedIndex,
    to_choose_material,
    to_map,
    to_material,
    to_owned,
)
from chalicelib.selling.codes import ChooseStatus, PublishStatus, is_plain_id
from chalicelib.selling.page_tokens import place_of, token_after


class DynamoResourcesStore:
    """The catalogue, choose-material records with their pending guards, and what users own."""

    def __init__(self, dynamo: Dynamo) -> None:
        self._dynamo = dynamo
        self._materials = dynamo.bind(MaterialItem)
        self._records = dynamo.bind(ChooseMaterialItem)
        self._pending = dynamo.bind(PendingMaterialItem)
        self._owned = dynamo.bind(OwnedMaterialItem)

    def material(self, material_id: str) -> Material | None:
        """One catalogue entry; None also for a text that cannot be the id of one."""
        if not is_plain_id(material_id):
            return None
        item = found_or_none(self._materials, material_id)
        return understood(to_material, item) if item is not None else None

    def materials(self, material_ids: Collection[str]) -> Mapping[str, Material]:
        """Catalogue entries by id; those that do not exist are left out."""
        keys = [material_id for material_id in set(material_ids) if is_plain_id(material_id)]
        found = repeating(lambda: list(self._materials.batch_get(keys, consistent_read=True)))
        return {item.material_id: understood(to_material, item) for item in found}

    def published(self, *, size: int, page_token: str | None) -> MaterialPage:
        """At most ``size`` published materials, by id; may lag behind by a moment."""
        after = None if page_token is None else self._materials.material_id > place_of(page_token)
        found = repeating(
            lambda: list(
                self._materials.query(
                    ON_SHELF,
                    range_key_condition=after,
                    index_name=PublishedIndex.Meta.index_name,
                    # one more than is shown tells whether there is a next page
                    limit=size + 1,
                )
            )
        )
        shown = tuple(understood(to_material, item) for item in found[:size])
        more = len(found) > size
        return MaterialPage(
            materials=shown, next_token=token_after(shown[-1].material_id) if more else None
        )

    def put_material(self, material: Material) -> None:
        """Import one catalogue entry; an older one is replaced."""
        on_shelf = material.publish_status is PublishStatus.PUBLISHED
        item = self._materials(
            material_id=material.material_id,
            shelf=ON_SHELF if on_shelf else None,
            company_id=material.company_id,
            name=material.name,
            charge=material.charge,
            price_fen=material.price_fen,
            publish_status=material.publish_status,
            file_key=material.file.key,
            file_name=material.file.name,
            media_type=material.file.media_type,
            size_bytes=material.file.size_bytes,
            sha256=material.file.sha256,
        )
        repeating(item.save)

    def choose_material(self, choose_material_id: str) -> ChooseMaterial | None:
        """One choose-material record; None also for a text that cannot be the id of one."""
        if not is_plain_id(choose_material_id):
            return None
        item = found_or_none(self._records, _record_key(choose_material_id))
        return understood(to_choose_material, item) if item is not None else None

    def pending(self, user_id: str, material_id: str) -> ChooseMaterial | None:
        """The one record of a user and a material that awaits payment."""
        guard = self._guard_of(user_id, material_id)
        record = self.choose_material(guard.choose_material_id) if guard is not None else None
        if record is None or record.status is not ChooseStatus.AWAITING_PAYMENT:
            return None  # decided between the two reads, and the guard is gone with that
        return record

    def owned(self, user_id: str, material_id: str) -> OwnedMaterial | None:
        """What a user has of one material."""
        if not is_plain_id(material_id):
            return None
        item = found_or_none(self._owned, user_id, material_id)
        return understood(to_owned, item) if item is not None else None

    def all_owned(self, user_id: str) -> tuple[OwnedMaterial, ...]:
        """What a user has of all materials, also where every grant is revoked."""
        found = repeating(lambda: list(self._owned.query(user_id, consistent_read=True)))
        return tuple(understood(to_owned, item) for item in found)

    def owned_of(self, user_id: str, material_ids: Collection[str]) -> Mapping[str, OwnedMaterial]:
        """What a user has of these materials, by material id."""
        keys = [(user_id, each) for each in set(material_ids) if is_plain_id(each)]
        found = repeating(lambda: list(self._owned.batch_get(keys, consistent_read=True)))
        return {item.material_id: understood(to_owned, item) for item in found}

    def commit(self, change: ResourcesChange) -> None:
        """Write a change in one transaction; a change that is already there is left alone."""
        closes_guard = change.close_pending and self._holds_guard(change.choose_material)
        try:
            self._dynamo.transact(lambda transaction: self._add(transaction, change, closes_guard))
        except ConditionFailed as failed:
            # the answer to our own write may have been lost, and the write repeated below us
            written = found_or_none(
                self._records, _record_key(change.choose_material.choose_material_id)
            )
            if written is None or written.write_id != change.write_id:
                raise StaleWrite(detail=str(failed)) from failed

    def _holds_guard(self, record: ChooseMaterial) -> bool:
        """A guard that names another record is not this record's to give back."""
        guard = self._guard_of(record.user_id, record.material_id)
        return guard is not None and guard.choose_material_id == record.choose_material_id

    def _guard_of(self, user_id: str, material_id: str) -> PendingMaterialItem | None:
        if not is_plain_id(material_id):
            return None
        return found_or_none(self._pending, _pending_key(user_id, material_id))

    def _add(self, transaction: TransactWrite, change: ResourcesChange, closes_guard: bool) -> None:
        record = change.choose_material
        self._write_record(transaction, record, change.write_id)
        guard = self._pending(
            key=_pending_key(record.user_id, record.material_id),
            choose_material_id=record.choose_material_id,
        )
        if change.open_pending:
            transaction.save(guard, condition=self._pending.key.does_not_exist())
        if closes_guard:
            mine = self._pending.choose_material_id == record.choose_material_id
            transaction.delete(guard, condition=mine)
        if change.owned is not None:
            self._write_owned(transaction, change.owned, change.write_id)
        elif change.while_owned_version is not None:
            transaction.condition_check(
                self._owned,
                record.user_id,
                record.material_id,
                condition=self._owned_is_at(change.while_owned_version),
            )

    def _write_record(
        self, transaction: TransactWrite, record: ChooseMaterial, write_id: str
    ) -> None:
        model = self._records
        new = model.key.does_not_exist()
        transaction.update(
            model(_record_key(record.choose_material_id)),
            actions=[
                model.choose_material_id.set(record.choose_material_id),
                model.user_id.set(record.user_id),
                model.material_id.set(record.material_id),
                model.material_name.set(record.material_name),
                model.company_id.set(record.company_id),
                model.choose_type.set(record.choose_type),
                model.price_fen.set(record.price_fen),
                model.status.set(record.status),
                model.created_at.set(record.created_at),
                *([model.paid_at.set(record.paid_at)] if record.paid_at is not None else []),
                model.version.set(record.version + 1),
                model.write_id.set(write_id),
            ],
            condition=new if record.version == 0 else model.version == record.version,
        )

    def _write_owned(self, transaction: TransactWrite, owned: OwnedMaterial, write_id: str) -> None:
        model = self._owned
        transaction.update(
            model(owned.user_id, owned.material_id),
            actions=[
                model.grants.set([to_map(grant) for grant in owned.grants]),
                model.version.set(owned.version + 1),
                model.write_id.set(write_id),
            ],
            condition=self._owned_is_at(owned.version),
        )

    def _owned_is_at(self, version: int) -> Condition:
        if version == 0:
            return self._owned.user_id.does_not_exist()
        return self._owned.version == version


def _record_key(choose_material_id: str) -> str:
    return f"record#{choose_material_id}"


def _pending_key(user_id: str, material_id: str) -> str:
    """One key per pair, whatever a user id looks like: a material id has no ``#``."""
    return f"pending#{user_id}#{material_id}"
