"""The URL of Redis, with an explicit rule for certificates.

For a ``rediss`` URL without such a rule, redis-py verifies the certificate, but Celery's transport does not. The rule
is therefore always added.
"""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_SETTING = "ssl_cert_reqs"


def verified_url(url: str) -> str:
    """Return the URL; with TLS, add that the certificate must be verified, unless the URL already has a rule."""
    parts = urlsplit(url)
    options = parse_qsl(parts.query, keep_blank_values=True)
    if parts.scheme != "rediss" or _SETTING in dict(options):
        return url
    return urlunsplit(parts._replace(query=urlencode([*options, (_SETTING, "required")], safe="/")))
