"""Every way Rolecast says no: a code for programs, a status for HTTP, a sentence for the caller."""

from __future__ import annotations

from typing import ClassVar


class Problem(Exception):
    """A refusal with an answer. `str()` is the caller's sentence; `detail` is for the operator's log alone.

    `code` is one of the contract's `extensions.code`; `status` is the HTTP status where the whole request is refused.
    Any exception that is not a Problem is answered with INTERNAL and nothing else; its kind and place are logged.
    """

    code: ClassVar[str] = "INTERNAL"
    status: ClassVar[int] = 500

    def __init__(self, message: str, *, detail: str | None = None) -> None:
        super().__init__(message)
        self.detail = detail


class Unauthenticated(Problem):
    """No credential, or one that nobody knows."""

    code = "UNAUTHENTICATED"
    status = 401


class UnknownCredential(Unauthenticated):
    """Nobody was ever given this credential: whoever sends it is guessing, or has the wrong one."""


class TooManyAttempts(Unauthenticated):
    """Too many unknown credentials from one address: none is looked at for `retry_after` seconds."""

    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many unknown credentials from this address; try again in {retry_after} s")
        self.retry_after = retry_after


class Forbidden(Problem):
    """A known credential that may not do this."""

    code = "FORBIDDEN"
    status = 403


class NotFound(Problem):
    """It does not exist, or it is another organization's: the same words for both."""

    code = "NOT_FOUND"
    status = 404


class BadInput(Problem):
    """The request cannot be understood; the message says what to change."""

    code = "BAD_INPUT"
    status = 400


class Conflict(Problem):
    """Understood, and refused because of what is stored; nothing was changed."""

    code = "CONFLICT"
    status = 409


class CursorExpired(Problem):
    """The log does not hold the cursor's position: it is another log's, was never given, or is older than is kept."""

    code = "CURSOR_EXPIRED"
    status = 410


class Lagged(Problem):
    """The subscriber fell too far behind the log; resume from the last cursor seen."""

    code = "LAGGED"
    status = 409


class TooComplex(Problem):
    """The operation asks for more than one request may; the message names the measure and its limit."""

    code = "TOO_COMPLEX"
    status = 400


class TooLarge(Problem):
    """The body is longer than the route accepts."""

    code = "BAD_INPUT"
    status = 413


class Unavailable(Problem):
    """Nothing was done; the same request may be sent again after `retry_after` seconds."""

    code = "UNAVAILABLE"
    status = 503

    def __init__(self, message: str, *, retry_after: int = 1, detail: str | None = None) -> None:
        super().__init__(message, detail=detail)
        self.retry_after = retry_after


class TooManySockets(Unavailable):
    """One credential holds as many WebSockets and event streams as it may; close one, or come back later."""

    status = 429
