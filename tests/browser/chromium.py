"""Debian's Chromium, driven by Playwright: a page that remembers everything it should not have done."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Page, sync_playwright

EXECUTABLE = shutil.which("chromium")
# Nothing that goes out by itself: a test machine has no network to wait for. The sandbox does not work as root.
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
WITHIN = 15_000.0  # milliseconds
VIOLATIONS = """document.addEventListener("securitypolicyviolation", (event) =>
    violated(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`))"""


class Visit:
    """A page, and what went wrong on it: violations of its policy, messages on the console, exceptions, other hosts."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.wrong: list[str] = []
        self.sockets: list[str] = []
        self._host = urlsplit(base).netloc
        page.expose_function("violated", lambda what: self.wrong.append(what))  # a built-in is not taken
        page.add_init_script(VIOLATIONS)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", lambda request: self._went(request.url))
        page.on("websocket", lambda socket: self._opened(socket.url))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(message.text)

    def _went(self, url: str) -> None:
        if urlsplit(url).scheme != "data" and urlsplit(url).netloc != self._host:
            self.wrong.append(f"a request to {url}")

    def _opened(self, url: str) -> None:
        self.sockets.append(url)
        self._went(url)


@contextmanager
def visiting(base: str, folder: Path) -> Iterator[Visit]:
    """A browser of its own, with its profile in the folder; it ends with the block."""
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            folder / "chromium",
            executable_path=EXECUTABLE,
            args=FLAGS,
            base_url=base,
            viewport={"width": 1280, "height": 800},
        )
        try:
            context.set_default_timeout(WITHIN)
            yield Visit(context.pages[0], base)
        finally:
            context.close()
