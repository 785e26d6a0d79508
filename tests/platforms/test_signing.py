import base64
import time

import pytest

from platforms import signing

# RFC 4231, test case 2
KEY, MESSAGE = "Jefe", b"what do ya want for nothing?"
DIGEST = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"

KEY_BASE64 = base64.b64encode(KEY.encode()).decode()
DIGEST_BASE64 = base64.b64encode(bytes.fromhex(DIGEST)).decode()


def test_signatures_are_those_of_the_standard():
    assert signing.sign_hex(KEY, MESSAGE) == DIGEST
    assert signing.sign_base64(KEY_BASE64, MESSAGE) == DIGEST_BASE64


@pytest.mark.parametrize("secret", ["no base64!", "abc", "é"])
def test_a_secret_that_is_not_base64_is_an_error_when_signing(secret):
    with pytest.raises(ValueError, match="not base64"):
        signing.sign_base64(secret, MESSAGE)


def test_any_of_the_secrets_and_any_of_the_signatures_will_do():
    assert signing.matches_hex(["old", KEY], MESSAGE, DIGEST)
    assert signing.matches_hex([KEY], MESSAGE, "00", DIGEST)
    assert signing.matches_base64(["b2xk", KEY_BASE64], MESSAGE, DIGEST_BASE64)


@pytest.mark.parametrize("form", ["{} ", " {}", "{}\n", "\xa0{}", "{}\x85", "\u2028{}"])
def test_a_signature_is_written_in_one_way_only(form):
    assert not signing.matches_hex([KEY], MESSAGE, form.format(DIGEST))
    assert not signing.matches_base64([KEY_BASE64], MESSAGE, form.format(DIGEST_BASE64))
    assert not signing.matches_hex([KEY], MESSAGE, DIGEST.upper())


@pytest.mark.parametrize("signature", ["", DIGEST[:-1], DIGEST + "0", "0" * 64, "é", "\ud800", "\x00"])
def test_any_other_signature_is_wrong(signature):
    assert not signing.matches_hex([KEY], MESSAGE, signature)
    assert not signing.matches_base64([KEY_BASE64], MESSAGE, signature)


def test_base64_is_told_apart_by_case():
    assert not signing.matches_base64([KEY_BASE64], MESSAGE, DIGEST_BASE64.lower())


def test_no_secret_and_an_empty_secret_match_nothing():
    assert not signing.matches_hex([], MESSAGE, DIGEST)
    assert not signing.matches_hex([""], MESSAGE, signing.sign_hex("", MESSAGE))
    assert not signing.matches_base64([""], MESSAGE, signing.sign_base64("", MESSAGE))
    assert not signing.matches_hex([KEY], MESSAGE)


def test_a_secret_that_is_not_base64_matches_nothing_and_leaves_the_others_valid():
    assert not signing.matches_base64(["test-secret"], MESSAGE, DIGEST_BASE64)
    assert signing.matches_base64(["test-secret", KEY_BASE64], MESSAGE, DIGEST_BASE64)


@pytest.mark.parametrize(("age", "recent"), [(0, True), (9, True), (-9, True), (20, False), (-20, False)])
def test_a_time_is_recent_within_the_window_on_either_side(age, recent):
    at = time.time() - age
    assert signing.is_recent(str(int(at)), 10) is recent
    assert signing.is_recent(str(int(at * 1000)), 10) is recent


@pytest.mark.parametrize(
    "timestamp", ["", " ", "x", "-1", "+1", "1.5", "1e9", "\uff11", "9" * 16, "9" * 5000, "0", f"0{int(time.time())}"]
)
def test_what_is_no_recent_time_is_not_recent(timestamp):
    assert signing.is_recent(timestamp, 10) is False


def test_a_time_has_one_form():
    assert not signing.is_recent(f"0{int(time.time())}", 10)
