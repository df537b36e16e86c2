"""Identity providers for tests: they sign tokens, and one publishes its key set at a URL of its own."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

JWT_SECRET = "a secret for the tests, of more than 32 bytes"
Json = dict[str, Any]


def claims(**more: Any) -> Json:
    """Claims that name Ada, good for a minute; None takes one away."""
    given = {"sub": "ada", "exp": int(time.time()) + 60} | more
    return {name: value for name, value in given.items() if value is not None}


def shared(secret: str = JWT_SECRET, headers: Json | None = None, **more: Any) -> str:
    """A token of the shared secret."""
    return jwt.encode(claims(**more), secret, algorithm="HS256", headers=headers)


@cache
def private_key(kind: str) -> Any:
    """A private key of that kind, made once."""
    match kind:
        case "RS256":
            return rsa.generate_private_key(65537, 2048)
        case "ES256":
            return ec.generate_private_key(ec.SECP256R1())
        case "ES384":
            return ec.generate_private_key(ec.SECP384R1())
        case _:
            return ed25519.Ed25519PrivateKey.generate()


def public_jwk(kind: str, id: str | None, **more: Any) -> Json:
    """The public half as a member of a key set."""
    algorithms: dict[str, Any] = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "ES384": ECAlgorithm}
    key = algorithms.get(kind, OKPAlgorithm).to_jwk(private_key(kind).public_key(), as_dict=True)
    named = {} if id is None else {"kid": id}
    return {name: value for name, value in key.items() if name != "key_ops"} | named | more


def signed(kind: str, id: str | None, *, headers: Json | None = None, **more: Any) -> str:
    """A token of one of the private keys."""
    named = {} if id is None else {"kid": id}
    return jwt.encode(claims(**more), private_key(kind), algorithm=kind, headers=named | (headers or {}))


@dataclass
class Provider:
    """What a key set's URL answers, and how often it was asked."""

    url: str = ""
    keys: list[Any] = field(default_factory=list)
    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    fetches: int = 0
    delay: float = 0.0

    def answer(self, path: str) -> bytes:
        self.fetches += 1
        time.sleep(self.delay)
        return json.dumps({"keys": self.keys}).encode() if self.body is None else self.body


@contextmanager
def publishing(*keys: Json) -> Iterator[Provider]:
    """Serve a key set on a free loopback port."""
    provider = Provider(keys=list(keys))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = provider.answer(self.path)
            self.send_response(provider.status)
            for name, value in {"Content-Length": str(len(body)), **provider.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Be quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.url = f"http://127.0.0.1:{server.server_address[1]}/keys"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join(10)
