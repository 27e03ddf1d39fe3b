"""What a file, the environment and flags make of the settings, and the sentence that a user gets when something is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from roomtone.errors import SettingsError
from roomtone.settings.faults import known_names
from roomtone.settings.load import Layer, Loaded, load

USER = '[[users]]\nname = "alice"\npassword = "x"\n'
TRUNK = '[[trunks]]\nname = "carrier"\nuri = "sip:192.0.2.1"\n'
ONE = '[[numbers]]\nnumber = "+15550100"\nvoice_url = "http://localhost:5000/voice"\n'
ACCOUNT = '[[accounts]]\nsid = "AC0123456789abcdef0123456789abcdef"\ntoken = "secret"\n'
OTHER = '[[accounts]]\nsid = "AC1123456789abcdef0123456789abcdef"\ntoken = "secret"\n'


def loaded(folder: Path, text: str = "", environment: dict[str, str] | None = None, **flags: object) -> Loaded:
    (folder / "roomtone.toml").write_text(text)
    layer = Layer({"server": flags} if flags else {}, {f"server.{name}": f"--{name}" for name in flags}, folder)
    return load(config=None, flags=layer, environment=environment or {}, folder=folder)


def refusal(folder: Path, text: str = "", environment: dict[str, str] | None = None) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        loaded(folder, text, environment)
    assert caught.value.remedy
    assert len(caught.value.as_text().splitlines()) <= 4
    return caught.value


def test_no_source_at_all_gives_the_documented_defaults(tmp_path: Path) -> None:
    settings = load(config=None, flags=Layer({}), environment={}, folder=tmp_path).settings
    assert str(settings.server.http) == "127.0.0.1:8080"
    assert settings.sip.rtp_ports == (20000, 29998)
    assert settings.rooms.max_participants == 40
    assert settings.webhooks.capture == "metadata"


def test_flags_win_over_environment_and_environment_over_file(tmp_path: Path) -> None:
    file = '[server]\nhttp = "127.0.0.1:1"\ndrain_seconds = 3\npublic_url = "http://a"\n'
    environment = {"ROOMTONE_SERVER__HTTP": "127.0.0.1:2", "ROOMTONE_SERVER__DRAIN_SECONDS": "4"}
    server = loaded(tmp_path, file, environment, http="127.0.0.1:3").settings.server
    assert (server.http.port, server.drain_seconds, server.public_url) == (3, 4, "http://a")


def test_lists_in_the_environment_are_json(tmp_path: Path) -> None:
    environment = {
        "ROOMTONE_SIP__RTP_PORTS": "[0, 0]",
        "ROOMTONE_WEBHOOKS__MAP": '{"https://a.example": "http://localhost:5000"}',
        "ROOMTONE_SIP__PUBLIC": "true",
    }
    settings = loaded(tmp_path, "", environment).settings
    assert settings.sip.rtp_ports == (0, 0)
    assert settings.sip.public
    assert settings.webhooks.map == {"https://a.example": "http://localhost:5000"}


def test_names_without_two_underscores_are_no_settings(tmp_path: Path) -> None:
    loaded(tmp_path, "", {"ROOMTONE_URL": "x", "ROOMTONE_PORT_8080_TCP": "x", "ROOMTONE_SERVER": "x"})


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "r.toml").write_text('[server]\ndata = "kept"\n')
    result = load(config=Path("etc/r.toml"), flags=Layer({}), environment={}, folder=tmp_path)
    assert result.settings.server.data == folder / "kept"
    assert result.file == folder / "r.toml"


def test_a_secret_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("hush\n")
    text = ACCOUNT.replace('token = "secret"', 'token_file = "token"')
    assert loaded(tmp_path, text).settings.accounts[0].token == "hush"


@pytest.mark.parametrize(
    ("content", "expected"),
    [(None, "cannot read"), ("", "is empty")],
)
def test_a_secret_file_without_a_secret_is_refused(tmp_path: Path, content: str | None, expected: str) -> None:
    if content is not None:
        (tmp_path / "token").write_text(content)
    fault = refusal(tmp_path, '[server]\nadmin_token_file = "token"\n')
    assert fault.setting == "server.admin_token_file"
    assert expected in fault.message


def test_one_account_need_not_be_named(tmp_path: Path) -> None:
    settings = loaded(tmp_path, ACCOUNT + ONE).settings
    assert settings.numbers[0].account == settings.accounts[0].sid


def test_a_number_and_a_url_suffice(tmp_path: Path) -> None:
    number = loaded(tmp_path, ONE).settings.numbers[0]
    assert (number.dialect, number.version, number.voice_method) == ("twilio", "2010-04-01", "POST")


@pytest.mark.parametrize(
    ("text", "setting", "says"),
    [
        ('[server]\nhtp = "a:1"', "server.htp", "server.http"),
        ('[server]\nudp = "127.0.0.1:5060"', "server.udp", "sip.udp"),
        ("[sevrer]\nx = 1", "sevrer", "[server]"),
        ("[server]\nhttp = 8080", "server.http", "HOST:PORT"),
        ('[server]\nhttp = "localhost"', "server.http", "HOST:PORT"),
        ('[server]\nhttp = "localhost:99999"', "server.http", "HOST:PORT"),
        ('[server]\ndrain_seconds = "soon"', "server.drain_seconds", "number"),
        ("[sip]\nrtp_ports = [20001, 20010]", "sip.rtp_ports", "even"),
        ("[sip]\nrtp_ports = [30000, 20000]", "sip.rtp_ports", "[lowest, highest]"),
        ("[sip]\nrtp_ports = 5", "sip.rtp_ports", "list"),
        ("[sip]\nrtp_ports = [20000]", "sip.rtp_ports", "too few"),
        ('[sip]\nudp = "phone.example:5060"', "sip.udp", "no IP address"),
        ('[sip]\ntcp = "localhost:5060"', "sip.tcp", "127.0.0.1:5060"),
        ("[sip]\nrtp_ports = [5000, 6000]", "sip.rtp_ports", "sip.udp"),
        ('[sip]\nlocal_networks = ["ten"]', "sip.local_networks", "10.0.0.0/8"),
        ('[sip]\nudp = ""\ntcp = ""', "sip.udp", "at least"),
        ('[sip]\ntcp = "0.0.0.0:8080"', "server.http", "sip.tcp"),
        ("[webhooks]\nconnect_timeout = 20.0", "webhooks.connect_timeout", "total_timeout"),
        ('[webhooks]\ncapture = "some"', "webhooks.capture", "metadata"),
        ('[webhooks.map]\n"ftp://a" = "http://b"', "webhooks.map", "http://"),
        ('[tls]\nkey = "k.pem"', "tls.certificate", "both"),
        ('[[numbers]]\nnumber = "+15550100"', "numbers.voice_url", "+15550100"),
        ('[[numbers]]\nnumber = "1 2"\nvoice_url = "http://a"', "numbers.number", "digits"),
        ('[[numbers]]\nnumber = "1"\nvoice_url = "localhost:5000"', "numbers.voice_url", "http://"),
        (ONE.replace("voice_url", 'api_version = "2011-01-01"\nvoice_url'), "numbers", "2008-08-01"),
        (ONE + ONE.replace("+", ""), "numbers.number", "same address"),
        (ACCOUNT + ACCOUNT, "accounts.sid", "twice"),
        (ACCOUNT + OTHER + ONE, "numbers.account", "2 accounts"),
        (ACCOUNT + ONE + 'account = "AC2"', "numbers.account", "no account"),
        (ACCOUNT + USER + 'account = "AC2"', "users.account", "no account"),
        (ACCOUNT + TRUNK + 'account = "AC2"', "trunks.account", "no account"),
        (USER + USER, "users.name", "twice"),
        (TRUNK + TRUNK, "trunks.name", "twice"),
        ('[[accounts]]\nsid = "AC12"\ntoken = "x"', "accounts.sid", "32"),
        (ACCOUNT.replace("token", "tokn"), "accounts.tokn", "accounts.token"),
        ("[server", "", "TOML"),
    ],
)
def test_what_is_wrong_is_named_with_its_remedy(tmp_path: Path, text: str, setting: str, says: str) -> None:
    fault = refusal(tmp_path, text)
    assert setting in fault.setting
    assert says in fault.as_text()


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"ROOMTONE_SEVER__HTTP": "127.0.0.1:1"}, "[server]"),
        ({"ROOMTONE_SERVER__HTPP": "127.0.0.1:1"}, "server.http"),
        ({"ROOMTONE_SERVER__HTTP": "8080"}, "ROOMTONE_SERVER__HTTP"),
        ({"ROOMTONE_SIP__RTP_PORTS": "[1"}, "JSON"),
        ({"ROOMTONE_SIP__RTP_PORTS": "20000,20010"}, "JSON"),
        ({"ROOMTONE_CONFIG": "nowhere.toml"}, "nowhere.toml"),
    ],
)
def test_the_environment_is_named_when_it_is_wrong(tmp_path: Path, environment: dict[str, str], says: str) -> None:
    assert says in refusal(tmp_path, "", environment).as_text()


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--config"):
        load(config=Path("none.toml"), flags=Layer({}), environment={}, folder=tmp_path)


def test_every_fault_is_there_for_a_check(tmp_path: Path) -> None:
    fault = refusal(tmp_path, "[server]\nhttp = 1\n[rooms]\nmax_participants = 1\n")
    assert [other.setting for other in fault.others] == ["rooms.max_participants"]


def test_what_has_no_effect_yet_is_said(tmp_path: Path) -> None:
    text = '[rooms]\nagc = true\n[recordings]\nkeep_days = 3\n[[users]]\nname = "alice"\npassword = "x"\n'
    notices = " ".join(loaded(tmp_path, text).notices)
    for name in ("rooms.agc", "recordings", "users"):
        assert name in notices
    assert loaded(tmp_path, ONE).notices == ()


def test_a_dialect_that_is_not_spoken_yet_is_said(tmp_path: Path) -> None:
    (notice,) = loaded(tmp_path, ONE + 'dialect = "plivo"\n').notices
    assert "plivo" in notice
    assert "refused" in notice


REFERENCE = """
server.data server.http server.public_url server.admin server.admin_token server.drain_seconds server.database
tls.certificate tls.key
sip.udp sip.tcp sip.tls sip.domain sip.advertise sip.local_networks sip.rtp_ports sip.public sip.rtp_timeout
webhooks.allow_networks webhooks.connect_timeout webhooks.total_timeout webhooks.max_document_bytes
webhooks.max_media_bytes webhooks.capture webhooks.capture_hours webhooks.map
rooms.max_participants rooms.music_when_alone rooms.agc rooms.noise_suppression
limits.calls limits.calls_per_second limits.calls_per_account
recordings.require_auth recordings.keep_days recordings.storage
accounts.sid accounts.token accounts.project_id accounts.signing_key accounts.auth_id accounts.name
numbers.number numbers.account numbers.dialect numbers.api_version numbers.voice_url numbers.voice_method
numbers.fallback_url numbers.fallback_method numbers.status_callback numbers.status_callback_method
users.name users.password users.account
trunks.name trunks.account trunks.prefix trunks.uris trunks.uri trunks.username trunks.password trunks.register
trunks.allow_from trunks.strip trunks.prepend trunks.caller_id trunks.allow_prefixes trunks.srtp
trunks.calls_per_second trunks.ping_seconds
"""


def test_every_setting_of_the_reference_is_known() -> None:
    assert set(REFERENCE.split()) <= set(known_names())
