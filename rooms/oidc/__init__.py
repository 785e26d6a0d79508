"""Bearer tokens of an OpenID Connect issuer that the operator named: whether one is good, and whose it is.

https://openid.net/specs/openid-connect-discovery-1_0.html
"""
