"""The recipients that this server can send to."""

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from edgepress_api.settings import ApiSettings
from edgepress_api.webhooks.egress_policy import Network, may_be_reached
from edgepress_common.errors import FieldProblem, InvalidSpecError
from edgepress_common.spec.notify import ChatRecipient, EmailRecipient, MatrixRecipient, Recipient

_WITHOUT_MAIL = "chat or matrix; email once the server's operator has set EDGEPRESS_SMTP_HOST and EDGEPRESS_SMTP_FROM"
_OWN_NAMES = ("localhost", ".localhost", ".local", ".internal")


@dataclass(frozen=True)
class RecipientRules:
    """The rules of a server.

    Attributes:
        has_mail: Whether it has the settings of a mail server.
        domains: Domains of accepted e-mail addresses; empty for all.
        networks: Private networks that are open.
    """

    has_mail: bool
    domains: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, settings: ApiSettings) -> "RecipientRules":
        """Return the rules by the settings of the server."""
        return cls(settings.smtp_host is not None, settings.smtp_domains, settings.webhook_networks)

    def check(self, recipients: Sequence[Recipient]) -> None:
        """Check the recipients of a spec, without asking any server. Names are looked up when a message is sent.

        Raises:
            InvalidSpecError: This server can't send to one of them.
        """
        problems = [
            FieldProblem(field=f"notify[{at}].{name}", value=value, message=message, accepted=accepted)
            for at, recipient in enumerate(recipients)
            for name, value, message, accepted in self._problems(recipient)
        ]
        if problems:
            raise InvalidSpecError(problems)

    def _problems(self, recipient: Recipient) -> Iterator[tuple[str, str | None, str, str]]:
        match recipient:
            case EmailRecipient(to=to):
                if not self.has_mail:
                    yield "kind", "email", "this server has no mail server", _WITHOUT_MAIL
                elif self.domains and to.rpartition("@")[2].lower() not in self.domains:
                    accepted = f"addresses in {', '.join(self.domains)} (EDGEPRESS_SMTP_DOMAINS)"
                    yield "to", to, "is not in a domain that this server sends to", accepted
            case ChatRecipient(url=url):
                yield from self._unreachable("url", url.get_secret_value())
            case MatrixRecipient(server=server):
                yield from self._unreachable("server", server)

    def _unreachable(self, name: str, url: str) -> Iterator[tuple[str, str | None, str, str]]:
        host = (urlsplit(url).hostname or "").rstrip(".")
        accepted = "a host of the internet, or an address that the server's EDGEPRESS_WEBHOOK_NETWORKS allows"
        try:
            is_allowed = may_be_reached(ipaddress.ip_address(host), self.networks)
        except ValueError:  # a name
            is_own = host == _OWN_NAMES[0] or host.endswith(_OWN_NAMES[1:])
            is_allowed = bool(self.networks) or not is_own
        if not is_allowed:
            yield name, None, f"the host {host} is not allowed", accepted
