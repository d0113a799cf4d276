"""What WeChat's own browser gives every page: the object ``WeixinJSBridge``.

The simulator's script is that object. It speaks to the simulator, which a page of ours may not: the
real bridge is no part of the page and no policy binds it. So what it asks goes through the test.
"""

from __future__ import annotations

from typing import Any

import httpx
from playwright.sync_api import BrowserContext

_NATIVE = "askWeChat"
_WITH_NATIVE = """
(function (fetch) {{
{script}
}})(async (url, options) => {{
  const answer = await window.{native}(url, options.body);
  return {{ json: async () => answer }};
}});
"""


def give_bridge(context: BrowserContext, wechat_url: str) -> None:
    """Give each page of ``context`` the bridge, before any script of its own runs."""

    def ask(url: str, body: str) -> Any:
        # the cookies of the browser say who the payer is
        answer = context.request.post(url, data=body, headers={"Content-Type": "text/plain"})
        return answer.json()

    script = httpx.get(f"{wechat_url}/_bridge.js", trust_env=False).raise_for_status().text
    context.expose_function(_NATIVE, ask)
    context.add_init_script(_WITH_NATIVE.format(script=script, native=_NATIVE))
