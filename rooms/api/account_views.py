"""Signing in, who one is, and the keys of programs."""

from typing import Any, NoReturn

from django.contrib.auth import authenticate, get_user_model
from django.db.models import QuerySet
from django.http import JsonResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed, NotFound
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from rooms.api.authentication import issue_token
from rooms.api.base import ApiView
from rooms.api.errors import TryAgain
from rooms.api.input import StrictModelSerializer, Text, read_body
from rooms.api.schema import INVALID, SIGN_IN, StatusSerializer, answers
from rooms.api.throttling import LoginThrottle
from rooms.api.views import as_uuid
from rooms.models import ApiKey

SAME_EMAIL_LIMIT = 5  # accounts that are tried; each costs a slow hash


class CredentialsSerializer(serializers.Serializer[Any]):
    email = Text(max_length=254)
    password = Text(max_length=1000)


class AccessTokenSerializer(serializers.Serializer[Any]):
    access_token = serializers.CharField()
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds.")


class MeSerializer(serializers.Serializer[Any]):
    sub = serializers.CharField(help_text="The person's id.")
    email = serializers.CharField(allow_null=True)


class ApiKeySerializer(serializers.ModelSerializer[ApiKey]):
    user_id = serializers.CharField(read_only=True)

    class Meta:
        model = ApiKey
        fields = ["id", "user_id", "name", "created_at"]
        read_only_fields = fields


class CreatedApiKeySerializer(ApiKeySerializer):
    key = serializers.CharField(help_text="Shown this once.")

    class Meta(ApiKeySerializer.Meta):
        fields = [*ApiKeySerializer.Meta.fields, "key"]


class CreateApiKeySerializer(StrictModelSerializer):
    class Meta:
        model = ApiKey
        fields = ["name"]
        extra_kwargs = {"name": {"allow_blank": False}}


class Login(ApiView):
    authentication_classes = []  # a stale token must not keep anybody from getting a new one
    throttle_classes = [LoginThrottle]

    @extend_schema(
        operation_id="auth_login",
        summary="A bearer token for e-mail and password",
        request=CredentialsSerializer,
        responses=answers(
            AccessTokenSerializer,
            e401="Invalid email or password",
            e422=INVALID,
            e429="Too many login attempts. Try again later.",
        ),
    )
    def post(self, request: Request) -> Response:
        credentials = read_body(request, CredentialsSerializer).validated_data
        user = user_with(request, credentials["email"], credentials["password"])
        if user is None:
            raise AuthenticationFailed("Invalid email or password")
        token, seconds = issue_token(user)
        return Response({"access_token": token, "token_type": "bearer", "expires_in": seconds})

    def get_authenticate_header(self, request: Request) -> str:
        return "Bearer"

    def throttled(self, request: Request, wait: float | None) -> NoReturn:
        raise TryAgain("Too many login attempts. Try again later.", wait, status_code=429)


def user_with(request: Request, email: str, password: str) -> Any:
    """Several accounts may have one address. For an unknown address just as much is computed as for a known one."""
    users = get_user_model().objects.filter(email__iexact=email, is_active=True).order_by("pk")
    usernames = [user.get_username() for user in users[:SAME_EMAIL_LIMIT]] or [email]
    for username in usernames:
        if user := authenticate(request._request, username=username, password=password):
            return user
    return None


class Me(ApiView):
    @extend_schema(
        operation_id="me", summary="Who is signed in; null for nobody", responses=answers(MeSerializer(allow_null=True))
    )
    def get(self, request: Request) -> Response | JsonResponse:
        if not request.user.is_authenticated:
            return JsonResponse(None, safe=False)  # REST framework would answer with an empty body
        return Response({"sub": str(request.user.pk), "email": request.user.email or None})


def keys_of(user: Any) -> QuerySet[ApiKey]:
    return ApiKey.objects.filter(user=user)


class ApiKeyList(ApiView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="api_keys_list",
        summary="Own API keys, without the keys themselves",
        responses=answers(ApiKeySerializer(many=True), e401=SIGN_IN),
    )
    def get(self, request: Request) -> Response:
        return Response(ApiKeySerializer(keys_of(request.user), many=True).data)

    @extend_schema(
        operation_id="api_keys_create",
        summary="Create an API key; it is shown this once",
        request=CreateApiKeySerializer,
        responses=answers(CreatedApiKeySerializer, e401=SIGN_IN, e422=INVALID),
    )
    def post(self, request: Request) -> Response:
        name = read_body(request, CreateApiKeySerializer).validated_data.get("name")
        api_key, key = ApiKey.issue(request.user, name)
        return Response(ApiKeySerializer(api_key).data | {"key": key})


class ApiKeyDetail(ApiView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="api_keys_delete",
        summary="Delete an own API key",
        responses=answers(StatusSerializer, e401=SIGN_IN, e404="Not Found"),
    )
    def delete(self, request: Request, key_id: str) -> Response:
        deleted, _ = keys_of(request.user).filter(pk=as_uuid(key_id, "Not Found")).delete()
        if not deleted:
            raise NotFound("Not Found")
        return Response({"status": "ok"})
