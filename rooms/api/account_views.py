"""Signing in, who one is, and the keys of programs."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NoReturn

from django.contrib.auth import get_user_model, logout
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed, ErrorDetail, NotFound, PermissionDenied
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from rooms import logins, second_factor, sign_in_entries
from rooms.api.authentication import end_token, issue_token
from rooms.api.base import ApiView
from rooms.api.errors import BadRequest, TryAgain
from rooms.api.input import StrictCharField, StrictModelSerializer, read_body
from rooms.api.pagination import PageQuery, page_of
from rooms.api.schema import INVALID, SIGN_IN, StatusSerializer, answers
from rooms.api.throttling import LoginThrottle
from rooms.api.views import as_uuid
from rooms.models import ApiKey
from rooms.models.api_key import SCOPES

WRONG_PASSWORD = ErrorDetail("Invalid email or password", "invalid_credentials")
OTP_REQUIRED = ErrorDetail("This account has a second factor: send its code, too.", "otp_required")
WRONG_OTP = ErrorDetail("The code of the second factor is not right, or was used already.", "invalid_otp")
NO_SECOND_FACTOR = ErrorDetail(
    "Accounts of the staff need a second factor here: set it up on the page of the account.", "second_factor_required"
)
NO_KEY = ErrorDetail("Not Found", "api_key_not_found")
TOO_MANY_KEYS = ErrorDetail(f"There are {ApiKey.MOST} API keys already; delete one first.", "too_many_api_keys")


class KeysQuery(PageQuery):
    size = serializers.IntegerField(min_value=1, max_value=ApiKey.MOST, default=ApiKey.MOST)


@extend_schema_serializer(component_name="LoginRequest")
class CredentialsSerializer(serializers.Serializer[Any]):
    email = StrictCharField(max_length=254)
    password = StrictCharField(max_length=1000)
    otp = StrictCharField(
        max_length=second_factor.CODE_LENGTH,
        required=False,
        help_text="The code that the app of the second factor shows, or a recovery code, where the account has one.",
    )


@extend_schema_serializer(component_name="LoginResponse")
class AccessTokenSerializer(serializers.Serializer[Any]):
    access_token = serializers.CharField()
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds.")


@extend_schema_serializer(component_name="UserInfo")
class MeSerializer(serializers.Serializer[Any]):
    sub = serializers.CharField(help_text="The person's id.")
    email = serializers.CharField(allow_null=True)


@extend_schema_serializer(component_name="ApiKeyResponse")
class ApiKeySerializer(serializers.ModelSerializer[ApiKey]):
    user_id = serializers.CharField(read_only=True)
    scopes = serializers.ListField(child=serializers.ChoiceField(SCOPES), read_only=True)

    class Meta:
        model = ApiKey
        fields = ["id", "user_id", "name", "scopes", "created_at", "expires_at", "last_used_at"]
        read_only_fields = fields


@extend_schema_serializer(component_name="CreateApiKeyResponse")
class CreatedApiKeySerializer(ApiKeySerializer):
    key = serializers.CharField(help_text="Shown this once.")

    class Meta(ApiKeySerializer.Meta):
        fields = [*ApiKeySerializer.Meta.fields, "key"]


@extend_schema_serializer(component_name="CreateApiKeyRequest")
class CreateApiKeySerializer(StrictModelSerializer):
    scopes = serializers.ListField(
        child=serializers.ChoiceField(SCOPES),
        required=False,
        max_length=len(SCOPES),
        help_text="What it may be used for; none: for all that its user may do. Writing includes reading.",
    )
    expires_in_days = serializers.IntegerField(min_value=1, max_value=3650, required=False, allow_null=True)

    class Meta:
        model = ApiKey
        fields = ["name", "scopes", "expires_in_days"]
        extra_kwargs = {"name": {"allow_blank": False}}


class Login(ApiView):
    authentication_classes = []  # a stale token must not keep anybody from getting a new one
    throttle_classes = [LoginThrottle]

    @extend_schema(
        operation_id="v1_login",
        summary="A bearer token for e-mail and password",
        request=CredentialsSerializer,
        responses=answers(
            AccessTokenSerializer,
            e401="`invalid_credentials`; or `otp_required` and `invalid_otp`, where the account has a second factor",
            e403=NO_SECOND_FACTOR,
            e422=INVALID,
            e429=logins.TOO_MANY,
        ),
    )
    def post(self, request: Request) -> Response:
        credentials = read_body(request, CredentialsSerializer).validated_data
        try:
            user = logins.log_in(request._request, credentials["email"], credentials["password"])
            if user is None:
                raise AuthenticationFailed(WRONG_PASSWORD)
            how = self._check_second_factor(request._request, user, credentials.get("otp"))
        except logins.TooManyAttempts as error:
            self.throttled(request, error.seconds_left)
        token, seconds = issue_token(user)
        sign_in_entries.signed_in(request._request, user, how)
        return Response({"access_token": token, "token_type": "bearer", "expires_in": seconds})

    def _check_second_factor(self, request: HttpRequest, user: Any, code: str | None) -> str:
        """How the user signs in."""
        if not second_factor.is_on(user):
            if second_factor.is_required(user):
                raise PermissionDenied(NO_SECOND_FACTOR)
            return sign_in_entries.PASSWORD
        if code is None:
            raise AuthenticationFailed(OTP_REQUIRED)
        if not second_factor.check(request, user, code):
            raise AuthenticationFailed(WRONG_OTP)
        return sign_in_entries.CODE

    def get_authenticate_header(self, request: Request) -> str:
        return "Bearer"

    def throttled(self, request: Request, wait: float | None) -> NoReturn:
        raise TryAgain(ErrorDetail(logins.TOO_MANY, "too_many_logins"), wait, status_code=429)


class Logout(ApiView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="v1_logout",
        summary="End the bearer token, or the session, that this is asked with",
        description="API keys stay: delete those that are not wanted any more.",
        request=None,
        responses=answers(StatusSerializer, e401=SIGN_IN),
    )
    def post(self, request: Request) -> Response:
        end_token(request)
        sign_in_entries.signed_out(request._request, request.user)
        logout(request._request)
        return Response({"status": "ok"})


class Me(ApiView):
    @extend_schema(
        operation_id="v1_user_me",
        summary="Who is signed in; null for nobody",
        responses=answers(MeSerializer(allow_null=True)),
    )
    def get(self, request: Request) -> Response | JsonResponse:
        if not request.user.is_authenticated:
            return JsonResponse(None, safe=False)  # REST framework would answer with an empty body
        return Response({"sub": str(request.user.pk), "email": request.user.email or None})


def keys_of(user: Any) -> QuerySet[ApiKey]:
    return ApiKey.objects.filter(user=user)


def make_key(user: Any, name: str | None, scopes: Iterable[str], expires_at: datetime | None) -> tuple[ApiKey, str]:
    """The key itself is shown once. Raises BadRequest where there are too many."""
    with transaction.atomic():
        # Locked, so that of requests made at once none goes past the limit.
        get_user_model().objects.select_for_update().get(pk=user.pk)
        if keys_of(user).count() >= ApiKey.MOST:
            raise BadRequest(TOO_MANY_KEYS)
        return ApiKey.issue(user, name, scopes, expires_at)


class ApiKeyList(ApiView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="v1_list_api_keys",
        summary="Own API keys, newest first, without the keys themselves",
        description="A plain list. There are more than one page of it only for accounts whose keys are older than the "
        f"limit of {ApiKey.MOST}.",
        parameters=[KeysQuery],
        responses=answers(ApiKeySerializer(many=True), e401=SIGN_IN, e422=INVALID),
    )
    def get(self, request: Request) -> Response:
        keys = page_of(keys_of(request.user), request, KeysQuery)["items"]
        return Response(ApiKeySerializer(keys, many=True).data)

    @extend_schema(
        operation_id="v1_create_api_key",
        summary="Create an API key; it is shown this once",
        request=CreateApiKeySerializer,
        responses=answers(CreatedApiKeySerializer, e400=TOO_MANY_KEYS, e401=SIGN_IN, e422=INVALID),
    )
    def post(self, request: Request) -> Response:
        wanted = read_body(request, CreateApiKeySerializer).validated_data
        days = wanted.get("expires_in_days")
        expires_at = timezone.now() + timedelta(days=days) if days else None
        api_key, key = make_key(request.user, wanted.get("name"), wanted.get("scopes", ()), expires_at)
        return Response(ApiKeySerializer(api_key).data | {"key": key})


class ApiKeyDetail(ApiView):
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="v1_delete_api_key",
        summary="Delete an own API key",
        responses=answers(StatusSerializer, e401=SIGN_IN, e404=NO_KEY),
    )
    def delete(self, request: Request, key_id: str) -> Response:
        deleted, _ = keys_of(request.user).filter(pk=as_uuid(key_id, NO_KEY)).delete()
        if not deleted:
            raise NotFound(NO_KEY)
        return Response({"status": "ok"})
