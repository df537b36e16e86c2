"""The story of a made-up company as directory webhooks, with the truth its roles must end in."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Payload = dict[str, Any]

SPAN = 90 * 24 * 3600 * 10**6  # the story fills the 90 days before it is played; microseconds
HELD = (20, 120)  # a late delivery comes this many deliveries after its time

ROLES = {
    "admin": ("users:manage", "settings:write", "billing:read"),
    "billing": ("billing:read", "billing:write"),
    "deployer": ("deploys:create", "documents:read"),
    "editor": ("documents:read", "documents:write"),
    "viewer": ("documents:read",),
}
# Largest first, with the roles each is mapped to; the last gives none, like most groups of a real directory.
TEAMS = (
    "Engineering=editor,deployer Support=viewer Sales=viewer Platform=deployer,admin Finance=billing,viewer "
    "Marketing=editor Product=editor Operations=deployer Design=editor Legal=viewer,billing Security=admin Facilities="
).split()
CITIES = "Berlin Lisbon Toronto Nairobi Osaka Bogota Leeds Pune Oslo Denver".split()
GIVEN = (
    "Ada Bela Chidi Dana Emre Farah Hana Ines Jonas Kofi Lena Mateo Nadia Omar Priya Rosa Uma Wei Yusuf Zofia".split()
)
FAMILY = "Okafor Lind Moreau Tanaka Novak Silva Haddad Rossi Mensah Nguyen Garcia Demir Sharma Chen Kim Weber".split()

# How often each kind of change happens, in hundredths of the number of users; each happens at least once.
SHARES = {"moved": 40, "left": 10, "returned": 4, "renamed": 8, "duplicate": 12, "late": 12}


@dataclass(frozen=True, slots=True)
class Step:
    """One delivery of the story: what it stands for, and what to sign. A duplicate repeats an earlier payload."""

    kind: str
    payload: Payload


@dataclass(slots=True)
class Person:
    """A user, and at the end of the story the truth about them: only the active hold roles, for their groups."""

    id: str
    given: str
    family: str
    email: str
    groups: set[str] = field(default_factory=set)
    active: bool = True
    deleted: bool = False  # and then never active


@dataclass(frozen=True, slots=True)
class Story:
    """Deliveries in posting order, the roles each group is to be mapped to after the opening, and the truth."""

    organization: str
    opening: list[Step]
    rest: list[Step]
    mappings: dict[str, tuple[str, ...]]
    people: dict[str, Person]

    def roles_of(self, user_id: str, default: str | None = None) -> set[str]:
        """The roles a user must hold at the end; `default` is what an active user gets who has none otherwise."""
        person = self.people[user_id]
        roles = {role for group in person.groups for role in self.mappings[group]}
        if default and not roles:
            roles = {default}
        return roles if person.active else set()


def write_story(*, users: int, groups: int, seed: int, started_at: int, organization: str = "org_demo") -> Story:
    """Write the whole story; the same arguments give the same story.

    `started_at`, in nanoseconds since the epoch, is when the story ends. With the seed and the organization it names
    the run: every id but the organization's is new in another run. Raises ValueError below one user or one group.
    """
    if users < 1 or groups < 1:
        raise ValueError("a company needs at least one user and one group")
    run = hashlib.blake2s(f"{seed}:{started_at}:{organization}".encode(), digest_size=5).hexdigest()
    author = _Author(random.Random(seed), run, organization)
    author.open(groups)
    opening, author.posted = author.posted, []
    plan = _plan(author.rng, users, groups)
    for kind in ["joined"] * (users - plan.count("joined")) + plan:
        author.act(kind)
    author.release(len(author.posted) + HELD[1])
    _date(author.rng, author.written, author.ticks, started_at)
    return Story(organization, opening, author.posted, author.mappings, {person.id: person for person in author.people})


def _plan(rng: random.Random, users: int, groups: int) -> list[str]:
    counts = {kind: max(1, users * share // 100) for kind, share in SHARES.items()}
    counts |= {"joined": users // 10, "group renamed": max(1, groups // 3), "group deleted": groups // 6 or groups > 1}
    plan = [kind for kind, count in counts.items() for _ in range(count)]
    rng.shuffle(plan)
    return plan


def _date(rng: random.Random, written: list[tuple[int, Payload]], ticks: int, started_at: int) -> None:
    """Give each tick a microsecond of its own, some with nanoseconds, and write it with 6 to 9 fractional digits."""
    micros = [started_at // 1000 - SPAN + moment for moment in sorted(rng.sample(range(SPAN), ticks))]
    nanos = [rng.choice(("", f"{rng.randrange(1000):03d}"[: rng.randint(1, 3)])) for _ in micros]
    for tick, payload in written:
        seconds, fraction = divmod(micros[tick], 10**6)
        # One instant may be written shorter or longer: what orders events is the time, not the text.
        digits = f"{fraction:06d}{nanos[tick]}".ljust(rng.randint(6, 9), "0")
        payload["occurred_at"] = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{digits}Z"
        payload["data"] |= {"updated_at": payload["occurred_at"]} if "updated_at" in payload["data"] else {}


class _Author:
    """Writes the company's days one after the other, and keeps the truth."""

    def __init__(self, rng: random.Random, run: str, organization: str) -> None:
        self.rng, self.run, self.organization = rng, run, organization
        self.people: list[Person] = []
        self.names: dict[str, str] = {}  # of the groups that exist, largest first
        self.mappings: dict[str, tuple[str, ...]] = {}
        self.posted: list[Step] = []
        self.held: list[tuple[int, Step]] = []
        self.written: list[tuple[int, Payload]] = []
        self.ticks = 0

    def open(self, groups: int) -> None:
        self.posted = [self.write("organization", "organization.created", self.organization, display_name="Northwind")]
        facts: Payload = {"directory_type": "SCIM", "provider": "OKTA", "enabled": True, "updated_at": ""}
        self.posted.append(self.write("directory", "organization.directory_enabled", f"dir_{self.run}", **facts))
        for rank in range(groups):
            lap, team = divmod(rank, len(TEAMS))
            name, _, roles = TEAMS[team].partition("=")
            place = f" {CITIES[lap % len(CITIES)]}{lap // len(CITIES) or ''}" if lap else ""
            group = f"dirgroup_{self.run}{rank:05d}"
            self.names[group], self.mappings[group] = name + place, tuple(roles.split(",")) if roles else ()
            self.posted.append(self.group("group created", group))

    def act(self, kind: str) -> None:
        """Let one thing happen, where somebody is there it can happen to; then post what was held until now."""
        met = self.rng.sample(self.people, min(20, len(self.people)))
        if kind == "joined":
            self.join()
        elif kind == "duplicate":
            self.posted.append(Step(kind, self.rng.choice(self.posted[-40:]).payload))
        elif kind == "group deleted":
            self.delete_group()
        elif kind == "group renamed":
            self.rename_group()
        elif kind == "returned":
            self.welcome_back()
        elif person := next((person for person in met if person.active), None):
            self.change(kind, person)
        self.release(len(self.posted))

    def release(self, now: int) -> None:
        self.posted += [step for due, step in self.held if due <= now]
        self.held = [(due, step) for due, step in self.held if due > now]

    def write(self, kind: str, event: str, subject: str, **data: Any) -> Step:
        owner = {} if subject == self.organization else {"organization_id": self.organization}
        nouns = {"org": "Organization", "dir": "Directory", "dirgroup": "DirectoryGroup", "diruser": "DirectoryUser"}
        payload: Payload = {"spec_version": "1", "id": f"evt_{self.run}{len(self.written):08d}", "type": event}
        payload["object"] = nouns[subject.partition("_")[0]]
        payload |= {"occurred_at": "", "environment_id": "env_demo", "organization_id": self.organization}
        payload["data"] = {"id": subject, **owner, **data}
        self.written.append((self.ticks, payload))
        self.ticks += 1
        return Step(kind, payload)

    def group(self, kind: str, group: str) -> Step:
        verb = {"group created": "created", "group deleted": "deleted"}.get(kind, "updated")
        external = {"dp_id" if verb == "deleted" else "external_id": f"00g{group[-12:]}"}
        about = {"directory_id": f"dir_{self.run}", "display_name": self.names[group], "raw_attributes": {}}
        return self.write(kind, f"organization.directory.group_{verb}", group, **external, **about)

    def user(self, kind: str, person: Person, verb: str = "updated") -> Step:
        """A user's full snapshot; what is empty is a list, null or absent, which all mean none."""
        groups = [{"id": group, "name": self.names[group]} for group in sorted(person.groups)]
        data: Payload = {"dp_id": f"00u{person.id[-12:]}", "email": person.email}
        if verb == "deleted":
            return self.write(kind, "organization.directory.user_deleted", person.id, **data)
        data |= {"active": person.active, "name": f"{person.given} {person.family}", "given_name": person.given}
        data |= {"family_name": person.family, "preferred_username": person.email, "raw_attributes": {}}
        for key, items in (("groups", groups), ("roles", [])):
            if items or self.rng.random() < 0.7:
                data[key] = items or self.rng.choice(([], None))
        return self.write(kind, f"organization.directory.user_{verb}", person.id, **data)

    def draw(self, other_than: set[str]) -> set[str]:
        """Some groups, the nth as likely as 1/n (Zipf), never the same set; now and then none at all."""
        weights = [1 / rank for rank in range(1, len(self.names) + 1)]
        drawn = set(self.rng.choices(list(self.names), weights, k=self.rng.choices((0, 1, 2, 3), (3, 50, 30, 17))[0]))
        return drawn if drawn != other_than else drawn ^ {next(iter(self.names))}

    def join(self) -> None:
        given, family, number = self.rng.choice(GIVEN), self.rng.choice(FAMILY), len(self.people)
        email = f"{given}.{family}{number}@{self.run}.northwind.example".lower()  # nobody's of another run
        self.people.append(Person(f"diruser_{self.run}{number:07d}", given, family, email, self.draw(set())))
        self.posted.append(self.user("joined", self.people[-1], "created"))

    def change(self, kind: str, person: Person) -> None:
        if kind == "late":  # it was overtaken by a move, or by leaving, and must bring nothing back
            person.groups = self.draw(person.groups)
            self.held.append((len(self.posted) + self.rng.randint(*HELD), self.user("late", person)))
            self.ticks -= self.rng.random() < 0.15  # at one instant the greater id wins
            return self.change(self.rng.choice(("moved", "left")), person)
        if kind == "renamed":
            person.family = f"{self.rng.choice(FAMILY)}-{person.family.split('-')[0]}"
        elif kind == "moved":
            person.groups = self.draw(person.groups)
        elif self.rng.random() < 0.5:  # left: directories deactivate as often as they delete
            person.active = False
        else:
            person.active, person.deleted, person.groups = False, True, set()
        self.posted.append(self.user(kind, person, "deleted" if person.deleted else "updated"))

    def welcome_back(self) -> None:
        person = min(self.people, key=lambda person: (person.active, self.rng.random()))
        if person.active:  # nobody has left yet
            self.change("left", person)
        verb = "created" if person.deleted else "updated"
        person.active, person.deleted, person.groups = True, False, self.draw(person.groups)
        self.posted.append(self.user("returned", person, verb))

    def rename_group(self) -> None:
        group = self.rng.choice(list(self.names))
        self.names[group] = f"{self.names[group].split(' (')[0]} ({self.rng.choice(CITIES)})"
        self.posted.append(self.group("group renamed", group))

    def delete_group(self) -> None:
        """One of the smaller groups ends; its members are told before, after or never; late news of it may follow."""
        group = self.rng.choice(list(self.names)[len(self.names) // 2 :])
        if self.rng.random() < 0.5:
            self.held.append((len(self.posted) + self.rng.randint(*HELD), self.group("late", group)))
        members = [person for person in self.people if group in person.groups]
        for person in members:
            person.groups.remove(group)
        told = self.rng.choice(("before", "after", "never"))
        if told == "before":
            self.posted += [self.user("moved", person) for person in members]
        self.posted.append(self.group("group deleted", group))
        if told == "after":
            self.posted += [self.user("moved", person) for person in members]
        del self.names[group]
