"""Holds every answer that a test gets from the API to docs/openapi.yaml, and tells which operations no test called.

An answer may hold nothing that the document does not name: its objects are taken as closed here.
"""

import copy
import json
import re
from collections import Counter
from functools import cache
from pathlib import Path

import jsonschema
import pytest
import yaml

from platforms.webhooks.urls import webhook_routes

FILE = Path(__file__).parents[2] / "docs" / "openapi.yaml"
# Of any operation: what says that the request, or the server, is not as it should be.
ANYWHERE = {405, 408, 413, 415, 500, 507}
# Files that are had by a secret link, and the document itself.
OUTSIDE = re.compile(r"/v1/(schema|recordings/files/|rooms/[^/]+/calendar\.ics$)")
called: Counter[str] = Counter()


class CheckAnswers:
    """A middleware that fails a test whose answer is not as the document says."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        is_of_api = request.path.startswith("/v1/") and not OUTSIDE.match(request.path)
        if is_of_api and request.method != "OPTIONS" and request.path not in webhook_routes():
            check(request.method.lower(), request.path, response)
        return response


def check(method, path, response):
    operation = find_operation(method, path)
    status = str(response.status_code)
    if operation is None:
        assert response.status_code >= 300, f"{method} {path} answers {status} and is not documented"
        return
    called[operation["operationId"]] += 1
    if response.status_code in ANYWHERE or method == "head":
        return
    told = operation["responses"].get(status)
    assert told is not None, f"{operation['operationId']} does not document status {status}: {response.content[:300]}"
    if response.streaming or "application/json" not in told.get("content", {}):
        return
    problems = list(validator(operation["operationId"], status).iter_errors(json.loads(response.content)))
    said = "; ".join(f"{'.'.join(map(str, problem.absolute_path))}: {problem.message[:300]}" for problem in problems)
    assert not problems, f"{operation['operationId']} {status} is not as documented: {said}"


@cache
def document():
    return yaml.load(FILE.read_text(), yaml.CSafeLoader)  # as safe as safe_load, and ten times as fast


@cache
def operations():
    """Those with the most literal paths first, as the URL configuration finds them."""
    found = []
    for template, methods in document()["paths"].items():
        pattern = re.compile(re.sub(r"\\{[^}]+\\}", "[^/]+", re.escape(template)) + "$")
        found.append((template.count("{"), pattern, methods))
    return sorted(found, key=lambda entry: entry[0])


def find_operation(method, path):
    for _, pattern, methods in operations():
        if pattern.match(path):
            return methods.get("get" if method == "head" and "head" not in methods else method)
    return None


@cache
def components():
    closed = copy.deepcopy(document()["components"])
    for schema in closed["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return closed


@cache
def validator(operation_id, status):
    operation = next(o for methods in document()["paths"].values() for o in methods.values() if ids(o) == operation_id)
    schema = operation["responses"][status]["content"]["application/json"]["schema"]
    checker = jsonschema.FormatChecker(["uuid"])
    return jsonschema.Draft202012Validator({**schema, "components": components()}, format_checker=checker)


def ids(operation):
    return operation.get("operationId") if isinstance(operation, dict) else None


def not_called():
    known = {ids(operation) for methods in document()["paths"].values() for operation in methods.values()}
    return sorted(known - {None} - called.keys())


# What runs with other processes is told by each of them when it ends.


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["called"] = dict(called)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    called.update(getattr(node, "workeroutput", {}).get("called", {}))


def pytest_terminal_summary(terminalreporter, config):
    is_whole_suite = config.args == config.getini("testpaths")
    if is_whole_suite and called:
        missing = not_called()
        terminalreporter.write_line(f"Operations of the API that no test called: {', '.join(missing) or 'none'}")
