"""Made-up secrets for development, kept beside the database file so that tomorrow's server knows today's clients."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import MutableMapping
from pathlib import Path

from schema.credentials import FROM_ENVIRONMENT, new_api_key

FOLDER = Path(".rolecast")
FILE = "development.env"


def new_webhook_secret() -> str:
    """`whsec_` and 32 random bytes in base64, as Standard Webhooks writes them."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


MAKERS = {"ROLECAST_WEBHOOK_SECRETS": new_webhook_secret, FROM_ENVIRONMENT: new_api_key}


def known_secrets(folder: Path = FOLDER) -> dict[str, str]:
    """The secrets made up before, by variable; empty when there are none."""
    try:
        lines = (folder / FILE).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs if name.strip() in MAKERS}


def provide_secrets(environment: MutableMapping[str, str], folder: Path = FOLDER) -> dict[str, str]:
    """Fill in each secret that the environment lacks, kept before or made now; keep it, for its owner only."""
    kept = known_secrets(folder)
    missing = {name: kept.get(name) or make() for name, make in MAKERS.items() if not environment.get(name)}
    environment.update(missing)
    if missing.keys() - kept.keys():
        folder.mkdir(mode=0o700, exist_ok=True)
        lines = "".join(f"{name}={value}\n" for name, value in (kept | missing).items())
        descriptor = os.open(folder / FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("# Made up by `serve --dev`, for development only.\n" + lines)
    return missing
