"""The webhook that is called when a job ends."""

from pydantic import Field, SecretStr

from edgepress_common.frozen import Frozen
from edgepress_common.spec.web_address import WebAddress


class Webhook(Frozen):
    """A web server to notify when the job ends. Deliveries are signed, so that the receiver can verify the sender."""

    url: WebAddress = Field(max_length=2000, description="URL that deliveries are posted to, http or https.")
    secret: SecretStr = Field(
        min_length=16,
        max_length=200,
        description="Secret that deliveries are signed with; never returned by the API. After the prefix `whsec_`, the "
        "secret is base64.",
    )
