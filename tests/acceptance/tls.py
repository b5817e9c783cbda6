"""TLS for a test: an authority, a certificate of `localhost`, and relays that show it."""

import datetime
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from standalone.process import Process

DAY = datetime.timedelta(days=1)


class Relay(Process):
    """Everything that comes to `port` by TLS goes to `target` without. The port is open from the first: who calls early waits."""

    def __init__(self, name: str, target: str, certificate: Path, logs: Path, *protocols: str) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        descriptor, program = self.listener.fileno(), Path(__file__).with_name("relay.py")
        argv = [sys.executable, str(program), str(descriptor), target, str(certificate), *protocols]
        super().__init__(f"tls-{name}", argv, log=logs / f"tls-{name}.log", descriptors=[descriptor])


@contextmanager
def relays(*some: Relay) -> Iterator[None]:
    """All of them, running."""
    with ExitStack() as stack:
        for relay in some:
            relay.start()
            stack.callback(relay.listener.close)
            stack.callback(relay.stop)
        yield


def certify(folder: Path) -> tuple[Path, Path]:
    """(the authority's certificate, that of `localhost` with its key), as PEM files."""
    folder.mkdir()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = builder(name, name, authority.public_key())
    root = root.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    leaf = builder(name, subject, key.public_key())
    leaf = leaf.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    trusted, shown = folder / "authority.pem", folder / "localhost.pem"
    trusted.write_bytes(root.sign(authority, hashes.SHA256()).public_bytes(pem))
    shown.write_bytes(leaf.sign(authority, hashes.SHA256()).public_bytes(pem) + secret)
    return trusted, shown


def builder(issuer: x509.Name, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().issuer_name(issuer).subject_name(subject).public_key(key)
    return made.serial_number(x509.random_serial_number()).not_valid_before(now - DAY).not_valid_after(now + DAY)
