"""The tables of the study materials, and the way between their items and the model."""

from __future__ import annotations

from typing import Any

from pynamodb.attributes import (
    BooleanAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from chalicelib.money import Fen
from chalicelib.resources.model import (
    ChooseMaterial,
    Material,
    MaterialFile,
    MaterialGrant,
    OwnedMaterial,
)
from chalicelib.selling.codes import Charge, ChooseStatus, ChooseType, PublishStatus

ON_SHELF = "published"
"""The one value of `MaterialItem.shelf`; what is not published has none."""


class PublishedIndex(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]
    """Published materials by id: sparse, and all of them in one partition.

    One is enough. It is written by an import alone, and read in pages of at most 50 entries: some
    25 KB, which are 3.5 of the 3,000 read units a second that a partition has. That makes several
    hundred pages a second, and an order over all of them costs one query.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
    """

    class Meta:
        index_name = "published"
        projection = AllProjection()

    shelf = UnicodeAttribute(hash_key=True)
    material_id = UnicodeAttribute(range_key=True)


class MaterialItem(Model):
    """The catalogue, by material id."""

    class Meta:
        table_name = "materials"

    published = PublishedIndex()
    material_id = UnicodeAttribute(hash_key=True)
    shelf = UnicodeAttribute(null=True)
    company_id = UnicodeAttribute()
    name = UnicodeAttribute()
    charge = UnicodeAttribute(null=True)
    price_fen = NumberAttribute(null=True)
    publish_status = UnicodeAttribute()
    file_key = UnicodeAttribute()
    file_name = UnicodeAttribute()
    media_type = UnicodeAttribute()
    size_bytes = NumberAttribute()
    sha256 = UnicodeAttribute()


class ChooseMaterialItem(Model):
    """Choose-material records, each under ``record#<id>``."""

    class Meta:
        table_name = "choose-materials"

    key = UnicodeAttribute(hash_key=True)
    choose_material_id = UnicodeAttribute()
    user_id = UnicodeAttribute()
    material_id = UnicodeAttribute()
    material_name = UnicodeAttribute()
    company_id = UnicodeAttribute()
    choose_type = UnicodeAttribute()
    price_fen = NumberAttribute()
    status = UnicodeAttribute()
    created_at = UTCDateTimeAttribute()
    paid_at = UTCDateTimeAttribute(null=True)
    version = NumberAttribute()
    write_id = UnicodeAttribute()


class PendingMaterialItem(Model):
    """The guard ``pending#<user>#<material>`` in the same table: it names the pending record."""

    class Meta:
        table_name = "choose-materials"

    key = UnicodeAttribute(hash_key=True)
    choose_material_id = UnicodeAttribute()


class MaterialGrantMap(MapAttribute[str, Any]):
    """One grant inside what a user has of a material."""

    choose_material_id = UnicodeAttribute()
    paid_at = UTCDateTimeAttribute()
    choose_type = UnicodeAttribute()
    revoked = BooleanAttribute()


class OwnedMaterialItem(Model):
    """What users have, by user and material."""

    class Meta:
        table_name = "owned-materials"

    user_id = UnicodeAttribute(hash_key=True)
    material_id = UnicodeAttribute(range_key=True)
    grants: ListAttribute[MaterialGrantMap] = ListAttribute(of=MaterialGrantMap)
    version = NumberAttribute()
    write_id = UnicodeAttribute()


def to_material(item: MaterialItem) -> Material:
    """The catalogue entry that an item holds."""
    return Material(
        material_id=item.material_id,
        company_id=item.company_id,
        name=item.name,
        charge=Charge(item.charge) if item.charge is not None else None,
        price_fen=Fen(int(item.price_fen)) if item.price_fen is not None else None,
        publish_status=PublishStatus(item.publish_status),
        file=MaterialFile(
            key=item.file_key,
            name=item.file_name,
            media_type=item.media_type,
            size_bytes=int(item.size_bytes),
            sha256=item.sha256,
        ),
    )


def to_choose_material(item: ChooseMaterialItem) -> ChooseMaterial:
    """The choose-material record that an item holds."""
    return ChooseMaterial(
        choose_material_id=item.choose_material_id,
        user_id=item.user_id,
        material_id=item.material_id,
        material_name=item.material_name,
        company_id=item.company_id,
        choose_type=ChooseType(item.choose_type),
        price_fen=Fen(int(item.price_fen)),
        status=ChooseStatus(item.status),
        created_at=item.created_at,
        paid_at=item.paid_at,
        version=int(item.version),
    )


def to_owned(item: OwnedMaterialItem) -> OwnedMaterial:
    """What a user has of a material, as an item holds it."""
    return OwnedMaterial(
        user_id=item.user_id,
        material_id=item.material_id,
        grants=tuple(
            MaterialGrant(
                choose_material_id=grant.choose_material_id,
                paid_at=grant.paid_at,
                choose_type=ChooseType(grant.choose_type),
                revoked=bool(grant.revoked),
            )
            for grant in item.grants
        ),
        version=int(item.version),
    )


def to_map(grant: MaterialGrant) -> MaterialGrantMap:
    """A grant as an item holds it."""
    return MaterialGrantMap(  # type: ignore[no-untyped-call]  # pynamodb leaves it untyped
        choose_material_id=grant.choose_material_id,
        paid_at=grant.paid_at,
        choose_type=grant.choose_type,
        revoked=grant.revoked,
    )
