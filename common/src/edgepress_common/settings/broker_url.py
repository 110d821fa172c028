"""The URL of Redis: validated, and with an explicit rule for certificates.

For a ``rediss`` URL without such a rule, redis-py verifies the certificate, but Celery's transport does not. The rule
is therefore always added.
"""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_SETTING = "ssl_cert_reqs"
_TCP = {"redis", "rediss"}
_ACCEPTED = "redis://USER:PASSWORD@HOST:PORT/0, rediss:// with TLS, or unix://PATH"


def verified_url(url: str) -> str:
    """Return the URL; with TLS, add that the certificate must be verified, unless the URL already has a rule.

    Raises:
        ValueError: It is not a URL of Redis. The message does not repeat it, because it may contain a password.
    """
    try:
        parts = urlsplit(url)
        is_usable = bool(parts.hostname) and parts.port != 0 if parts.scheme in _TCP else parts.scheme == "unix"
    except ValueError:  # a port that is not a number, or an unclosed bracket
        is_usable = False
    if not is_usable:
        raise ValueError(f"is not the URL of a Redis server; accepted: {_ACCEPTED}")
    options = parse_qsl(parts.query, keep_blank_values=True)
    if parts.scheme != "rediss" or _SETTING in dict(options):
        return url
    return urlunsplit(parts._replace(query=urlencode([*options, (_SETTING, "required")], safe="/")))
