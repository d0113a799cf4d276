"""WeChat Pay (微信支付, APIv3) as a payment channel, and WeChat's OAuth.

::

    channel ─┬─ prepay, refund, bill
             ├─ notify     verify, open, then read
             └─ gateway ── sdk (the only importer of wechatpayv3) ── ../http_client
                             trade: what the fields mean
    oauth                    the openid of a payer inside WeChat
"""
