"""`send`, as an operator runs it: it signs what it reads, and says what it was answered."""

from __future__ import annotations

import json
from pathlib import Path

from tests.processes import SECRETS, Server, free_port, refusal, rolecast
from tests.system.directory import user_in


def test_send_signs_what_it_reads_and_prints_the_answer(process: Server, tmp_path: Path) -> None:
    text = json.dumps(user_in("ada", "eng", id="evt_sent"))
    (tmp_path / "event.json").write_text(text)
    expected = '201 {"message":"Role processed","event":"evt_sent","outcome":"APPLIED","position":1}\n'
    for arguments in (("-",), ("event.json",)):
        done = rolecast(tmp_path, "send", *arguments, environment=process.environment, stdin=text + "\n")
        assert (done.returncode, done.stdout, done.stderr) == (0, expected, "")
    done = rolecast(tmp_path, "send", "-", "--url", process.url + "/", environment=SECRETS, stdin="not json")
    assert (done.returncode, done.stdout[:4]) == (0, "202 ")
    for odd in ("evt_\u4e16", "evt_\n", " evt"):
        odd_event = json.dumps(user_in("ada", id=odd))
        done = rolecast(tmp_path, "send", "-", environment=process.environment, stdin=odd_event)
        assert (done.returncode, json.loads(done.stdout[4:])["event"]) == (0, odd)


def test_send_says_what_is_wrong(process: Server, tmp_path: Path) -> None:
    text = json.dumps(user_in("ada"))
    other = process.environment | {"ROLECAST_WEBHOOK_SECRETS": "whsec_" + "YW5vdGhlciBzZWNyZXQgb2Ygc29tZSBsZW5ndGg="}
    done = rolecast(tmp_path, "send", "-", environment=other, stdin=text)
    assert (done.returncode, done.stdout[:4]) == (1, "401 ")
    nobody = process.environment | {"PORT": str(free_port())}
    assert "no server answers" in refusal(rolecast(tmp_path, "send", "-", environment=nobody, stdin=text))
    assert "ROLECAST_WEBHOOK_SECRETS" in refusal(rolecast(tmp_path, "send", "-", stdin=text))
    for url in ("nowhere", "http://[::1", "ftp://127.0.0.1", "http://"):
        assert url in refusal(rolecast(tmp_path, "send", "-", "--url", url, environment=SECRETS, stdin=text))
    assert rolecast(tmp_path, "send", "nothing.json", environment=SECRETS).returncode == 2
