"""A room's logo reaches the provider from wherever it is stored, and staff see it."""

import io

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.test import Client
from PIL import Image

from meetings.models import ProviderCall
from rooms.models import Room
from tests.meetings.test_admin import page, signed_in
from tests.support import product_settings
from tests.support.aws import aws, aws_server  # noqa: F401
from tests.support.meeting_reports import make_meeting
from tests.support.whereby_provider import client_for, whereby_stub

BUCKET = "ours"


def png():
    content = io.BytesIO()
    Image.new("RGB", (400, 100)).save(content, "PNG")
    return content.getvalue()


@pytest.fixture
def bucket(aws, settings):  # noqa: F811
    aws.bucket(BUCKET)
    product_settings.use(settings, RECORDINGS_STORAGE_BUCKET=BUCKET, RECORDINGS_STORAGE_ENDPOINT_URL=aws.url)
    return aws.client("s3")


@pytest.fixture
def give_logo(room):
    def give(name="logo.png"):
        room.logo.save(name, ContentFile(png()))
        return Room.objects.get(pk=room.pk)

    return give


def told(settings, room):
    """What the provider is sent."""
    with whereby_stub() as stub:
        client = client_for(stub)
        backend = f"{type(client).__module__}.{type(client).__name__}"
        options = {"api_url": stub.url, "api_key": "key", "webhook_secrets": ["secret"]}
        settings.VIDEO_PLATFORMS = {"whereby": {"BACKEND": backend, "OPTIONS": options}}
        meeting = make_meeting(room, platform="whereby")
        call = ProviderCall.objects.create(meeting=meeting, kind="set_logo")
        ProviderCall.run(call.pk)
        call.refresh_from_db()
        assert (call.state, call.last_error) == ("done", "")
        return stub.sent("PUT", "/rooms/")[0].body


@pytest.mark.django_db
class TestInAFolder:
    def test_it_is_sent(self, settings, give_logo):
        assert png() in told(settings, give_logo())

    def test_admins_link_leads_to_it_for_those_who_may_see_rooms(self, give_logo, staff, colleague):
        room, admin = give_logo(), signed_in(staff)
        assert f'href="{room.logo.url}"' in page(admin, f"/admin/rooms/room/{room.pk}/change/")
        answer = admin.get(room.logo.url)
        assert (answer.status_code, answer["Content-Type"], answer.getvalue()) == (200, "image/png", png())
        assert signed_in(colleague).get(room.logo.url).status_code == 403
        assert Client().get(room.logo.url).status_code == 403

    def test_nothing_else_is_given_out(self, give_logo, staff):
        storages["default"].save("logos/forgotten.png", ContentFile(png()))
        for name in ("logos/forgotten.png", "logos/../logos/logo.png", "logos/none.png", "other/logo.png"):
            assert signed_in(staff).get(f"/media/{name}").status_code == 404


@pytest.mark.django_db
class TestInABucket:
    def test_it_is_sent(self, settings, bucket, give_logo):
        assert png() in told(settings, give_logo())

    def test_two_of_one_name_are_two(self, bucket, owner, give_logo):
        other = Room.objects.create(name="other", owner=owner)
        other.logo.save("logo.png", ContentFile(b"another"))
        give_logo()
        with other.logo.open() as stored:
            assert stored.read() == b"another"

    def test_admin_gives_a_link_that_ends(self, bucket, give_logo, staff):
        room = give_logo()
        assert "X-Amz-Expires" in room.logo.url
