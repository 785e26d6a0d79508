"""PATCH /v1/meetings/{meeting_id}/deactivate."""

import uuid

import pytest

from meetings.models import Meeting, ProviderCall
from meetings.opening import open_meeting
from rooms.models import Room
from tests.conftest import api_for, error


@pytest.fixture
def meeting(room):
    return open_meeting(room)


def path(meeting):
    return f"/v1/meetings/{getattr(meeting, 'pk', meeting)}/deactivate"


def test_owner_and_staff_end_a_meeting_and_its_provider_room(owner, staff, room, meeting):
    for person, ended in ((owner, meeting), (staff, open_meeting(room, allow_duplicated=True))):
        answer = api_for(person).patch(path(ended))
        assert answer.status_code == 200
        assert answer.json() == {"status": "success", "meeting_id": str(ended.pk)}
        ended.refresh_from_db()
        assert ended.state == "ended"
        assert ProviderCall.objects.get(meeting=ended).kind == "close_room"


def test_ending_it_again_changes_nothing(owner, meeting):
    first, second = (api_for(owner).patch(path(meeting)) for _ in range(2))
    assert (second.status_code, second.json()) == (200, first.json())
    assert ProviderCall.objects.count() == 1


def test_others_may_not_whether_it_runs_or_has_ended(owner, colleague, meeting):
    for _ in range(2):
        answer = api_for(colleague).patch(path(meeting))
        assert (answer.status_code, answer.json()) == (403, error("Only the room owner can deactivate meetings"))
        answer = api_for().patch(path(meeting))
        assert (answer.status_code, answer.json()) == (401, error("Not authenticated"))
        api_for(owner).patch(path(meeting))


@pytest.mark.parametrize("meeting_id", [str(uuid.uuid4()), "x", "%00"])
def test_an_unknown_or_impossible_id_is_404(owner, meeting_id):
    answer = api_for(owner).patch(path(meeting_id))
    assert (answer.status_code, answer.json()) == (404, error("Meeting not found"))


def test_a_meeting_whose_room_is_gone_is_404(owner, meeting):
    Meeting.objects.update(room=None)
    answer = api_for(owner).patch(path(meeting))
    assert (answer.status_code, answer.json()) == (404, error("Room not found"))


def test_a_meeting_ends_also_when_its_platform_is_no_longer_configured(settings, owner, meeting):
    settings.VIDEO_PLATFORMS = {"whereby": settings.VIDEO_PLATFORMS["whereby"]}
    assert api_for(owner).patch(path(meeting)).status_code == 200


def test_another_method_is_405(owner, meeting):
    assert api_for(owner).post(path(meeting)).status_code == 405
    assert Room.objects.exists()
