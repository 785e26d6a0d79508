"""What a platform client promises of recordings, a case class for each ability."""
# ruff: noqa: S101  (test cases are made of asserts)

import uuid

import pytest

from platforms.abilities import RecordingBucket, RecordingDeletion, RecordingLink, RecordingListing, RecordingStart
from platforms.exceptions import PlatformRejected
from platforms.testing.contract import RECORDING_TRIGGERS, ExampleRoom, PlatformContract

UNKNOWN = "00000000-0000-4000-8000-000000000000"


class RecordingListingContract(PlatformContract, ability=RecordingListing):
    def test_every_recording_of_the_list_has_a_name(self, client: RecordingListing) -> None:
        for recording in client.list_recordings():
            assert recording.platform == self.alias
            assert recording.recording_id

    def test_a_room_that_is_gone_has_no_recordings(self, client: RecordingListing) -> None:
        assert list(client.list_recordings("gone")) == []

    def test_a_recording_that_it_does_not_know_is_not_found(self, client: RecordingListing) -> None:
        with pytest.raises(PlatformRejected) as caught:
            client.get_recording(UNKNOWN)
        assert caught.value.status == 404


class RecordingLinkContract(PlatformContract, ability=RecordingLink):
    def test_there_is_no_link_to_a_recording_that_it_does_not_know(self, client: RecordingLink) -> None:
        with pytest.raises(PlatformRejected) as caught:
            client.recording_link(UNKNOWN)
        assert caught.value.status == 404


class RecordingDeletionContract(PlatformContract, ability=RecordingDeletion):
    def test_a_recording_that_is_gone_counts_as_deleted(self, client: RecordingDeletion) -> None:
        assert client.delete_recording(UNKNOWN) is True


class RecordingStartContract(PlatformContract, ability=RecordingStart):
    def test_it_knows_what_to_ask_for_and_when(self, client: RecordingStart) -> None:
        assert client.recording_kind() in {"cloud", "raw-tracks"}
        for trigger in sorted(RECORDING_TRIGGERS):
            room = ExampleRoom(recording_type="cloud", recording_trigger=trigger)
            assert client.needs_recording_start(room) in (True, False)

    def test_nothing_is_recorded_where_nobody_is(self, client: RecordingStart) -> None:
        with pytest.raises(PlatformRejected) as caught:
            client.start_recording("gone", client.recording_kind(), str(uuid.uuid4()))
        assert caught.value.status == 404


class RecordingBucketContract(PlatformContract, ability=RecordingBucket):
    def test_a_folder_in_the_bucket_ends_in_a_slash(self, client: RecordingBucket) -> None:
        store = client.recording_store()
        assert store is None or (store.bucket and (not store.prefix or store.prefix.endswith("/")))

    @pytest.mark.parametrize("key", ["", "/", "x", "a/b/c.mp4", "recording-1.mp4", "..", "é" * 1000, "a\x00b", "%2F+"])
    def test_any_object_in_the_bucket_is_a_recording_or_none(self, client: RecordingBucket, key: str) -> None:
        found = client.recording_at(key)
        assert found is None or found.platform == self.alias

    def test_of_a_recording_that_it_does_not_know_there_are_no_objects(self, client: RecordingBucket) -> None:
        assert list(client.recording_objects(UNKNOWN)) == []
