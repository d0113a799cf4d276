"""Study materials (学习资源服务): the second seller. Bought once, downloaded for ever.

``choose`` makes the record that an order is for, ``grants`` and ``revocations`` hear what became of
the order, ``sale`` tells orders what may be bought, ``shelf`` shows what there is and what is
mine, ``downloads`` hands out links. Of courses this package knows nothing.
"""
