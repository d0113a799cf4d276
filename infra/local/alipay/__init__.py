"""A simulator of Alipay's open platform: 手机网站支付 (``alipay.trade.wap.pay``) and its relatives.

It speaks the public protocol as a stranger would: signatures are made and checked with
``cryptography``, never with the SDK that the product uses, and it refuses what the platform
refuses. State lives in memory.

::

    gateway.py ──► request.py ──► methods.py ──► trade_query.py, trade_close.py,    signed JSON
        │          (signature,    (a table)  │   trade_refund.py, refund_query.py,
        │           app, time)               │   bill_download.py ─► bill.py        zip of a day
        │                                    └─► wap_pay.py ─┐
        ▼                                                    ▼
    faults.py ◄─── control.py (/_control, for tests)  cashier.py: log in ─► pay ─► return_url
        │              └─► merchant_portal.py                │
        │                            platform.py, ledger.py: offers, trades, expiry
        │                            trade.py, refunds.py:   what a trade is, when money goes back
        └──────────────────────────► notify.py: notify_url until it answers ``success``
                                     notify_by_hand.py: … or whoever asks delivers it

A new server method is one file with a function, and one line in ``methods.py``. A test that wants
neither threads nor connections nor the time of day says ``notify_by_hand`` (`platform.Platform`).
"""
