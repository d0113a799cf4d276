"""People who buy on a running stack, seen from outside.

::

    browser.py ◄─ cashier.py ◄─┬─ alipay_payer.py ◄─ alipay_way.py ─┐
    (html_forms.py)            └─ wechat_payer.py ◄─ wechat_way.py ─┤ way_to_pay.py
                                                                    ▼
    person.py (token, API) ─┬───────────────────────────────► nine_steps.py ◄─ qr_reader.py
                            ├─► refund.py                         ▲  ▲  (steps.py: do and look)
                            ├─► course.py ───────────── goods.py ─┘  └─ listener.py (the exchange)
                            └─► study_material.py ──────┘
                                (download.py)
"""
