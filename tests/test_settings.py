"""What settings make of what they are given."""

import pytest

from settings import Settings


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
