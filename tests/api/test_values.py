"""Single settings: what is read alike however it is written, and what is refused."""

from __future__ import annotations

import pytest

from api.settings import Misconfigured, load_settings


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("https://app.example", ("https://app.example",)),
        ("HTTPS://App.Example/", ("https://app.example",)),
        ("https://app.example:443 http://app.example:80", ("https://app.example", "http://app.example")),
        ("http://LOCALHOST:5173/", ("http://localhost:5173",)),
        ("http://[::1]:5173", ("http://[::1]:5173",)),
        ("capacitor://localhost", ("capacitor://localhost",)),
        ("*", ("*",)),
    ],
)
def test_an_origin_is_read_as_browsers_send_it(
    given: str, read: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROLECAST_ALLOWED_ORIGINS", given)
    assert load_settings().allowed_origins == read


@pytest.mark.parametrize(
    "given",
    [
        "app.example",
        "//app.example",
        "null",
        "https://",
        "https://app.example/page",
        "https://app.example?x",
        "https://app.example#",
        "https://ada@app.example",
        "https://*.app.example",
        "https://app.example:99999",
        "https://[::1",
        "https://münchen.example",
    ],
)
def test_what_no_browser_sends_as_an_origin_is_refused(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLECAST_ALLOWED_ORIGINS", f"https://good.example {given}")
    with pytest.raises(Misconfigured, match="ROLECAST_ALLOWED_ORIGINS: must be origins such as"):
        load_settings()


@pytest.mark.parametrize("given", ["https://ada:hush@id.example/keys", "https://ada@id.example", "https://@id.example"])
def test_a_key_sets_address_holds_no_user_or_password(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLECAST_JWKS_URL", given)
    with pytest.raises(Misconfigured, match="must be without user name and password") as refused:
        load_settings()
    assert "hush" not in str(refused.value)
