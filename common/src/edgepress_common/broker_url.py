"""Where Redis is, said so that everybody who connects checks whom they speak with.

Of a ``rediss`` URL that says nothing of certificates, one library concludes that they must be verified, and the other,
which carries the queues, that they need not be. So it is always said.
"""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_SETTING = "ssl_cert_reqs"


def verified_url(url: str) -> str:
    """The same URL; over TLS, one that asks for a certificate that can be verified unless it says otherwise."""
    parts = urlsplit(url)
    options = parse_qsl(parts.query, keep_blank_values=True)
    if parts.scheme != "rediss" or _SETTING in dict(options):
        return url
    return urlunsplit(parts._replace(query=urlencode([*options, (_SETTING, "required")], safe="/")))
