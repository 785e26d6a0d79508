"""What a platform client promises of rooms and of the people in them, a case class for each ability."""
# ruff: noqa: S101  (test cases are made of asserts)

from datetime import UTC, datetime, timedelta
from pathlib import Path

from platforms.abilities import Closing, CredentialCheck, Extension, Logo, Presence, RoomLookup
from platforms.testing.contract import PlatformContract


class CredentialCheckContract(PlatformContract, ability=CredentialCheck):
    def test_its_credentials_are_taken_and_may_be_tried_again(self, client: CredentialCheck) -> None:
        client.check_credentials()
        client.check_credentials()


class PresenceContract(PlatformContract, ability=Presence):
    def test_nobody_is_in_a_room_that_is_gone(self, client: Presence) -> None:
        assert list(client.get_room_sessions("gone")) == []
        assert list(client.get_presence("gone")) == []
        assert client.presence_threshold >= 1


class RoomLookupContract(PlatformContract, ability=RoomLookup):
    def test_a_room_that_is_gone_is_told_from_one_that_is_there(self, client: RoomLookup) -> None:
        meeting = self.open(client)
        assert client.has_room(meeting.room_name, meeting.meeting_id) is True
        assert client.has_room("gone", "gone") is False


class ClosingContract(PlatformContract, ability=Closing):
    def test_a_room_that_is_gone_counts_as_closed(self, client: Closing) -> None:
        meeting = self.open(client)
        assert client.delete_room(meeting.room_name, meeting.meeting_id) is True
        assert client.delete_room(meeting.room_name, meeting.meeting_id) is True
        assert client.delete_room("/gone", "gone") is True


class ExtensionContract(PlatformContract, ability=Extension):
    def test_a_meeting_may_last_longer(self, client: Extension) -> None:
        meeting = self.open(client)
        for hours in (9, 10):
            client.extend_meeting(meeting.room_name, datetime.now(UTC) + timedelta(hours=hours))


class LogoContract(PlatformContract, ability=Logo):
    def test_a_logo_is_accepted(self, client: Logo, tmp_path: Path) -> None:
        logo = tmp_path / "logo.png"
        logo.write_bytes(b"\x89PNG\r\n\x1a\n")
        assert client.upload_logo(self.open(client).room_name, logo) is True
