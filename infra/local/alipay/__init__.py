"""A simulator of Alipay's open platform: 手机网站支付 (``alipay.trade.wap.pay``) and its relatives.

It speaks the public protocol as a stranger would: signatures are made and checked with
``cryptography``, never with the SDK that the product uses, and it refuses what the platform
refuses. State lives in memory.

::

    gateway.py ──► request.py ──► methods.py ──► trade_query.py, trade_close.py   signed JSON
        │          (signature,    (a table)  └─► wap_pay.py ─┐
        │           app, time)                               ▼
        │                                    cashier.py: log in ─► pay ─► return_url
        ▼                                                    │
    faults.py ◄─── control.py (/_control, for tests)         ▼
        │                            platform.py, ledger.py: offers, trades, expiry
        └──────────────────────────► notify.py: notify_url until it answers ``success``

A new server method is one file with a function, and one line in ``methods.py``.
"""
