"""Who one can be with one click; any other user id can be typed in."""

from __future__ import annotations

from collections.abc import Mapping

from infra.local.services.identity.tokens import TokenOrder

PEOPLE = (
    TokenOrder(user_id="1001", name="小明"),
    TokenOrder(user_id="1002", name="小红"),
    TokenOrder(user_id="9001", name="退款操作员", roles=["refund-operator"]),
)


def person_in(form: Mapping[str, str]) -> TokenOrder | None:
    """Who the page's form says that one is; None when it names nobody."""
    clicked = form.get("person", "")
    if clicked:
        return next((person for person in PEOPLE if person.user_id == clicked), None)
    user_id = form.get("userId", "").strip()
    if not user_id:
        return None
    return TokenOrder(
        user_id=user_id,
        roles=roles_in(form.get("roles", "")),
        form="plain" if form.get("form") == "plain" else "platform",
    )


def roles_in(text: str) -> list[str]:
    """Roles as a developer types them: separated by spaces or commas."""
    return text.replace(",", " ").split()
