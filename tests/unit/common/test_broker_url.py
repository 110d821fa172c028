"""How Redis' address is completed."""

import pytest

from edgepress_common.settings.broker_url import verified_url


@pytest.mark.parametrize(
    ("url", "completed"),
    [
        ("redis://:p@h:6379/0", "redis://:p@h:6379/0"),
        ("rediss://u:p%2F@h:6379/0", "rediss://u:p%2F@h:6379/0?ssl_cert_reqs=required"),
        ("rediss://h/0?ssl_ca_certs=/etc/ca.pem", "rediss://h/0?ssl_ca_certs=/etc/ca.pem&ssl_cert_reqs=required"),
        ("rediss://h/0?ssl_cert_reqs=none", "rediss://h/0?ssl_cert_reqs=none"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
    ],
)
def test_tls_is_verified_by_default(url: str, completed: str) -> None:
    """The rest of the address is unchanged."""
    assert verified_url(url) == completed
