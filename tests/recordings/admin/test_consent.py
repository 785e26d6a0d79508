"""Single answers about consent in Admin."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from meetings.opening import open_meeting
from recordings.models import Consent
from tests.conftest import api_for, make_user

pytestmark = pytest.mark.django_db
LIST = "/admin/recordings/consent/"


@pytest.fixture
def meeting(room, colleague):
    """One in which a colleague agreed and somebody unknown refused."""
    meeting = open_meeting(room)
    for user, given in ((colleague, True), (None, False)):
        answer = api_for(user).post(f"/v1/meetings/{meeting.pk}/consent", {"consent_given": given})
        assert answer.status_code == 200
    return meeting


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def staff_with(*codenames):
    user = make_user("helper", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return signed_in(user)


def test_each_answer_is_listed_with_who_gave_it_and_when(staff, meeting):
    page = signed_in(staff).get(LIST).content.decode()
    for words in ("agreed", "refused", "colleague", "somebody who was not signed in", f"/meeting/{meeting.pk}/change/"):
        assert words in page
    assert str(Consent.objects.get(user=None).pk) not in page  # it lets its holder change the answer


def test_a_guest_is_listed_and_found_by_the_name_that_they_gave(staff, meeting):
    Consent.objects.filter(user=None).update(name="Zoë")
    assert "Zoë, who was not signed in" in signed_in(staff).get(LIST, {"q": "Zoë"}).content.decode()


def test_the_meetings_page_leads_to_its_answers(staff, room, meeting):
    Consent.objects.create(meeting=open_meeting(room, allow_duplicated=True), given=True)
    admin = signed_in(staff)
    page = admin.get(f"/admin/meetings/meeting/{meeting.pk}/change/").content.decode()
    assert "1 agreed, 1 refused" in page
    found = admin.get(f"{LIST}?meeting__id__exact={meeting.pk}")
    assert found.context["cl"].result_count == 2


@pytest.mark.parametrize(("query", "number"), [("?q=standup", 2), ("?q=colleague", 1), ("?given__exact=0", 1)])
def test_it_is_searched_and_filtered(staff, meeting, query, number):
    assert signed_in(staff).get(LIST + query).context["cl"].result_count == number


def test_it_is_for_those_who_may_see_answers(meeting):
    helper = staff_with("view_meeting")
    assert helper.get(LIST).status_code == 403
    assert "agreed" not in helper.get(f"/admin/meetings/meeting/{meeting.pk}/change/").content.decode()


def test_nobody_answers_for_others(staff, meeting):
    admin, answer = signed_in(staff), Consent.objects.get(user=None)
    for address in (f"{LIST}add/", f"{LIST}{answer.pk}/delete/"):
        assert admin.post(address, {}).status_code == 403
    assert admin.post(f"{LIST}{answer.pk}/change/", {"given": "on"}).status_code == 403
    answer.refresh_from_db()
    assert answer.given is False
