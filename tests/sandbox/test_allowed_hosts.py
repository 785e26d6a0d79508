"""What websites in a browser on the same machine can do to the sandbox: show its pages, and nothing else."""

import pytest
import requests

from platforms.sandbox.server import running_sandbox
from platforms.sandbox.web.allowed_hosts import AllowedHosts
from tests.browser.chromium import chromium

ELSEWHERE = "https://elsewhere.example"
OF_ANOTHER_SITE = [
    {"Origin": ELSEWHERE},
    {"Origin": "null"},
    {"Origin": ELSEWHERE, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"},
    {"Origin": "http://localhost:8000", "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    {"Host": "elsewhere.example:9100"},
    {"Host": "elsewhere.example:9100", "Sec-Fetch-Site": "same-origin"},
    {"Host": "[nonsense"},
]


@pytest.fixture(scope="module")
def sandbox():
    with running_sandbox() as sandbox:
        sandbox.storage.client("s3").put_object(Bucket="sandbox-whereby", Key="recording.mp4", Body=b"voices")
        yield sandbox


def status(method, url, headers):
    return requests.request(method, url, headers=headers, timeout=10).status_code


@pytest.mark.parametrize("headers", OF_ANOTHER_SITE, ids=str)
def test_another_sites_page_cannot_do_anything(sandbox, headers):
    for method, path in (
        ("GET", "/controls.json"),
        ("POST", "/controls/daily"),
        ("DELETE", "/controls"),
        ("PUT", "/controls/daily/webhook"),
        ("POST", "/mock/standup/api/join"),
        ("OPTIONS", "/daily/v1/rooms"),
    ):
        assert status(method, sandbox.url + path, headers) == 403


@pytest.mark.parametrize("headers", OF_ANOTHER_SITE, ids=str)
def test_nor_read_or_empty_the_storage(sandbox, headers):
    for method, path in (
        ("GET", "/sandbox-whereby?list-type=2"),
        ("POST", "/moto-api/reset"),
        ("OPTIONS", "/sandbox-whereby/recording.mp4"),
    ):
        answer = requests.request(method, sandbox.storage_url + path, headers=headers, timeout=10)
        assert answer.status_code == 403
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert sandbox.storage.client("s3").head_object(Bucket="sandbox-whereby", Key="recording.mp4")


def test_a_form_of_another_site_leads_nowhere(sandbox):
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert status("POST", f"{sandbox.url}/controls/reset", headers) == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
    ],
    ids=str,
)
def test_its_own_pages_and_those_who_come_by_a_link_are_let_in(sandbox, headers):
    assert status("GET", f"{sandbox.url}/controls", headers) == 200
    own = sandbox.url.replace("localhost", "127.0.0.1")
    assert status("GET", f"{own}/controls", {**headers, **({"Origin": own} if not headers else {})}) == 200


@pytest.mark.parametrize(
    ("host", "asked_for", "is_open"),
    [
        ("0.0.0.0", "sandbox.example:9100", True),  # noqa: S104
        ("::", "sandbox.example", True),
        ("10.1.2.3", "10.1.2.3:9100", True),
        ("127.0.0.1", "[::1]:9100", True),
        ("127.0.0.1", "acme.daily.co", True),
        ("127.0.0.1", "localhost.elsewhere.example", False),
        ("127.0.0.1", "", False),
    ],
)
def test_it_goes_by_the_names_that_it_has(host, asked_for, is_open):
    let_in = []
    guarded = AllowedHosts(lambda environ, start: let_in.append(True) or [b""], host, ["https://acme.daily.co"])
    guarded({"HTTP_HOST": asked_for, "REQUEST_METHOD": "GET"}, lambda *answer: None)
    assert bool(let_in) == is_open


@pytest.mark.browser
def test_a_browser_tells_which_site_a_form_is_of(sandbox):
    sandbox.faults["mock"].change({"failing_calls": 3})
    with chromium() as browser:
        page = browser.new_page()
        page.set_content(f'<form method="post" action="{sandbox.url}/controls/reset"><button>Go</button></form>')
        with page.expect_navigation() as refused:
            page.get_by_role("button").click()
        assert refused.value.status == 403
        assert sandbox.faults["mock"].failing_calls == 3
        page.goto(f"{sandbox.url}/controls")
        with page.expect_navigation() as done:
            page.get_by_role("button", name="Make everything well again").click()
        assert done.value.status == 200
        assert sandbox.faults["mock"].failing_calls == 0
