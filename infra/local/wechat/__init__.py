"""A simulator of WeChat Pay APIv3 (direct merchant, public-key mode) and of WeChat's OAuth.

It speaks the public protocol as a stranger would: signatures are made and checked with
``cryptography``, never with the SDK that the product uses, and it refuses what the platform
refuses. State lives in memory.

::

    api.py ──► request.py ──► calls.py ──► prepay.py, trade_calls.py       signed JSON
      │        (signature,    (a table)    refund_calls.py, bill_calls.py
      │         merchant, time)                     │
      ▼                                             ▼
    faults.py, answer_faults.py     platform.py: ledger.py, refunds.py, refund_outcomes.py, bill.py
      ▲     ▲                                       │             ▲
      │     └─ control.py (/_control, for tests)    │             │ pay
      │                                             ▼             │
      └──────────────────────────────── notify.py, envelope.py    │
                                        until 200 or 204          │
    the payer's side:  oauth.py (who is it)  bridge.py (JSAPI)    │
                       h5.py (middle page) ─┬► cashier.py ────────┘
                       native.py (scan) ────┘

A new call is one function, and one line in ``calls.py``.
"""
