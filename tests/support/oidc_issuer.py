"""An OpenID Connect issuer on this machine, with real keys, that counts who asks for them."""

import base64
import hashlib
import json
import threading
import time
import uuid
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

AUDIENCE = "rooms"
MAKERS = {
    "RS256": (RSAAlgorithm, lambda: rsa.generate_private_key(65537, 2048)),
    "ES256": (ECAlgorithm, lambda: ec.generate_private_key(ec.SECP256R1())),
    "EdDSA": (OKPAlgorithm, ed25519.Ed25519PrivateKey.generate),
}


class OidcIssuer:
    """`keys` are those that it publishes: id -> algorithm and private key."""

    def __init__(self, address):
        self.address = address
        self.name = address
        self.is_away = False
        self.fetches = 0
        self.keys = {}
        self.codes = {}
        self.claims = {}  # what its ID tokens say besides
        self.secret = ""  # of the client, where that has one
        for algorithm in MAKERS:
            self.add_key(algorithm, algorithm)

    def add_key(self, key_id, algorithm="RS256"):
        self.keys[key_id] = (algorithm, MAKERS[algorithm][1]())

    def token(self, key_id="RS256", without=(), headers=None, **claims):
        now = int(time.time())
        values = {"iss": self.name, "aud": AUDIENCE, "sub": "ada", "iat": now, "exp": now + 300, **claims}
        algorithm, key = self.keys[key_id]
        kept = {name: value for name, value in values.items() if name not in without}
        named = {"kid": key_id, **(headers or {})}
        return jwt.encode(kept, key, algorithm, {name: value for name, value in named.items() if value})

    def public_pem(self, key_id="RS256"):
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.keys[key_id][1].public_key().public_bytes(serialization.Encoding.PEM, form)

    def answer(self, path):
        if path == "/.well-known/openid-configuration":
            endpoints = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
            return {"issuer": self.name} | {name: self.address + path for name, path in endpoints.items()}
        self.fetches += 1
        return {"keys": [self._published(key_id) for key_id in self.keys]}

    def sign_in(self, asked):
        """Somebody signs in on its page: where that sends them."""
        code = uuid.uuid4().hex
        self.codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.name}
        return f"{asked['redirect_uri']}?{urlencode(back)}"

    def redeem(self, form, authorization):
        """A code may be used once, by the client that it was made for, with the proof that was announced."""
        asked = self.codes.pop(form.get("code"), None)
        wanted = f"{AUDIENCE}:{self.secret}".encode()
        if self.secret and authorization != f"Basic {base64.b64encode(wanted).decode()}":
            return 401, {"error": "invalid_client"}
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        proof = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if asked is None or proof != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        claims = {"aud": asked["client_id"], "nonce": asked["nonce"], **self.claims}
        return 200, {"access_token": "opaque", "token_type": "Bearer", "id_token": self.token(**claims)}

    def _published(self, key_id):
        algorithm, key = self.keys[key_id]
        values = MAKERS[algorithm][0].to_jwk(key.public_key(), as_dict=True)
        return values | {"kid": key_id, "alg": algorithm, "use": "sig"}


@contextmanager
def running_issuer():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            url = urlsplit(self.path)
            if url.path == "/authorize":
                self.send_response(302)
                self.send_header("Location", issuer.sign_in(dict(parse_qsl(url.query))))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.give(200, issuer.answer(self.path))

        def do_POST(self):
            form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            self.give(*issuer.redeem(form, self.headers.get("Authorization")))

        def give(self, status, answer):
            body = json.dumps(answer).encode()
            self.send_response(503 if issuer.is_away else status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = OidcIssuer(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
