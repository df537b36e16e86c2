"""How API keys are made and revoked: which are in sight, and what is answered."""

from __future__ import annotations

from collections.abc import Callable

from schema.commands import CreateApiKey, api_key_id
from schema.credentials import hash_of, new_api_key
from schema.events import Receipt
from schema.graphql.access import ApiKey, NewApiKey
from schema.graphql.asking import Info
from schema.graphql.context import Viewer
from schema.graphql.inputs import CreateApiKeyInput
from schema.graphql.reading import roots
from schema.graphql.reading.reading import Reading
from schema.graphql.wanted import Wanted
from schema.problems import BadInput, Conflict, NotFound
from schema.queries.api_keys import KeyRow, api_key_by_id, has_secret
from schema.times import format_time


def create_api_key_of(input: CreateApiKeyInput, secret: str, maker: Viewer) -> CreateApiKey:
    """The command that the input asks for.

    Raises BadInput for a key that would outlive its maker's: who holds one for a while must not make it for ever.
    """
    ends = maker.expires_at
    if ends is not None and (input.expires_at is None or input.expires_at > ends):
        raise BadInput(f"expiresAt must be there, and no later than your own key's: {format_time(ends)}")
    return CreateApiKey(
        name=input.name,
        organization_id=input.organization_id,
        write=input.write,
        expires_at=input.expires_at,
        hash=hash_of(secret),
    )


def new_secret(info: Info) -> str:
    """A new key's secret; every attempt at an idempotent request draws the same, for an answer may be lost."""
    attempt = info.context.attempt
    return new_api_key(None if attempt is None else attempt.secret(info.path.key))


def key_in_sight(id: str) -> Callable[[Reading], str]:
    """Look for a key to revoke: an organization's key has its organization's in sight, an environment-wide one all."""

    def look(reading: Reading) -> str:
        key = api_key_by_id(reading.session, id)
        if key is None or not reading.viewer.sees(key.organization_id):
            raise NotFound("no such API key")
        return key.id

    return look


def new_key(secret: str) -> Callable[[Reading, int | None, Receipt, Wanted], NewApiKey]:
    """The key that was made, with its secret; Conflict for a repeat that drew another: only a hash was ever stored."""

    def answer(reading: Reading, owner: int | None, receipt: Receipt, wanted: Wanted) -> NewApiKey:
        id = api_key_id(receipt.event)
        if receipt.repeated and not has_secret(reading.session, id, hash_of(secret)):
            raise Conflict(
                "this request was made before and its answer is lost; "
                f"revoke API key {id} and make another with a new Idempotency-Key"
            )
        made = NewApiKey(secret=secret)
        if "apiKey" in wanted:
            made.api_key = roots.api_key(reading, _stored(reading, id), wanted["apiKey"])
        return made

    return answer


def revoked_key(reading: Reading, id: str, receipt: Receipt, wanted: Wanted) -> ApiKey:
    """The key as it now is."""
    return roots.api_key(reading, _stored(reading, id), wanted)


def _stored(reading: Reading, id: str) -> KeyRow:
    """A key that was just written; keys are never deleted."""
    key = api_key_by_id(reading.session, id)
    if key is None:
        raise NotFound("no such API key")
    return key
