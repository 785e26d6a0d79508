"""What becomes of meetings in the sandbox when it is started anew."""

from datetime import timedelta

import pytest
from django.utils import timezone

from meetings.models import Meeting
from meetings.simulated import end_simulated_meetings
from rooms.models import Room

pytestmark = pytest.mark.django_db
REAL = "platforms.backends.daily.DailyClient"
MOCK = "platforms.backends.mock.MockClient"


@pytest.fixture
def make_meeting(owner, settings):
    settings.VIDEO_PLATFORMS = {
        "mock": {"BACKEND": MOCK, "OPTIONS": {}},
        "daily": {"BACKEND": REAL, "OPTIONS": {"api_key": "key", "api_url": "https://api.example/v1"}},
    }

    def make(platform, **fields):
        room = Room.objects.create(name=f"room-{Room.objects.count()}", owner=owner)
        now = timezone.now()
        return Meeting.objects.create(
            room=room, state="live", platform=platform, slot="a", start_date=now, end_date=now + timedelta(hours=1),
            room_url="https://rooms.example/a", num_clients=2, provider_meeting_id=room.name, **fields,
        )  # fmt: skip

    return make


def test_they_end_with_their_recordings_and_nobody_else_is_asked(make_meeting):
    meeting = make_meeting("mock", recording_started_at=timezone.now())
    assert end_simulated_meetings() == 1
    meeting.refresh_from_db()
    assert (meeting.state, meeting.num_clients, meeting.is_recording) == ("ended", 0, False)
    assert meeting.recording_failed_at
    assert not meeting.provider_calls.exists()


def test_those_that_real_providers_know_go_on(make_meeting):
    real, gone = make_meeting("daily"), make_meeting("not-configured-any-more")
    assert end_simulated_meetings() == 0
    for meeting in (real, gone):
        meeting.refresh_from_db()
        assert (meeting.state, meeting.num_clients) == ("live", 2)
