"""A server whose TLS breaks in the middle of a reply, with a certificate of its own making."""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
GARBAGE = b"\x17\x03\x03\x00\x20" + b"no record of these keys, 32 bytes"[:32]
"""A record's head, and what no key of the connection has sealed."""


def certificate(folder: Path) -> tuple[Path, Path]:
    """Of this host, signed by itself; and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "teacher")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "public.pem", folder / "private.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return public, private


@contextmanager
def breaking(public: Path, private: Path, begun: bytes) -> Iterator[str]:
    """The URL of a server that reads a request, sends `begun`, and then GARBAGE beneath TLS. Of one connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)

    def serve() -> None:
        plain, _ = listening.accept()
        # A client that does not trust the certificate hangs up in the handshake.
        with suppress(OSError), plain.dup() as beneath, context.wrap_socket(plain, server_side=True) as sealed:
            while b"}" not in sealed.recv(65_536):
                pass
            sealed.sendall(begun)
            beneath.sendall(GARBAGE)
            beneath.settimeout(5.0)
            while beneath.recv(65_536):  # until the client has gone: a close would be another error
                pass

    with socket.create_server((HOST, 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"https://{HOST}:{listening.getsockname()[1]}/v1"
        thread.join(10.0)
