"""S3 as it decides whether to answer: the gate in front of an engine that stores and believes all.

    sigv4, request     Signature Version 4, computed from what came
    claim              who a request says it is from: a signed query, or an Authorization header
    verification       whether that is so, and in time
    permission         what the one key may do: read and write objects under one prefix
    engine             what is left to do goes on to an engine on loopback
    refusal            S3's own errors
    clock, control     its time, which a test may move

It is written from the public documentation and knows no SDK. One bucket, path-style addresses.
"""
