"""The README kept true: its tour is run, its settings are compared, and no file knows the machine it was made on."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from api.settings import Settings
from tests.processes import REPOSITORY, clean_environment, serving_process

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
TOUR = re.findall(r"^```sh tour\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
HOSTS = [
    f"{name}.{end}"
    for name, end in (
        ("registry.npmjs", "org"),
        ("registry.yarnpkg", "com"),
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("proxy.golang", "org"),
        ("crates", "io"),
        ("jfrog", "io"),
        ("pkg", "dev"),
    )
]
MACHINE_PATHS = re.compile(rf"(?<![\w.-])/(?:{'|'.join(('work', 'home', 'root', 'tmp', 'Users', 'opt/pypi'))})/[\w.]")


# ---- the settings


def shown(field: FieldInfo) -> str:
    """A default as the table shows it: as one would write it into the environment."""
    value = field.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return "" if value in (None, ()) else f"`{value}`"


def settings_rows() -> str:
    """The rows of the README's table: paste them there when this test says that they differ."""
    return "\n".join(
        f"| `{field.validation_alias}` | {shown(field)} | {field.description} |"
        for field in Settings.model_fields.values()
    )


def test_the_settings_table_is_what_the_settings_are() -> None:
    table = README.partition("| variable | default | meaning |\n|---|---|---|\n")[2].partition("\n\n")[0]
    assert table == settings_rows()


def test_every_setting_has_a_name_and_a_meaning() -> None:
    for name, field in Settings.model_fields.items():
        assert re.fullmatch(r"[A-Z_]+", str(field.validation_alias)), name
        assert (field.description or "").endswith("."), name


# ---- the tour


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What each block of the tour printed, run in one shell against a fresh `serve --dev`."""
    folder = tmp_path_factory.mktemp("tour")
    with serving_process(folder, "--dev", environment={}) as server:
        blocks = [f"{block}\necho; echo '=== end of block'\n" for block in TOUR]
        script = "".join(blocks).replace(":8000", f":{server.port}").replace(".venv/bin/python", sys.executable)
        done = subprocess.run(
            ["bash", "-e", "-u", "-o", "pipefail"],
            cwd=folder,
            env=clean_environment({"PORT": str(server.port)}),
            input=script,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split("=== end of block\n")[:-1]


def messages(text: str, prefix: str = "") -> list[dict[str, Any]]:
    """The JSON documents at the beginnings of lines; the stream in the background may write before a line's end."""
    starts = [match.end() for match in re.finditer(rf"^{prefix}(?={{)", text, re.MULTILINE)]
    return [json.JSONDecoder().raw_decode(text, start)[0] for start in starts]


def test_every_block_of_the_tour_was_run(told: list[str]) -> None:
    assert len(TOUR) == len(told) == 6
    assert "```sh\n. .rolecast" not in README


def test_the_tour_sends_an_event_and_is_answered_as_it_says(told: list[str]) -> None:
    said = re.search(r"It answers `(201 \{.*?\})`", README)
    assert said
    assert said[1] in told[1].splitlines()


def test_the_tour_shows_a_known_user_who_holds_nothing(told: list[str]) -> None:
    (answer,) = messages(told[2])
    user = {"name": "Ada Lovelace", "groups": [{"displayName": "Engineering"}], "roles": []}
    assert answer == {"data": {"user": user}}


def test_the_tour_maps_a_group_and_then_revokes_by_the_directory(told: list[str]) -> None:
    role, mapping = messages(told[4])
    assert role == {"data": {"createRole": {"role": {"name": "author"}}}}
    assert mapping == {"data": {"mapGroup": {"granted": 1, "revoked": 0, "version": 1}}}
    *_, changes = messages(told[5])
    nodes = changes["data"]["changes"]["nodes"]
    assert [(node["kind"], node["roleName"], node["event"]["actor"]) for node in nodes] == [
        ("GRANTED", "author", "api_key:ROLECAST_API_KEY"),
        ("REVOKED", "author", "directory"),
    ]
    assert nodes[1]["event"]["type"] == "organization.directory.user_updated"


def test_both_changes_arrive_in_the_stream_that_the_tour_opened(told: list[str]) -> None:
    changes = [each["data"]["roleChanges"] for each in messages("".join(told), "data: ")]
    assert [(change["kind"], change["userId"], change["roleName"]) for change in changes] == [
        ("GRANTED", "diruser_ada", "author"),
        ("REVOKED", "diruser_ada", "author"),
    ]


# ---- the repository


def files() -> list[Path]:
    """Every text file that is, or could be, committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
        timeout=30,
    ).stdout.decode()
    paths = (REPOSITORY / name for name in listed.split("\0") if name)
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:4096]]


def test_the_version_is_the_changelogs_newest() -> None:
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    changelog = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    newest, *_ = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", changelog, re.MULTILINE)
    assert version == newest


def test_no_file_names_a_registry_or_a_place_on_a_machine() -> None:
    found = []
    for path in files():
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if any(host in line for host in HOSTS) or MACHINE_PATHS.search(line):
                found.append(f"{path.relative_to(REPOSITORY)}:{number}: {line.strip()[:100]}")
    assert found == []


def test_every_link_of_the_readme_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (REPOSITORY / target).exists(), target
