"""What all sellers share: the platform's codes, how goods are offered, how results are heard.

A seller (the learning centre, the study materials) builds on this and on `chalicelib.purchasables`;
the order service knows nothing of it.
"""
