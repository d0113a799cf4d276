"""A dev identity provider: it stands in for the platform's login, with RS256 tokens.

======  ========================================  ================================================
GET     ``/.well-known/openid-configuration``     its metadata (OpenID Connect Discovery 1.0)
GET     ``/.well-known/jwks.json``                the public keys, old ones included (RFC 7517)
GET     ``/authorize``                            choose who one is; then a code (RFC 6749 §4.1)
POST    ``/token``, a form                        a code against tokens (RFC 6749 §4.1.3, RFC 7636)
POST    ``/token``, JSON                          `TokenOrder` -> the access token of anybody
GET     ``/``                                     a page on which a developer gets a token
GET     ``/result``                               stands in for the H5 result page
POST    ``/_control/rotate``                      sign with a new key from now on
======  ========================================  ================================================

``sign_in`` reads requests by ``authorize`` and gives ``codes`` to ``people``; ``token_endpoint``
takes them back by ``code_exchange``. ``client`` is who may ask at all; ``issuer`` signs ``tokens``
with ``keys``.

Left out: sessions (each sign-in asks who one is), refresh tokens, user info, sign-out. A code that
is shown twice does not revoke the tokens of the first time: nobody can take back a JWT.

Anybody who reaches it gets any token: it is for loopback only.
"""
