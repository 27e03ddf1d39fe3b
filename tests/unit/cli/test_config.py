"""`roomtone config`, `doctor` and `migrate`."""

from __future__ import annotations

import sqlite3
import tomllib
from pathlib import Path

from terminal import roomtone

FILE = """
[server]
http = "127.0.0.1:0"
[sip]
udp = "127.0.0.1:0"
tcp = "127.0.0.1:0"
[[accounts]]
sid = "AC0123456789abcdef0123456789abcdef"
token = "hush"
[[numbers]]
number = "+15550100"
voice_url = "http://127.0.0.1:1/voice"
"""


def test_check_says_that_settings_are_good(tmp_path: Path) -> None:
    (tmp_path / "roomtone.toml").write_text(FILE)
    left = roomtone("config", "check", folder=tmp_path)
    assert left.code == 0
    assert "roomtone.toml" in left.out


def test_check_says_everything_that_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "roomtone.toml").write_text("[server]\nhttp = 1\n[rooms]\nmax_participants = 1\nagcc = true\n")
    left = roomtone("config", "check", folder=tmp_path)
    assert left.code == 2
    for name in ("server.http", "rooms.max_participants", "rooms.agcc", "rooms.agc"):
        assert name in left.err
    faults = roomtone("config", "check", "--json", folder=tmp_path).json["faults"]
    assert len(faults) == 3


def test_check_warns_of_what_has_no_effect_yet(tmp_path: Path) -> None:
    (tmp_path / "roomtone.toml").write_text(FILE + "[recordings]\nkeep_days = 3\n")
    assert "recordings" in roomtone("config", "check", folder=tmp_path).err


def test_show_is_a_settings_file_with_origins_and_without_secrets(tmp_path: Path) -> None:
    (tmp_path / "roomtone.toml").write_text(FILE)
    left = roomtone("config", "show", folder=tmp_path, ROOMTONE_ROOMS__MAX_PARTICIPANTS="9")
    assert "hush" not in left.out
    assert "ROOMTONE_ROOMS__MAX_PARTICIPANTS" in left.out
    shown = tomllib.loads(left.out)
    assert shown["rooms"]["max_participants"] == 9
    assert shown["server"]["http"] == "127.0.0.1:0"
    assert shown["numbers"][0]["number"] == "+15550100"
    assert roomtone("config", "show", "--json", folder=tmp_path).json["sip"]["rtp_ports"] == [20000, 29998]


def test_show_hides_the_password_in_a_url(tmp_path: Path) -> None:
    secret = FILE.replace("http://127.0.0.1:1", "http://user:hush@127.0.0.1:1")
    database = 'database = "postgresql+asyncpg://roomtone:hush@db/roomtone"'
    (tmp_path / "roomtone.toml").write_text(secret.replace("[server]", f"[server]\n{database}"))
    left = roomtone("config", "show", folder=tmp_path)
    assert "hush" not in left.out
    shown = tomllib.loads(left.out)
    assert shown["server"]["database"] == "postgresql+asyncpg://roomtone:***@db/roomtone"
    assert shown["numbers"][0]["voice_url"] == "http://user:***@127.0.0.1:1/voice"


def test_a_trunk_is_said_to_do_what_it_does(tmp_path: Path) -> None:
    trunk = '[[trunks]]\nname = "carrier"\nuri = "sip:192.0.2.1"\nallow_from = ["192.0.2.0/24"]\n'
    (tmp_path / "roomtone.toml").write_text(FILE + trunk)
    notices = roomtone("config", "check", "--json", folder=tmp_path).json["notices"]
    assert notices == ["trunks: only allow_from has an effect yet"]


def test_doctor_says_what_would_stop_a_server(tmp_path: Path) -> None:
    (tmp_path / "roomtone.toml").write_text(FILE)
    findings = roomtone("doctor", "--json", folder=tmp_path).json["findings"]
    verdicts = {finding["name"]: finding["verdict"] for finding in findings}
    assert verdicts["server.http"] == "good"
    assert verdicts["application"] == "warning"
    assert all(finding["remedy"] for finding in findings if finding["verdict"] != "good")
    left = roomtone("doctor", "--data", "/dev/null/data", folder=tmp_path)
    assert left.code == 1
    assert "server.data" in left.out


def test_doctor_names_bad_settings(tmp_path: Path) -> None:
    (tmp_path / "roomtone.toml").write_text("[server]\nhtp = 1\n")
    left = roomtone("doctor", folder=tmp_path)
    assert left.code == 1
    assert "server.htp" in left.out


def test_migrate_makes_the_tables(tmp_path: Path) -> None:
    assert roomtone("migrate", "--data", "kept", "--json", folder=tmp_path).json == {"data": str(tmp_path / "kept")}
    with sqlite3.connect(tmp_path / "kept" / "roomtone.sqlite") as database:
        names = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {"accounts", "numbers", "applications", "calls", "conferences", "participants", "requests"} <= names


def test_doctor_says_that_a_data_folder_is_still_to_be_made(tmp_path: Path) -> None:
    known = roomtone("doctor", "--data", str(tmp_path), folder=tmp_path).out
    assert f"server.data: {tmp_path}, " in known
    left = roomtone("doctor", "--data", str(tmp_path / "new"), folder=tmp_path)
    assert "server.data: " + str(tmp_path / "new") + " (made at the first start), " in left.out
    assert not (tmp_path / "new").exists()
