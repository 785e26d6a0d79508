"""What every platform client promises, as test cases for pytest: a new adapter's tests derive from `PlatformContract`
and, for each ability that the client has, from the case class of that ability.

    class TestAcme(PresenceContract, WebhookContract):
        client_class = AcmeClient
        options = {"api_key": "key"}

        @pytest.fixture(autouse=True)
        def provider(self):
            with StubProvider() as stub:  # any HTTP server that answers as the provider does
                stub.on("POST", "/rooms", make_room)
                self.options = {**self.options, "api_url": stub.url}
                yield stub

        def sign_webhook(self, body, secret):
            signature = base64_hmac(secret, body)
            return SignedWebhook({"X-Acme-Signature": signature}, signature)

An ability whose case class is forgotten fails. The stub should be as strict as the provider (refuse names that it would
refuse) and answer for a room "gone" as for one that was deleted, and for a recording that it never heard of by 404.
`options`, `webhook_secrets` and `payloads` may be replaced; the rest are the cases themselves.
For asserts with details, call `pytest.register_assert_rewrite("platforms.testing")` before importing this.
"""

from platforms.testing.abilities import (
    ClosingContract,
    CredentialCheckContract,
    ExtensionContract,
    LogoContract,
    PresenceContract,
    RoomLookupContract,
)
from platforms.testing.contract import ExampleRoom, PlatformContract
from platforms.testing.recordings import (
    RecordingBucketContract,
    RecordingDeletionContract,
    RecordingLinkContract,
    RecordingListingContract,
    RecordingStartContract,
)
from platforms.testing.webhooks import SignedWebhook, WebhookContract, WebhookRegistrationContract

__all__ = [
    "ClosingContract",
    "CredentialCheckContract",
    "ExampleRoom",
    "ExtensionContract",
    "LogoContract",
    "PlatformContract",
    "PresenceContract",
    "RecordingBucketContract",
    "RecordingDeletionContract",
    "RecordingLinkContract",
    "RecordingListingContract",
    "RecordingStartContract",
    "RoomLookupContract",
    "SignedWebhook",
    "WebhookContract",
    "WebhookRegistrationContract",
]
