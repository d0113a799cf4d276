"""Money that goes back: its sums, the desk that takes requests in, the job that sends them.

::

    settle (a surplus) ─┐
    desk (asked for) ───┼─► a refund row, reserved on the pay record ─► sender ─► the platform
    portal (told) ──────┘                                               results ◄─┘
"""
