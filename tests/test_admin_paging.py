"""Lists in Admin count rows up to a bound, and say so beyond it."""

import pytest
from django.utils import timezone

from meetings.models import Meeting
from platforms import listing
from platforms.admin import searching
from recordings.models import Recording, Transcript
from rooms.models import Room

ROOMS = "/admin/rooms/room/"


@pytest.fixture
def look(client, staff, owner, monkeypatch):
    monkeypatch.setattr(listing, "COUNTED", 150)
    monkeypatch.setattr("platforms.admin.input.COUNTED", 150)
    client.force_login(staff)

    def look(rooms, query=""):
        Room.objects.bulk_create(Room(name=f"room-{number:03}", owner=owner) for number in range(rooms))
        return client.get(f"{ROOMS}{query}")

    return look


def test_more_rows_than_are_counted_are_said_to_be_more(look):
    answer = look(160)
    html = answer.content.decode()
    assert "more than 150 rooms" in html
    assert "Select all rooms, also those that are not counted" in html
    assert answer.context["cl"].paginator.num_pages == 2


def test_fewer_are_counted_exactly(look):
    html = look(120).content.decode()
    assert "120 rooms" in html
    assert "more than" not in html
    assert "Select all 120 rooms" in html


def test_a_search_among_more_says_where_it_looked(look):
    html = look(160, "?q=room").content.decode()
    assert "150 found. Parts of words were looked for in the newest 150." in html


def test_whole_names_that_are_too_many_are_said_to_be_more(look):
    assert "More than 150 found." in look(160, "?q=owner").content.decode()


def test_more_rows_than_are_counted_are_sorted_by_their_age_alone(look, client):
    shown = look(150).context["cl"].list_display
    name, age = shown.index("name"), shown.index("created_at")
    assert "room-000" in str(client.get(f"{ROOMS}?o={name}").context["cl"].result_list[0])
    look(0, f"?o={name}")
    Room.objects.create(name="another", owner=Room.objects.first().owner)
    assert client.get(f"{ROOMS}?o={name}").context["cl"].result_list[0].name == "another"  # the newest
    answer = client.get(f"{ROOMS}?o={age}")
    assert answer.context["cl"].result_list[0].name.startswith("room-")
    assert answer.content.decode().count('class="sortoptions"') == 1


def test_an_action_for_all_takes_in_those_that_are_not_counted(look, client):
    look(160)
    chosen = {"action": "delete_selected", "select_across": "1", "_selected_action": str(Room.objects.first().pk)}
    assert b"160" in client.post(ROOMS, chosen).content


class TestSearch:
    """Of more rows than are counted, parts of words are looked for among the newest only."""

    @pytest.fixture
    def found(self, client, staff, monkeypatch):
        monkeypatch.setattr(listing, "COUNTED", 3)
        monkeypatch.setattr("platforms.admin.input.COUNTED", 3)
        client.force_login(staff)

        def found(kind, words):
            answer = client.get(f"/admin/{kind}/", {"q": words})
            cl = answer.context["cl"]
            assert ("looked for in the newest 3" in answer.content.decode()) == (cl.searched == 3)
            return [str(row.pk) for row in cl.result_list]

        return found

    @pytest.fixture
    def rows(self, owner, colleague):
        """The oldest first, of each kind; each room has another owner than the next."""
        rows = {"rooms/room": [], "meetings/meeting": [], "recordings/recording": [], "recordings/transcript": []}
        for number in range(5):
            person = (owner, colleague)[number % 2]
            room = Room.objects.create(name=f"room-{number}", owner=person, platform="mock")
            names = {"platform": "mock", "provider_meeting_id": f"id-{number}", "room_name": f"/Provider-{number}"}
            times = {"start_date": timezone.now(), "end_date": timezone.now()}
            meeting = Meeting.objects.create(room=room, room_label=room.name, state="ended", **names, **times)
            names = {"platform": "mock", "provider_recording_id": f"rec-{number}", "room_name": f"provider-{number}"}
            recording = Recording.objects.create(meeting=meeting, key=f"key-{number}", **names)
            transcript = Transcript.objects.create(recording=recording, room=room, user=person, name=f"Talk {number}")
            for kind, row in zip(rows, (room, meeting, recording, transcript), strict=True):
                rows[kind].append(str(row.pk))
        return rows

    @pytest.mark.parametrize(
        ("kind", "words"),
        [
            ("rooms/room", "oom"),
            ("meetings/meeting", "oom"),
            ("recordings/recording", "rec-"),
            ("recordings/recording", "oom"),  # which stands in its meeting
            ("recordings/transcript", "alk"),
            ("recordings/transcript", "oom"),
            ("recordings/transcript", "oom alk"),
        ],
    )
    def test_parts_are_found_among_the_newest(self, rows, found, kind, words):
        assert found(kind, words) == rows[kind][:1:-1]

    @pytest.mark.parametrize(
        ("kind", "words"),
        [
            ("rooms/room", "Room-0"),
            ("meetings/meeting", "room-0"),
            ("meetings/meeting", "id-0"),
            ("meetings/meeting", "Provider-0"),
            ("recordings/recording", "room-0"),
            ("recordings/recording", "rec-0"),
            ("recordings/recording", "provider-0"),
            ("recordings/transcript", "room-0"),
        ],
    )
    def test_whole_names_are_found_among_all(self, rows, found, kind, words):
        assert found(kind, words) == rows[kind][:1]

    @pytest.mark.parametrize(("words", "count"), [('"alk 4"', 1), ("alk 4", 1), ('"4 alk"', 0), ("4 alk", 1)])
    def test_what_is_in_quotes_is_one_word(self, rows, found, words, count):
        assert len(found("recordings/transcript", words)) == count

    def test_more_than_a_few_are_found_alike(self, rows, found, monkeypatch):
        monkeypatch.setattr(searching, "FEW", 2)
        for kind, words, expected in [("meetings/meeting", "oom", [4, 3, 2]), ("rooms/room", "owner", [4, 2, 0])]:
            assert found(kind, words) == [rows[kind][number] for number in expected]

    @pytest.mark.parametrize("kind", ["rooms/room", "recordings/transcript"])
    @pytest.mark.parametrize("words", ["owner", "OWNER@example.com"])
    def test_so_are_those_of_a_person(self, rows, found, kind, words):
        assert found(kind, words) == rows[kind][::-2]

    def test_of_no_more_than_that_all_are_looked_through(self, rows, found, monkeypatch):
        monkeypatch.setattr(listing, "COUNTED", 5)
        assert found("rooms/room", "oom-0") == rows["rooms/room"][:1]
