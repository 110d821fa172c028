"""The certificate of a Redis that workers on other hosts reach over TLS.

It is self-signed, and the workers trust it and no other, so there is no authority to keep. Clients authenticate with
their passwords, as inside of the deployment. It lasts ten years, since an expired one stops all workers elsewhere at
once; a stolen key is replaced by deleting ``redis/tls.pem``.
"""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Annotated, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import BeforeValidator

TLS_CONFIGURATION = """\
tls-port 6380
tls-cert-file /run/secrets/redis/tls.pem
tls-key-file /run/secrets/redis/tls.key
tls-auth-clients no
"""
"""Lines of a ``redis.conf``: TLS next to the unencrypted port, which is not published."""

_VALIDITY = timedelta(days=3650)
_CLOCK_TOLERANCE = timedelta(days=1)
_MOST_COMMON_NAME = 64


class _Address(NamedTuple):
    """A host and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return it as in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _parsed(text: object) -> object:
    if not isinstance(text, str):
        return text
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16 or set(host) & set("/@ "):
        raise ValueError("should be host:port, such as edgepress.example:6380")
    return _Address(host, int(port))


RedisAddress = Annotated[_Address, BeforeValidator(_parsed)]


def create_certificate(host: str) -> tuple[str, str]:
    """Return a new certificate for a host and its key, as PEM.

    Args:
        host: Name or IP address of the host.
    """
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:_MOST_COMMON_NAME])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_TOLERANCE)
        .not_valid_after(now + _VALIDITY)
        .add_extension(x509.SubjectAlternativeName([_general_name(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    encoding, no_password = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, no_password)
    return certificate.public_bytes(encoding).decode(), private.decode()


def is_valid_for(certificate: str, host: str) -> bool:
    """Return whether a certificate (PEM) is for a host, and does not expire within a month."""
    found = x509.load_pem_x509_certificate(certificate.encode())
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return list(names) == [_general_name(host)] and found.not_valid_after_utc > datetime.now(UTC) + timedelta(days=30)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
