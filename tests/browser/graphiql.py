"""GraphiQL's page and its parts, by what a person sees and presses."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from tests.browser.chromium import Visit


class Graphiql:
    """The page at `/graphql` of a visit."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.page = visit.page
        self.status = self.page.get_by_role("status")
        self.query = self.page.get_by_label("Query Editor").locator(".graphiql-editor")
        self.headers = self.page.get_by_label("Headers", exact=True).locator(".graphiql-editor:not(.hidden)")
        self.result = self.page.get_by_label("Result Window")

    def open(self) -> None:
        """Come to the page, and wait until it may be typed into; also again, which reloads it."""
        self.page.goto("/graphql")
        expect(self.headers.locator(".CodeMirror-lines")).to_be_visible()

    def write(self, editor: Locator, text: str) -> None:
        """Paste over all that an editor holds."""
        editor.click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)

    def press(self, button: str) -> None:
        """Press a button by its name, or by how that begins."""
        self.page.get_by_role("button", name=button).click()

    def run(self, operation: str | None = None) -> None:
        """Run the one operation, or that of several by its name: the button shows a menu of them."""
        button = self.page.get_by_role("button", name="Execute query")
        if operation is None:
            expect(button).not_to_have_attribute("aria-haspopup", re.compile(".*"))  # it has seen what was typed
        button.click()
        if operation is not None:
            self.page.get_by_role("menuitem", name=operation).click()

    def shows_the_schema(self) -> None:
        """Look into the documentation, which names the root types once there is a schema."""
        self.press("Show Documentation Explorer")
        expect(self.page.locator(".graphiql-plugin")).to_contain_text("Subscription")
        self.press("Hide Documentation Explorer")

    def kept(self) -> str:
        """All that the browser would still know tomorrow."""
        kept: str = self.page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")
        return kept
