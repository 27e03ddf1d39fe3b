"""The settings of `roomtone dev`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from roomtone.errors import SettingsError
from roomtone.settings.dev import DevOptions, dev_settings
from roomtone.settings.load import Loaded

APP = "http://localhost:5000/voice"


def dev(folder: Path, environment: dict[str, str] | None = None, **options: Any) -> Loaded:
    return dev_settings(DevOptions(app_url=APP, **options), environment=environment or {}, folder=folder)


def test_the_identity_is_always_the_same(tmp_path: Path) -> None:
    settings = dev(tmp_path).settings
    (account,) = settings.accounts
    assert account.sid == "AC00000000000000000000000000000001"
    assert account.token == "roomtonedevtoken0000000000000000"
    assert account.project_id == "00000000-0000-0000-0000-000000000001"
    assert account.auth_id == "MAROOMTONEDEV0000000"
    assert [(n.number, n.voice_url, n.account) for n in settings.numbers] == [
        ("+15550100", APP, account.sid),
        ("demo", APP, account.sid),
    ]


def test_defaults_that_suit_a_laptop(tmp_path: Path) -> None:
    settings = dev(tmp_path).settings
    assert settings.server.data is None
    assert settings.server.drain_seconds == 0
    assert settings.sip.public
    assert settings.webhooks.capture == "full"
    networks = settings.webhooks.allow_networks
    assert any(network.is_loopback for network in networks)
    assert not any(network.is_link_local for network in networks)


def test_file_and_environment_hold_but_for_data_and_accounts(tmp_path: Path) -> None:
    (tmp_path / "roomtone.toml").write_text(
        '[server]\ndata = "kept"\n[rooms]\nmax_participants = 7\n'
        '[[accounts]]\nsid = "AC0123456789abcdef0123456789abcdef"\ntoken = "x"\n'
        '[[numbers]]\nnumber = "100"\nvoice_url = "http://localhost/100"\n'
        '[[numbers]]\nnumber = "demo"\nvoice_url = "http://localhost/other"\n'
    )
    settings = dev(tmp_path, {"ROOMTONE_ROOMS__MUSIC_WHEN_ALONE": "true"}).settings
    assert settings.server.data is None
    assert settings.rooms.max_participants == 7
    assert settings.rooms.music_when_alone
    assert [n.number for n in settings.numbers] == ["+15550100", "demo", "100"]
    assert len(settings.accounts) == 1


def test_flags(tmp_path: Path) -> None:
    options = {
        "number": "500",
        "dialect": "plivo",
        "http": "127.0.0.1:0",
        "sip": "127.0.0.1:0",
        "data": Path("here"),
        "map": {"https://a.example": "http://localhost:1"},
    }
    settings = dev(tmp_path, **options).settings
    assert [n.number for n in settings.numbers] == ["500", "demo"]
    assert settings.numbers[0].version == "v1"
    assert settings.server.data == tmp_path / "here"
    assert settings.server.http.port == 0
    assert settings.sip.udp == settings.sip.tcp
    assert settings.webhooks.map == {"https://a.example": "http://localhost:1"}


@pytest.mark.parametrize(("option", "setting"), [("http", "server.http"), ("sip", "sip.udp")])
def test_known_tokens_stay_on_loopback(tmp_path: Path, option: str, setting: str) -> None:
    with pytest.raises(SettingsError) as caught:
        dev(tmp_path, **{option: "0.0.0.0:9000"})
    assert caught.value.setting == setting
    assert "--token" in caught.value.remedy
    assert dev(tmp_path, token="a secret of mine", **{option: "0.0.0.0:9000"}).settings.accounts[0].token != "x"
