"""What the web server makes of requests, which Django's own test client never shows."""

import requests

from tests.live import running_product


def test_a_connection_serves_on_whatever_the_views_left_unread(tmp_path):
    with running_product(tmp_path) as product:
        address, _ = product.servers[0]
        with requests.Session() as session:
            statuses = [session.post(f"{address}/v1/nothing", data=b"x" * 250_000).status_code for _ in range(60)]
    assert statuses == [404] * 60
