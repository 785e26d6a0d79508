"""Asking a language model, at any service that has OpenAI's /chat/completions.

https://platform.openai.com/docs/api-reference/chat/create
"""

import json
import logging
from collections.abc import Mapping
from functools import cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from jsonschema import Draft202012Validator, ValidationError

from platforms.exceptions import PlatformRejected, PlatformUnavailable
from platforms.http.client import Limits, ProviderAPI

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_SECONDS = 10.0
LONGEST_WAIT_SECONDS = 30.0  # that are waited when the service asks for it; for more the whole job is put off
ANSWER_TOKENS = 8000
PATH = "/chat/completions"
AGAIN = "That is not what was asked for: {why}. Answer again, with the JSON object only."

Message = dict[str, str]


class NotUnderstood(ValueError):
    """What is wrong with an answer, for the model to read; `told` quotes nothing of it, as people who may not read the
    transcript read logs and Admin.
    """

    def __init__(self, why: str, told: str = "") -> None:
        super().__init__(why)
        self.told = told or why


class ChatModel:
    """`timeout` is in seconds, for one answer; not every service needs an `api_key`."""

    def __init__(self, api_url: str, model: str, api_key: str = "", timeout: float = 120) -> None:
        self.model = model
        self.timeout = timeout
        self._api = ProviderAPI("", "The language model", api_url, api_key, limits=self._limits)
        # Some services do not know it: they are asked without, and their answers are checked just the same.
        self._takes_format = True

    def ask(self, task: str, about: str, schema: Mapping[str, Any]) -> dict[str, Any]:
        """An object that the JSON schema allows. An answer that it does not allow is asked for once more.

        Raises PlatformUnavailable, and PlatformRejected where the service refuses or both answers are of no use.
        """
        messages = [{"role": "system", "content": task}, {"role": "user", "content": about}]
        said = self._complete(messages, schema)
        try:
            return understood(said, schema)
        except NotUnderstood as error:
            logger.info("language_model_asked_again model=%s", self.model)
            messages += [{"role": "assistant", "content": said}, {"role": "user", "content": AGAIN.format(why=error)}]
        try:
            return understood(self._complete(messages, schema), schema)
        except NotUnderstood as error:
            raise PlatformRejected(f"The language model's answer could not be used: {error.told}.") from None

    def _complete(self, messages: list[Message], schema: Mapping[str, Any]) -> str:
        try:
            answer = self._post(messages, schema)
        except PlatformRejected as error:
            if not self._takes_format or error.status not in {400, 422} or "response_format" not in str(error):
                raise
            self._takes_format = False
            answer = self._post(messages, schema)
        try:
            content = answer["choices"][0]["message"]["content"]
        except (LookupError, TypeError):
            content = None
        if not isinstance(content, str):
            raise PlatformUnavailable("The language model answered without a text.")
        return content

    def _post(self, messages: list[Message], schema: Mapping[str, Any]) -> Any:
        body: dict[str, Any] = {"model": self.model, "messages": messages, "max_completion_tokens": ANSWER_TOKENS}
        if self._takes_format:
            asked_for = {"name": "answer", "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": asked_for}
        return self._api.post(PATH, body, repeatable=True)

    def _limits(self) -> Limits:
        return Limits(CONNECT_TIMEOUT_SECONDS, self.timeout, self.timeout * 2, LONGEST_WAIT_SECONDS)


def understood(said: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The object in an answer, around which models like to talk. Raises NotUnderstood."""
    start, end = said.find("{"), said.rfind("}")
    try:
        found: dict[str, Any] = json.loads(said[start : end + 1])
    except (ValueError, RecursionError):
        raise NotUnderstood("it holds no JSON object, or one that is cut off") from None
    try:
        Draft202012Validator(schema).validate(found)
    except ValidationError as error:
        told = f"{error.json_path} breaks the rule {error.validator!r}"
        raise NotUnderstood(f"{error.json_path}: {error.message[:200]}", told) from None
    return found


@cache
def language_model() -> ChatModel | None:
    """The process's own; None where no language model is set."""
    return ChatModel(**settings.LANGUAGE_MODEL) if settings.LANGUAGE_MODEL else None


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == "LANGUAGE_MODEL":
        language_model.cache_clear()


setting_changed.connect(_forget)
