from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.orders.wechat.channel import WeChatChannel
from infra.local.services.web_server import WebServer
from tests.integration.simulators.merchant import ShiftedClock
from tests.integration.simulators.wechat.channel.purchase import Purchase
from tests.integration.simulators.wechat.merchant import (
    APP_ID,
    MCH_ID,
    PUBLIC_KEY_ID,
    SERIAL,
    WechatMerchant,
    WechatSite,
)


@pytest.fixture
def purchase(
    wechat: WebServer,
    wechat_site: WechatSite,
    school: WechatMerchant,
    stack_folder: Path,
    clock: ShiftedClock,
) -> Purchase:
    secrets = stack_folder / "secrets"
    channel = WeChatChannel(
        app_id=APP_ID,
        mch_id=MCH_ID,
        merchant_private_key=(secrets / "wechat_private_key").read_text(),
        cert_serial=SERIAL,
        public_key=(secrets / "wechat_public_key").read_text(),
        public_key_id=PUBLIC_KEY_ID,
        api_v3_key=(secrets / "wechat_api_v3_key").read_text().strip(),
        gateway_url=wechat.url,
        notify_url=f"{wechat_site.url}/notify",
        clock=clock,
    )
    return Purchase(channel, school, wechat_site, clock)
