"""The case classes that the product's own clients keep, against stubs and against the sandbox alike."""

from platforms.testing import (
    ClosingContract,
    CredentialCheckContract,
    ExtensionContract,
    LogoContract,
    PresenceContract,
    RecordingBucketContract,
    RecordingDeletionContract,
    RecordingLinkContract,
    RecordingListingContract,
    RecordingStartContract,
    RoomLookupContract,
    WebhookContract,
    WebhookRegistrationContract,
)


class DailyContract(
    CredentialCheckContract,
    PresenceContract,
    RoomLookupContract,
    ClosingContract,
    ExtensionContract,
    RecordingListingContract,
    RecordingLinkContract,
    RecordingDeletionContract,
    RecordingStartContract,
    RecordingBucketContract,
    WebhookRegistrationContract,
):
    pass


class WherebyContract(
    CredentialCheckContract,
    PresenceContract,
    RoomLookupContract,
    ClosingContract,
    LogoContract,
    RecordingListingContract,
    RecordingLinkContract,
    RecordingDeletionContract,
    RecordingBucketContract,
    WebhookContract,
):
    pass


class MockContract(PresenceContract, ClosingContract, LogoContract, RecordingDeletionContract, WebhookContract):
    pass


class SandboxMockContract(
    MockContract, CredentialCheckContract, RoomLookupContract, RecordingListingContract, RecordingLinkContract
):
    pass
