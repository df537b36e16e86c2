"""One wave's facts: each event to the module that writes its noun."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs
from sqlmodel import Session

from api.facts.catalogue import create_role, update_role, write_role
from api.facts.credentials import create_api_key, revoke_api_key
from api.facts.declared import apply_catalogue
from api.facts.directories import change_directory
from api.facts.grants import expire_grants, grant_role, revoke_role, set_creator, set_default_roles
from api.facts.groups import known_groups, write_groups
from api.facts.keys import place
from api.facts.mappings import map_group, set_mappings, unmap_group
from api.facts.organizations import write_organization
from api.facts.ownership import reject_foreign
from api.facts.people import known_people, write_people
from api.facts.permissions import create_permission, drop_permission, write_permission
from api.facts.removal import delete_role
from api.facts.replay import recorded_event
from api.work import Entry, Ledger
from schema import commands, wire
from schema.kinds import Outcome


def write_facts(session: Session, wave: Sequence[Entry], ledger: Ledger) -> None:
    """Write down what the wave's events say, and leave in each entry its outcome and the users it touched.

    Raises the Problem that refuses a command; a directory event is never refused, but may be rejected.
    """
    people, groups = known_people(session, wave), known_groups(session, wave)
    reject_foreign(session, wave, people, groups)
    place(session, wave)
    live = [entry for entry in wave if entry.outcome is Outcome.APPLIED]
    write_people(session, live, people, write_groups(session, live, groups))
    for entry in live:
        _write_alone(session, entry, ledger)


def _write_alone(session: Session, entry: Entry, ledger: Ledger) -> None:
    """Write an event that is not about users and groups: these `write_people` and `write_groups` have written."""
    match entry.event.body:
        case wire.UserSnapshot() | wire.UserDeleted() | wire.GroupDescribed() | wire.GroupDeleted():
            return
        case wire.DirectoryChanged() as body:
            change_directory(session, entry, body)
        case wire.OrganizationDescribed() | wire.OrganizationDeleted() as body:
            write_organization(session, entry, body)
        case wire.RoleDescribed() | wire.RoleDeleted() as body:
            write_role(session, entry, body)
        case wire.PermissionDescribed() | wire.PermissionDeleted() as body:
            write_permission(session, entry, body)
        case _:
            _command(session, entry, ledger)


def _command(session: Session, entry: Entry, ledger: Ledger) -> None:
    """Write what an administrator, or the clock, asks."""
    match entry.event.body:
        case commands.MapGroup() as command:
            map_group(session, entry, ledger, command)
        case commands.UnmapGroup() as command:
            unmap_group(session, entry, ledger, command)
        case commands.SetMappings() as command:
            set_mappings(session, entry, ledger, command)
        case commands.GrantRole() as command:
            grant_role(session, entry, ledger, command)
        case commands.RevokeRole() as command:
            revoke_role(session, entry, command)
        case commands.ExpireGrants() as command:
            expire_grants(session, entry, command)
        case commands.SetCreator() as command:
            set_creator(session, entry, command)
        case commands.CreateApiKey() as command:
            create_api_key(session, entry, ledger, command)
        case commands.RevokeApiKey() as command:
            revoke_api_key(session, ledger, command)
        case commands.ReplayEvent() as command:
            _replay(session, entry, ledger, command)
        case _:
            _change_catalogue(session, entry)


def _change_catalogue(session: Session, entry: Entry) -> None:
    match entry.event.body:
        case commands.CreateRole() as command:
            create_role(session, entry, command)
        case commands.UpdateRole() as command:
            update_role(session, entry, command)
        case commands.DeleteRole() as command:
            delete_role(session, entry, command)
        case commands.CreatePermission() as command:
            create_permission(session, entry, command)
        case commands.DeletePermission() as command:
            drop_permission(session, entry, command.name)
        case commands.SetDefaultRoles() as command:
            set_default_roles(session, entry, command)
        case commands.ApplyCatalogue() as command:
            apply_catalogue(session, entry, command)
        case _:
            return


def _replay(session: Session, entry: Entry, ledger: Ledger, command: commands.ReplayEvent) -> None:
    """Write what a recorded event says, under its own id and time, and let the replay have its outcome and effect."""
    again = Entry(recorded_event(session, command), position=entry.position)
    if again.event.occurred_at is None:
        again.event = structs.replace(again.event, occurred_at=ledger.now)
    write_facts(session, [again], ledger)
    entry.outcome, entry.problem, entry.touched = again.outcome, again.problem, again.touched
    entry.organization_key = again.organization_key
