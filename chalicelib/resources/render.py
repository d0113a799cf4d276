"""Study materials as frontends see them: camelCase, yuan as text, ids as text, RFC 3339.

Nothing here says where a file lies; a download link leads there, and only that.
"""

from __future__ import annotations

from chalicelib.clock import to_rfc3339
from chalicelib.money import fen_to_yuan_text
from chalicelib.resources.choose import ChosenMaterial
from chalicelib.resources.downloads import DownloadLink
from chalicelib.resources.model import Material, MaterialFile
from chalicelib.resources.shelf import Mine, MinePage, ShelfPage

Json = dict[str, object]


def choose_material(chosen: ChosenMaterial) -> Json:
    """The answer of ``choose``: the record, and whether its user has the material."""
    record = chosen.record
    return {
        "id": record.choose_material_id,
        "materialId": record.material_id,
        "materialName": record.material_name,
        "userId": record.user_id,
        "companyId": record.company_id,
        "chooseType": record.choose_type,
        "price": fen_to_yuan_text(record.price_fen),
        "priceFen": record.price_fen,
        "status": record.status,
        "createdAt": to_rfc3339(record.created_at),
        "paidAt": to_rfc3339(record.paid_at) if record.paid_at is not None else None,
        "owned": chosen.owned,
    }


def shelf(page: ShelfPage) -> Json:
    """The answer of ``GET /resources``; a price that the catalogue does not have is null."""
    return {
        "items": [{**_on_shelf(item.material), "owned": item.owned} for item in page.items],
        "nextPageToken": page.next_token,
    }


def mine(page: MinePage) -> Json:
    """The answer of ``GET /resources/mine``."""
    return {
        "items": [_mine(item) for item in page.items],
        "counts": page.counts,
        "page": page.page,
        "pageSize": page.page_size,
    }


def download(link: DownloadLink) -> Json:
    """The answer of ``download``."""
    return {
        "url": link.url,
        "expiresAt": to_rfc3339(link.expires_at),
        **_file(link.file),
        "sha256": link.file.sha256,
    }


def _on_shelf(material: Material) -> Json:
    price = material.price_fen
    return {
        "materialId": material.material_id,
        "materialName": material.name,
        "companyId": material.company_id,
        "charge": material.charge,
        "price": fen_to_yuan_text(price) if price is not None else None,
        "priceFen": price,
        **_file(material.file),
    }


def _mine(item: Mine) -> Json:
    return {
        "chooseMaterialId": item.grant.choose_material_id,
        "materialId": item.material.material_id,
        "materialName": item.material.name,
        "companyId": item.material.company_id,
        "chooseType": item.grant.choose_type,
        "paidAt": to_rfc3339(item.grant.paid_at),
        **_file(item.material.file),
    }


def _file(file: MaterialFile) -> Json:
    return {"fileName": file.name, "mediaType": file.media_type, "sizeBytes": file.size_bytes}
