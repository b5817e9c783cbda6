"""What settings make of what they are given, and processes of settings."""

from pathlib import Path

import pytest

import api.main
import workers.station
from settings import Settings
from spec import terms


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("redis://:p@host:6379/0", "redis://:p@host:6379/0"),
        ("redis+socket://:p@/run/valkey.sock", "redis+socket://:p@/run/valkey.sock"),
        ("rediss://:p@host:6380/0", "rediss://:p@host:6380/0?ssl_cert_reqs=required"),
        ("rediss://:p@host/0?ssl_ca_certs=/ca.pem", "rediss://:p@host/0?ssl_ca_certs=/ca.pem&ssl_cert_reqs=required"),
        ("rediss://:p@host/0?ssl_cert_reqs=none", "rediss://:p@host/0?ssl_cert_reqs=none"),
    ],
)
def test_tls_to_the_broker_checks_who_answers(given: str, meant: str) -> None:
    assert Settings(broker_url=given).broker_url == meant


@pytest.mark.parametrize("process", [api.main, workers.station])
def test_a_process_reads_its_file_of_terms_before_anything_else(
    process: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad one keeps it from starting."""
    file = tmp_path / "terms.toml"
    given = Settings(database_url="d", broker_url="redis://", storage="/s", pepper="p", terms=str(file))
    monkeypatch.setattr(process, "settings", lambda: given)
    monkeypatch.setattr(terms, "KNOWN", [*terms.KNOWN])
    with pytest.raises(ValueError, match=f"{file}: .*No such file"):
        process.create_app()  # type: ignore[attr-defined]  # both have one
    file.write_text(terms.TABLE.read_text().replace("api.openai.com", "llm.example.com"))
    process.create_app()  # type: ignore[attr-defined]  # as above
    assert terms.of_host("llm.example.com") and not terms.of_host("api.openai.com")
