from rooms.models.api_key import ApiKey
from rooms.models.calendar import CalendarEvent, CalendarSync
from rooms.models.change import Change
from rooms.models.chosen_language import ChosenLanguage
from rooms.models.invitation import Invitation
from rooms.models.outside_account import OutsideAccount
from rooms.models.rollout import Rollout
from rooms.models.room import FormerName, Room, RoomQuerySet
from rooms.models.sign_in import EndedToken, LoginAttempts
from rooms.models.signed_in_browser import SignedInBrowser
from rooms.models.webhook import Webhook, WebhookDelivery

__all__ = [
    "ApiKey",
    "CalendarEvent",
    "CalendarSync",
    "Change",
    "ChosenLanguage",
    "EndedToken",
    "FormerName",
    "Invitation",
    "LoginAttempts",
    "OutsideAccount",
    "Rollout",
    "Room",
    "RoomQuerySet",
    "SignedInBrowser",
    "Webhook",
    "WebhookDelivery",
]
