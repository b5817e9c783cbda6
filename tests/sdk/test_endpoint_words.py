"""What `endpoints create` says where it cannot be used."""

from typer.testing import CliRunner

from stillhouse.cli.main import application
from stillhouse.errors import Conflict
from tests.sdk.conftest import Reply, Scripted

WAYS = "stillhouse endpoints change ep_x --key-from-env"
CREATE = ["endpoints", "create", "x", "--url", "https://api.example.com/v1"]


def test_a_failed_endpoint_names_what_mends_it(script: Scripted) -> None:
    problem = {"code": "endpoint_unauthorized", "message": "It answered 401.", "param": None, "hint": "PATCH it."}
    script.will({"id": "ep_x", "state": "failed", "error": problem})
    done = CliRunner().invoke(application(), ["--url", script.url, "--api-key", "k", *CREATE])
    assert done.exit_code == 1 and "error: It answered 401.\nhint: PATCH it.\nIt is kept as failed." in done.stderr
    assert WAYS in done.stderr and "does not answer" not in done.stderr


def test_the_model_that_was_looked_at_is_named(script: Scripted) -> None:
    """Nobody has named one: a job may mean another."""
    script.will({"id": "ep_x", "state": "ready", "error": None, "probed": {"chats": {}}})
    done = CliRunner().invoke(application(), ["--url", script.url, "--api-key", "k", *CREATE])
    assert done.exit_code == 0 and "it lists chats was looked at." in done.stderr
    assert "stillhouse endpoints probe ep_x --model NAME" in done.stderr


def test_a_taken_name_names_it_too(script: Scripted) -> None:
    script.will(Reply(409, {"error": {"message": "There.", "code": "name_taken", "hint": "PATCH it."}}))
    done = CliRunner().invoke(application(), ["--url", script.url, "--api-key", "k", *CREATE])
    assert isinstance(done.exception, Conflict)
    assert WAYS in str(done.exception) and "PATCH" not in str(done.exception)
