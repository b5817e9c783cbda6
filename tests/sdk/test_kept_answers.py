"""Kept answers: deleted until none is left, before a day that the command line takes as UTC."""

import pytest
from typer.testing import CliRunner

from stillhouse import Stillhouse
from stillhouse.cli.main import application
from tests.sdk.conftest import Scripted

SOME = {"object": "answers", "deleted": 4000, "done": False}
REST = {"object": "answers", "deleted": 7, "done": True}


def test_they_are_deleted_until_none_is_left(client: Stillhouse, script: Scripted) -> None:
    script.will(SOME, SOME, REST)
    assert client.answers.delete(before=86_400) == {"object": "answers", "deleted": 8007, "done": True}
    assert [request.path for request in script.requests] == ["/v1/answers?before=86400"] * 3


def test_a_day_is_one_of_utc(script: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    script.will(REST, REST)
    options = ["--url", script.url, "--api-key", "sh_live_test", "answers", "delete"]
    ran = CliRunner().invoke(application(), [*options, "--before", "1970-01-02"])
    assert ran.exit_code == 0 and "deleted  7" in ran.output
    assert CliRunner().invoke(application(), options).exit_code == 0
    assert CliRunner().invoke(application(), [*options, "--before", "soon"]).exit_code == 2
    assert [request.path for request in script.requests] == ["/v1/answers?before=86400", "/v1/answers"]
