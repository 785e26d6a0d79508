"""How often somebody may try to log in from one address and at one account, by API, page and Admin together."""

import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.test import RequestFactory
from django.utils import timezone

from platforms.limits.callers import network_of
from rooms import logins
from rooms.models import LoginAttempts
from tests.conftest import api_for, error, make_user
from tests.support.live import ADMIN, running_product

LOGIN = "/v1/auth/login"
PASSWORD = "correct horse battery"
WRONG = 401
REFUSED = 429


def log_in(email="owner@example.com", password=PASSWORD, **headers):
    return api_for().post(LOGIN, {"email": email, "password": password}, **headers)


def statuses(count, **credentials):
    return [log_in(**credentials).status_code for _ in range(count)]


def at_once(count, attempt):
    def attempt_and_leave(number):
        try:
            return attempt(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as callers:
        return list(callers.map(attempt_and_leave, range(count)))


def network(peer="203.0.113.1", **headers):
    request = RequestFactory(REMOTE_ADDR=peer, headers=headers).get("/")
    return network_of(request)


class TestFromOneAddress:
    def test_the_eleventh_attempt_is_refused_whoever_it_is_for(self, owner):
        others = [log_in(f"nobody-{number}@example.com").status_code for number in range(10)]
        assert others == [WRONG] * 10
        answer = log_in()
        assert answer.status_code == REFUSED
        assert answer.json() == error("Too many login attempts. Try again later.")
        assert 1 <= int(answer["Retry-After"]) <= 300

    def test_another_address_may_still_try(self, owner):
        for number in range(11):
            log_in(f"nobody-{number}@example.com")
        assert log_in(REMOTE_ADDR="192.0.2.7").status_code == 200

    def test_a_header_that_no_trusted_proxy_set_does_not_help(self, owner):
        for number in range(10):
            log_in(f"nobody-{number}@example.com", HTTP_X_FORWARDED_FOR=f"192.0.2.{number}")
        assert log_in(HTTP_X_FORWARDED_FOR="192.0.2.77").status_code == REFUSED

    def test_a_port_that_the_proxy_adds_does_not_help(self, owner, settings):
        settings.TRUSTED_PROXIES = 1
        tries = [
            log_in(f"nobody-{number}@example.com", HTTP_X_FORWARDED_FOR=f"198.51.100.8:{40000 + number}").status_code
            for number in range(12)
        ]
        assert tries == [WRONG] * 10 + [REFUSED] * 2

    def test_the_addresses_of_one_ipv6_network_are_one(self, owner):
        tries = [
            log_in(f"nobody-{number}@example.com", REMOTE_ADDR=f"2001:db8:1:2::{number:x}").status_code
            for number in range(1, 13)
        ]
        assert tries == [WRONG] * 10 + [REFUSED] * 2
        assert log_in(REMOTE_ADDR="2001:db8:1:3::1").status_code == 200

    @pytest.mark.django_db(transaction=True)
    def test_attempts_made_at_once_are_all_counted(self):
        tries = at_once(30, lambda _: api_for().post(LOGIN, {}).status_code)  # refused before a password is looked at
        assert sorted(tries) == [422] * 10 + [REFUSED] * 20

    def test_when_the_time_is_over_one_may_try_again(self, owner):
        for number in range(11):
            log_in(f"nobody-{number}@example.com")
        LoginAttempts.objects.update(since=timezone.now() - logins.WINDOW)
        assert log_in().status_code == 200


class TestAtOneAccount:
    def test_the_sixth_attempt_is_refused_wherever_it_comes_from(self, owner):
        tries = [log_in(password="wrong", REMOTE_ADDR=f"192.0.2.{number}").status_code for number in range(8)]
        assert tries == [WRONG] * 5 + [REFUSED] * 3
        answer = log_in(REMOTE_ADDR="192.0.2.99")
        assert (answer.status_code, answer.json()["detail"]) == (REFUSED, logins.TOO_MANY)
        assert 1 <= int(answer["Retry-After"]) <= 300

    def test_all_its_names_are_counted_together(self, owner):
        for name in ("owner@example.com", "OWNER@example.com", "owner", "owner@Example.com", "owner"):
            assert log_in(name, "wrong").status_code == WRONG
        assert statuses(1) == statuses(1, email="owner") == [REFUSED]

    def test_a_name_that_is_not_known_is_answered_alike(self, db):
        assert statuses(6, email="nobody@example.com") == [WRONG] * 5 + [REFUSED]

    def test_others_are_not_kept_out(self, owner, colleague):
        statuses(6, password="wrong")
        assert log_in("colleague@example.com").status_code == 200

    def test_the_right_password_begins_anew(self, owner):
        assert statuses(4, password="wrong") == [WRONG] * 4
        assert log_in(REMOTE_ADDR="192.0.2.7").status_code == 200
        assert [log_in(password="wrong", REMOTE_ADDR="192.0.2.7").status_code for _ in range(6)] == [
            *[WRONG] * 5,
            REFUSED,
        ]

    def test_of_accounts_with_one_address_one_does_not_lock_the_other_by_logging_in(self, owner):
        twin = make_user("twin")
        twin.email = "owner@example.com"
        twin.set_password("other words")
        twin.save()
        for number in range(8):
            assert log_in(password="other words", REMOTE_ADDR=f"192.0.2.{number}").status_code == 200
        assert log_in().status_code == 200

    @pytest.mark.django_db(transaction=True)
    def test_of_attempts_made_at_once_no_more_than_five_are_tried(self):
        make_user("owner")

        tries = at_once(20, lambda number: log_in(password="wrong", REMOTE_ADDR=f"192.0.2.{number}").status_code)
        assert sorted(tries) == [WRONG] * 5 + [REFUSED] * 15


class TestWhereItComesFrom:
    @pytest.mark.parametrize(
        ("told", "counted"),
        [
            ("198.51.100.8", "198.51.100.8"),
            ("198.51.100.8:40000", "198.51.100.8"),
            ("203.0.113.50, 198.51.100.8:40000", "198.51.100.8"),
            ("2001:db8:1:2::3", "2001:db8:1:2::/64"),
            ("[2001:db8:1:2::3]", "2001:db8:1:2::/64"),
            ("[2001:db8:1:2:ffff::3]:40000", "2001:db8:1:2::/64"),
            ("fe80::1%eth0", "fe80::/64"),
            ("::ffff:198.51.100.8", "198.51.100.8"),
            ("[::ffff:198.51.100.8]:1", "198.51.100.8"),
            # What is no address counts as the peer.
            ("unknown", "203.0.113.1"),
            ("", "203.0.113.1"),
            ("198.51.100.8,", "203.0.113.1"),
            ("_hidden:80", "203.0.113.1"),
            ("198.51.100.8:port", "203.0.113.1"),
            ("a" * 5000, "203.0.113.1"),
        ],
    )
    def test_of_what_a_trusted_proxy_says_the_address_counts(self, settings, told, counted):
        settings.TRUSTED_PROXIES = 1
        assert network(x_forwarded_for=told) == counted

    def test_as_many_hops_are_believed_as_are_trusted(self, settings):
        hops = "192.0.2.1, 192.0.2.2, 192.0.2.3"
        for trusted, counted in enumerate(["203.0.113.1", "192.0.2.3", "192.0.2.2", "192.0.2.1", "192.0.2.1"]):
            settings.TRUSTED_PROXIES = trusted
            assert network(x_forwarded_for=hops) == counted

    def test_a_peer_without_an_address_is_one_of_a_kind(self):
        assert network(peer="") == ""
        assert network(peer="[2001:db8::1]:1") == "2001:db8::/64"


def test_old_counts_are_forgotten_and_no_address_is_written_down(owner):
    statuses(2, password="wrong")
    assert not LoginAttempts.objects.filter(subject__contains="127.0.0.1").exists()
    assert LoginAttempts.objects.count() == 2
    LoginAttempts.objects.update(since=timezone.now() - logins.WINDOW - timedelta(seconds=1))
    log_in("nobody@example.com", REMOTE_ADDR="192.0.2.7")
    assert LoginAttempts.objects.count() == 2


def test_processes_count_together_and_need_no_redis(tmp_path):
    wrong = {**ADMIN, "password": "wrong"}
    with running_product(tmp_path, servers=2) as product:
        tries = [product.api("POST", LOGIN, server=number % 2, json=wrong).status_code for number in range(8)]
    assert tries == [WRONG] * 5 + [REFUSED] * 3


@pytest.mark.parametrize("how", ["away", "hangs"])
def test_people_log_in_while_redis_is_away_or_hangs(tmp_path, how):
    with socket.socket() as hanging:
        hanging.bind(("127.0.0.1", 0))
        hanging.listen()
        port = hanging.getsockname()[1] if how == "hangs" else 1
        with running_product(tmp_path, REDIS_URL=f"redis://127.0.0.1:{port}/0") as product:
            assert product.api("POST", LOGIN, json=ADMIN).status_code == 200
            page = product.log_in_by_form("/login")
            admin = product.log_in_by_form("/login?next=/admin/")
    assert (page.status_code, page.headers["Location"]) == (302, "/")
    assert (admin.status_code, admin.headers["Location"]) == (302, "/admin/")
