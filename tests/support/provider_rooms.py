"""Who is in which room of which provider, answered over loopback in the providers' own words."""

from contextlib import contextmanager
from datetime import UTC
from urllib.parse import unquote

from platforms.sandbox.wire.deliveries import Visit
from tests.support import daily, whereby_provider
from tests.support.deliveries import SECRETS
from tests.support.stub_provider import Answer, StubProvider


class ProviderRooms:
    """`people[room_name]` are in; the rest is what the two providers make of it.

    One insists on two people for a session, whose id is made of the room's name here; the other tells of everybody.
    """

    def __init__(self, stub):
        self.stub = stub
        self.people = {}
        self.ends = {}  # room name -> Unix seconds, where a room was extended
        stub.on("GET", "/daily/presence", lambda request: Answer(200, self._daily_everybody()))
        stub.on("GET", "/daily/rooms/*", self._daily_room)
        stub.on("POST", "/daily/rooms/*", self._daily_update)
        stub.on("DELETE", "/daily/rooms/*", Answer(200, {"deleted": True}))
        stub.on("DELETE", "/whereby/meetings/*", Answer(204))
        stub.on("GET", "/whereby/insights/room-sessions", self._whereby_sessions)
        stub.on("GET", "/whereby/insights/participants", self._whereby_participants)

    def enter(self, room_name, session_id, joined_at, name=""):
        self.people.setdefault(room_name.strip("/"), {})[session_id] = Visit(session_id, joined_at, name)

    def leave(self, room_name, session_id):
        return self.people[room_name.strip("/")].pop(session_id)

    def platforms(self, **options):
        """The VIDEO_PLATFORMS setting that leads here."""
        both = {"api_key": "key", **options}
        return {
            "daily": {
                "BACKEND": "platforms.backends.daily.DailyClient",
                "OPTIONS": {"api_url": f"{self.stub.url}/daily", "webhook_secrets": [daily.SECRET], **both},
            },
            "whereby": {
                "BACKEND": "platforms.backends.whereby.WherebyClient",
                "OPTIONS": {
                    "api_url": f"{self.stub.url}/whereby",
                    "webhook_secrets": [whereby_provider.SECRET],
                    **both,
                },
            },
            "mock": {
                "BACKEND": "platforms.backends.mock.MockClient",
                "OPTIONS": {"webhook_secrets": [SECRETS["mock"]]},
            },
        }

    def asked(self, path):
        return len(self.stub.sent("GET", path))

    def _in(self, room_name):
        return list(self.people.get(room_name.strip("/"), {}).values())

    def _daily_people(self, room_name):
        return [
            {
                "room": room_name,
                "id": person.session_id,
                "userId": None,
                "userName": person.name or None,
                "joinTime": iso(person.joined_at),
                "duration": 42,
            }
            for person in self._in(room_name)
        ]

    def _daily_everybody(self):
        return {room_name: self._daily_people(room_name) for room_name, people in self.people.items() if people}

    def _daily_room(self, request):
        room_name = unquote(request.path.split("/")[3])
        people = self._daily_people(room_name)
        return Answer(200, {"total_count": len(people), "data": people})

    def _daily_update(self, request):
        room_name = unquote(request.path.split("/")[3])
        self.ends[room_name] = request.json["properties"]["exp"]
        return Answer(200, {"name": room_name})

    def _whereby_sessions(self, request):
        (room_name,) = request.query["roomName"]
        people = self._in(room_name)
        session = {"roomSessionId": f"session-of-{room_name.strip('/')}", "roomName": room_name, "endedAt": None}
        found = [session | {"startedAt": iso(min(p.joined_at for p in people))}] if len(people) >= 2 else []
        return Answer(200, {"results": found, "cursor": None})

    def _whereby_participants(self, request):
        (session_id,) = request.query["roomSessionId"]
        people = [
            {
                "roomSessionId": session_id,
                "participantId": person.session_id,
                "displayName": person.name,
                "roleName": "visitor",
                "joinedAt": iso(person.joined_at),
                "leftAt": None,
            }
            for person in self._in(session_id.removeprefix("session-of-"))
        ]
        return Answer(200, {"results": people, "cursor": None})


@contextmanager
def provider_rooms():
    with StubProvider() as stub:
        yield ProviderRooms(stub)


def iso(moment):
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
