"""Every setting, read from the environment in one place.

Secrets are not settings: the environment only says where they lie (``SECRETS_ID`` or
``SECRETS_DIR``), and ``chalicelib.secrets`` fetches them on first use.
docs/configuration.md explains each variable to the person who deploys.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

LONGEST_MATERIAL_LINK_SECONDS = 300
"""A link that is passed on, or found in a browser's history, shall be dead by then."""


class SettingsError(ValueError):
    """A variable is missing or unreadable; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one deployment. Empty text means "not set"."""

    stage: str
    aws_region: str
    table_prefix: str
    dynamodb_endpoint_url: str
    outbox_stream_arn: str
    secrets_id: str
    secrets_dir: str
    preload: tuple[str, ...]

    public_base_url: str
    h5_origin: str
    h5_result_url: str

    auth_mode: str
    jwks_url: str
    jwt_issuer: str
    jwt_audience: str
    jwt_roles_claim: str

    alipay_app_id: str
    alipay_seller_id: str
    alipay_gateway_url: str

    wechat_app_id: str
    wechat_mch_id: str
    wechat_cert_serial: str
    wechat_public_key_id: str
    wechat_gateway_url: str
    wechat_authorize_url: str
    wechat_token_url: str

    order_expires_minutes: int
    renew_window_days: int
    query_interval_seconds: int
    lease_seconds: int
    notify_rejected_ttl_days: int
    claim_seconds: int
    check_every_seconds: int
    check_often_for_seconds: int
    check_later_every_seconds: int
    check_after_expiry_seconds: tuple[int, ...]
    check_most_at_once: int

    refund_role: str
    refund_approval_above_fen: int
    refund_retry_seconds: tuple[int, ...]
    refund_least_gap_seconds: int
    refund_most_at_once: int
    auto_refund_daily_count: int
    auto_refund_daily_fen: int

    rabbitmq_url: str
    rabbitmq_ca_file: str
    rabbitmq_management_url: str
    paynotify_queue_style: str
    publish_deadline_seconds: int
    drain_window_seconds: int
    drain_prefetch: int
    retry_delays_seconds: tuple[int, ...]

    outbox_stream_owns_seconds: int
    outbox_retry_seconds: tuple[int, ...]
    outbox_refusals_until_dead: int
    outbox_sweep_most: int
    grant_audit_seconds: tuple[int, ...]
    grant_audit_most_at_once: int

    materials_bucket: str
    materials_prefix: str
    material_link_seconds: int
    s3_endpoint_url: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read ``env``; an absent variable takes its default.

        Raises
        ------
        SettingsError
            A number is not a number, or a choice is not one of the choices.
        """
        read = _Reader(env)
        return cls(
            stage=read.text("STAGE", "local"),
            aws_region=read.text("AWS_REGION", "ap-southeast-1"),
            table_prefix=read.text("TABLE_PREFIX", "course-payments-"),
            dynamodb_endpoint_url=read.text("DYNAMODB_ENDPOINT_URL"),
            outbox_stream_arn=read.text(
                "OUTBOX_STREAM_ARN",
                # Chalice evaluates the ARN at import; the deployment replaces this one.
                "arn:aws:dynamodb:ap-southeast-1:000000000000:table/outbox/stream/unset",
            ),
            secrets_id=read.text("SECRETS_ID"),
            secrets_dir=read.text("SECRETS_DIR"),
            preload=read.names("PRELOAD"),
            public_base_url=read.text("PUBLIC_BASE_URL").rstrip("/"),
            h5_origin=read.text("H5_ORIGIN", "*"),
            h5_result_url=read.text("H5_RESULT_URL"),
            auth_mode=read.choice("AUTH_MODE", ("jwks", "shared-secret")),
            jwks_url=read.text("JWKS_URL"),
            jwt_issuer=read.text("JWT_ISSUER"),
            jwt_audience=read.text("JWT_AUDIENCE"),
            jwt_roles_claim=read.text("JWT_ROLES_CLAIM", "roles"),
            alipay_app_id=read.text("ALIPAY_APP_ID"),
            alipay_seller_id=read.text("ALIPAY_SELLER_ID"),
            alipay_gateway_url=read.text(
                "ALIPAY_GATEWAY_URL", "https://openapi.alipay.com/gateway.do"
            ),
            wechat_app_id=read.text("WECHAT_APP_ID"),
            wechat_mch_id=read.text("WECHAT_MCH_ID"),
            wechat_cert_serial=read.text("WECHAT_CERT_SERIAL"),
            wechat_public_key_id=read.text("WECHAT_PUBLIC_KEY_ID"),
            wechat_gateway_url=read.text("WECHAT_GATEWAY_URL", "https://api.mch.weixin.qq.com"),
            wechat_authorize_url=read.text(
                "WECHAT_AUTHORIZE_URL", "https://open.weixin.qq.com/connect/oauth2/authorize"
            ),
            wechat_token_url=read.text(
                "WECHAT_TOKEN_URL", "https://api.weixin.qq.com/sns/oauth2/access_token"
            ),
            order_expires_minutes=read.number("ORDER_EXPIRES_MINUTES", 30),
            renew_window_days=read.number("RENEW_WINDOW_DAYS", 30),
            query_interval_seconds=read.number("QUERY_INTERVAL_SECONDS", 3),
            lease_seconds=read.number("LEASE_SECONDS", 600),
            notify_rejected_ttl_days=read.number("NOTIFY_REJECTED_TTL_DAYS", 30),
            claim_seconds=read.number("CLAIM_SECONDS", 30),
            check_every_seconds=read.number("CHECK_EVERY_SECONDS", 60),
            check_often_for_seconds=read.number("CHECK_OFTEN_FOR_SECONDS", 600),
            check_later_every_seconds=read.number("CHECK_LATER_EVERY_SECONDS", 300),
            check_after_expiry_seconds=read.numbers(
                "CHECK_AFTER_EXPIRY_SECONDS", (0, 300, 3_600, 86_400)
            ),
            check_most_at_once=read.number("CHECK_MOST_AT_ONCE", 200),
            refund_role=read.text("REFUND_ROLE", "refund-operator"),
            refund_approval_above_fen=read.number("REFUND_APPROVAL_ABOVE_FEN", 100_000),
            refund_retry_seconds=read.numbers(
                "REFUND_RETRY_SECONDS", (60, 120, 300, 900, 1_800, 3_600)
            ),
            refund_least_gap_seconds=read.number("REFUND_LEAST_GAP_SECONDS", 65),
            refund_most_at_once=read.number("REFUND_MOST_AT_ONCE", 100),
            auto_refund_daily_count=read.number("AUTO_REFUND_DAILY_COUNT", 100),
            auto_refund_daily_fen=read.number("AUTO_REFUND_DAILY_FEN", 1_000_000),
            rabbitmq_url=read.text("RABBITMQ_URL"),
            rabbitmq_ca_file=read.text("RABBITMQ_CA_FILE"),
            rabbitmq_management_url=read.text("RABBITMQ_MANAGEMENT_URL").rstrip("/"),
            paynotify_queue_style=read.choice("PAYNOTIFY_QUEUE_STYLE", ("quorum", "plain")),
            publish_deadline_seconds=read.number("PUBLISH_DEADLINE_SECONDS", 10),
            drain_window_seconds=read.number("DRAIN_WINDOW_SECONDS", 58),
            drain_prefetch=read.number("DRAIN_PREFETCH", 100),
            retry_delays_seconds=read.numbers("RETRY_DELAYS_SECONDS", (10, 60)),
            outbox_stream_owns_seconds=read.number("OUTBOX_STREAM_OWNS_SECONDS", 60),
            outbox_retry_seconds=read.numbers(
                "OUTBOX_RETRY_SECONDS", (60, 120, 300, 900, 1_800, 3_600)
            ),
            outbox_refusals_until_dead=read.number("OUTBOX_REFUSALS_UNTIL_DEAD", 10),
            outbox_sweep_most=read.number("OUTBOX_SWEEP_MOST", 100_000),
            grant_audit_seconds=read.numbers(
                "GRANT_AUDIT_SECONDS", (300, 600, 1_800, 3_600, 21_600, 86_400)
            ),
            grant_audit_most_at_once=read.number("GRANT_AUDIT_MOST_AT_ONCE", 200),
            materials_bucket=read.text("MATERIALS_BUCKET"),
            materials_prefix=read.folder("MATERIALS_PREFIX", "materials/"),
            material_link_seconds=read.number_within(
                "MATERIAL_LINK_SECONDS", LONGEST_MATERIAL_LINK_SECONDS
            ),
            s3_endpoint_url=read.text("S3_ENDPOINT_URL"),
        )

    def require(self, name: str) -> str:
        """The text of a setting that this deployment cannot do without.

        Raises
        ------
        SettingsError
            It is empty.
        """
        value = getattr(self, name)
        if not isinstance(value, str) or not value:
            raise SettingsError(f"{name.upper()} is not set")
        return value


class _Reader:
    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env

    def text(self, name: str, default: str = "") -> str:
        return self._env.get(name, "").strip() or default

    def names(self, name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.text(name).split(",") if part.strip())

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        value = self.text(name, choices[0])
        if value not in choices:
            raise SettingsError(f"{name} must be one of {', '.join(choices)}, not {value!r}")
        return value

    def folder(self, name: str, default: str) -> str:
        value = self.text(name, default)
        if not value.endswith("/") or value.startswith("/") or "//" in value:
            raise SettingsError(f"{name} must be like {default}, not {value!r}")
        return value

    def number_within(self, name: str, most: int) -> int:
        """From 1 to ``most``, which is the default too."""
        value = self.number(name, most)
        if not 1 <= value <= most:
            raise SettingsError(f"{name} must be from 1 to {most}, not {value}")
        return value

    def number(self, name: str, default: int) -> int:
        return self._number(name, self.text(name, str(default)))

    def numbers(self, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(self._number(name, text) for text in self.names(name)) or default

    @staticmethod
    def _number(name: str, text: str) -> int:
        if not (text.isascii() and text.isdigit()):
            raise SettingsError(f"{name} must be a whole number, not {text!r}")
        return int(text)


@cache
def settings() -> Settings:
    """The settings of this container."""
    return Settings.from_env(os.environ)
