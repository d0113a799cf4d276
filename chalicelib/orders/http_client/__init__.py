"""Asking a server once, within one time limit; knows no platform.

::

    exchange   what is asked and answered (the only importer of requests)
       └─ line   the TCP line below it, cut at the limit
"""
