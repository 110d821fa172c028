"""Sends requests to a gateway, and parses responses to types of ``edgepress_common.answers`` or errors.

An idempotent request is sent again if the connection breaks, which happens to idle connections when the gateway
restarts. Fields that the types do not have are ignored, and kinds that they do not have are accepted: the gateway may
be newer, or have extensions.
"""

import hashlib
import os
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from edgepress_client.errors import ErrorResponse, MissingLibraryError, refusal
from edgepress_client.files import check_absent, whole_file
from edgepress_common.artifacts import ArtifactRef, CorruptArtifactError
from edgepress_common.errors import InvalidInputError, UnavailableError
from edgepress_common.frozen import ANSWER

Query = Mapping[str, str | list[str]]

_TIMEOUT_SECONDS = 30.0
_ATTEMPTS = 3  # of a request whose connection breaks
_BROKEN = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)  # by the other side, after it was made
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

_Answer = TypeVar("_Answer", bound=BaseModel)


class Connection:
    """A connection to a gateway.

    Every method raises `UnavailableError` if the gateway can't be reached or can't answer now, and a `RefusedError` if
    it refuses.

    Args:
        url: The gateway's address.
        token: The bearer token; None or empty for none.
        transport: The httpx transport; None for the network.

    Raises:
        InvalidInputError: The address is not an HTTP URL.
        MissingLibraryError: The environment names a proxy that needs a library which is not installed.
    """

    def __init__(self, url: str, token: str | None = None, transport: httpx.BaseTransport | None = None) -> None:
        if not url.startswith(("http://", "https://")):
            raise InvalidInputError(f"{url!r} is not a gateway address; accepted: http://host:port or https://host")
        self.has_token = bool(token)
        try:
            is_local = urlsplit(url).hostname in _LOOPBACK
        except ValueError as error:
            raise InvalidInputError(f"{url!r} is not a gateway address: {error}") from error
        try:
            self._http = httpx.Client(
                base_url=url,
                headers={"Authorization": f"Bearer {token}"} if token else {},
                timeout=_TIMEOUT_SECONDS,
                transport=transport,
                # A proxy from the environment can't reach this machine.
                trust_env=not is_local,
                verify=_trust(is_used=not is_local or url.startswith("https://")),
            )
        except OSError as error:  # ssl.SSLError is one
            raise InvalidInputError(
                f"SSL_CERT_FILE is {os.environ.get('SSL_CERT_FILE')!r}, which can't be read ({error}); "
                "accepted: a PEM file of certificates"
            ) from error
        except httpx.InvalidURL as error:
            raise InvalidInputError(f"{url!r} is not a gateway address: {error}") from error
        except ImportError as error:
            raise MissingLibraryError(
                "the environment names a SOCKS proxy (ALL_PROXY), which needs another library; install it with: "
                "pip install 'edgepress-client[socks]', or name an HTTP proxy"
            ) from error
        except ValueError as error:
            raise InvalidInputError(f"the environment names a proxy that can't be used: {error}") from error

    @property
    def url(self) -> str:
        """The gateway's address, without a trailing slash."""
        return str(self._http.base_url).rstrip("/")

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def get(self, type_: type[_Answer], *path: str, params: Query | None = None) -> _Answer:
        """Request a resource, and return it.

        Args:
            type_: The type of the response.
            path: Segments below ``/v1``, escaped here.
            params: The query.
        """
        return parse(type_, self.request("GET", *path, params=params, headers={"Accept": "application/json"}))

    def post(self, type_: type[_Answer], *path: str, **options: Any) -> _Answer:
        """Send a POST request, and return the response. Options are those of `request`."""
        return parse(type_, self.request("POST", *path, **options))

    def document(self, *path: str, media_type: str, params: Query | None = None) -> bytes:
        """Request a document, and return its text."""
        return self.request("GET", *path, params=params, headers={"Accept": media_type}).content

    def request(self, method: str, *path: str, can_repeat: bool | None = None, **options: Any) -> httpx.Response:
        """Send a request, and return a successful response.

        Args:
            method: The HTTP method.
            path: Segments below ``/v1``, escaped here.
            can_repeat: Whether to send it again if its connection breaks; by default only for GET.
            options: The keyword arguments of `httpx.Client.request`.
        """
        attempts = _ATTEMPTS if can_repeat or (can_repeat is None and method == "GET") else 1
        with self._reached():
            while True:
                attempts -= 1
                try:
                    return _checked(self._http.request(method, address(*path), **options))
                except _BROKEN:
                    if not attempts:
                        raise

    @contextmanager
    def stream(self, *path: str, **options: Any) -> Iterator[httpx.Response]:
        """Send a GET request, and return the response before its body has arrived."""
        with self._reached(), self._http.stream("GET", address(*path), **options) as response:
            if response.is_error:
                response.read()
            yield _checked(response)

    def download(
        self,
        *path: str,
        target: Path,
        overwrite: bool,
        params: Query | None = None,
        chunk_seen: Callable[[bytes], object] = len,
    ) -> Path:
        """Download a resource to a file atomically, and return the file.

        Args:
            path: Segments below ``/v1``.
            target: The file. Its folder is created.
            overwrite: Whether an existing file is replaced.
            params: Parameters of the query.
            chunk_seen: Called with each chunk of the content.

        Raises:
            FileExistsAlreadyError: The file exists, and ``overwrite`` is False.
        """
        check_absent(target, overwrite=overwrite)
        with whole_file(target) as file, self.stream(*path, params=params) as response:
            for chunk in response.iter_bytes():
                chunk_seen(chunk)
                file.write(chunk)
        return target

    def download_artifact(self, artifact: ArtifactRef, target: Path, *, overwrite: bool) -> Path:
        """Download an artifact to a file atomically, and return the file.

        Raises:
            CorruptArtifactError: The SHA-256 of the bytes is not that of the artifact.
            FileExistsAlreadyError: The file exists, and ``overwrite`` is False.
        """
        check_absent(target, overwrite=overwrite)
        digest = hashlib.sha256()
        with whole_file(target) as file:
            with self.stream("artifacts", artifact.sha256) as response:
                for chunk in response.iter_bytes():
                    digest.update(chunk)
                    file.write(chunk)
            if digest.hexdigest() != artifact.sha256:
                raise CorruptArtifactError(artifact.sha256, digest.hexdigest())
        return target

    def upload(self, type_: type[_Answer], *path: str, chunks: Iterable[bytes], **options: Any) -> _Answer:
        """Send a POST request with a body in chunks, and return the response."""
        return self.post(type_, *path, content=chunks, **options)

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except httpx.TransportError as error:
            raise UnavailableError(
                f"no gateway answers at {self.url} ({error or type(error).__name__}); start one with 'edgepress up', "
                "or name another with --gateway or EDGEPRESS_GATEWAY"
            ) from error


def _trust(*, is_used: bool) -> ssl.SSLContext:
    """Return the certificates that are trusted: those of SSL_CERT_FILE, or else of certifi; none without TLS.

    Reading certificates takes as long as a request.
    """
    return httpx.create_ssl_context() if is_used else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def address(*path: str) -> str:
    """Return the path of a resource, each segment escaped.

    Raises:
        InvalidInputError: A segment is empty, or is one that proxies take out of a path: another resource would answer.
    """
    if unusable := {"", ".", ".."}.intersection(path):
        raise InvalidInputError(f"{min(unusable)!r} is not a name; accepted: the name or id of a resource")
    return "/v1/" + "/".join(quote(segment, safe="") for segment in path)


def parse(type_: type[_Answer], response: httpx.Response) -> _Answer:
    """Parse the content of a response.

    Raises:
        UnavailableError: The content is not of the type: the server is not a gateway, or has an incompatible version.
    """
    try:
        return type_.model_validate_json(response.content, extra="ignore", context=ANSWER)
    except ValidationError as error:
        raise UnavailableError(
            f"the response of {response.url} is not that of an Edgepress gateway of this version "
            f"({error.error_count()} fields differ); check the address and the versions of client and gateway"
        ) from error


def _checked(response: httpx.Response) -> httpx.Response:
    if response.is_success:
        return response
    try:
        problem = ErrorResponse.model_validate_json(response.content)
    except ValidationError:
        problem = ErrorResponse(title=f"{response.status_code} {response.reason_phrase}", status=response.status_code)
    error = refusal(problem.model_copy(update={"status": response.status_code}))
    if response.is_server_error and response.status_code != httpx.codes.INSUFFICIENT_STORAGE:
        raise UnavailableError(f"the gateway is unavailable: {problem.title}. {problem.detail}".strip())
    raise error
