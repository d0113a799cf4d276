"""Alipay (支付宝手机网站支付) as a payment channel.

::

    channel ─┬─ messages   notify and return: verify, then read
             ├─ refund, bill
             └─ gateway ── sdk (the only importer of alipay) ── ../http_client
                             trade, form: what the fields mean
"""
