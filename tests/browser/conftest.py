import pytest

from tests.browser.chromium import chromium
from tests.browser.product import served_product


@pytest.fixture(scope="session")
def product(tmp_path_factory):
    with served_product(tmp_path_factory.mktemp("product")) as product:
        yield product


@pytest.fixture(scope="session")
def browser():
    with chromium() as browser:
        yield browser
