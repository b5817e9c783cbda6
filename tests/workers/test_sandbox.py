"""What a child reaches from inside: its run folder, Python and its own code. Each probe must fail; the controls must not."""

import os
import socket
from pathlib import Path

import pytest

from tests.workers.leashed import BWRAP, leashed
from workers.sandbox import ROOT, Sandbox, detect

PROBE = """
import os, sys
try:
    {code}
except BaseException as error:
    print("refused:", type(error).__name__, error)
else:
    print("reached")
"""
HOME = str(Path.home())
PROBES = {
    "another run folder": "os.listdir({outside!r})",
    "a file beside the run folder": "open({outside!r} + '/secret').read()",
    "the leash's report": "open({folder!r} + '/leash.json', 'r+')",
    "the settings": "open({root!r} + '/settings.py').read()",
    "the home folder": f"os.listdir({HOME!r} + '/.ssh')",
    "shadow": "open('/etc/shadow').read()",
    "host name": "open('/etc/hostname').read()",
    "write to inputs": "open('inputs/x', 'w')",
    "change an input": "open('inputs/given', 'r+')",
    "remove an input": "os.unlink('inputs/given')",
    "chmod an input": "os.chmod('inputs/given', 0o777)",
    "write to the code": "open({root!r} + '/spec/run.py', 'a')",
    "write to Python": "open(os.path.join(sys.prefix, 'x'), 'w')",
    "write to the root": "open('/x', 'w')",
    "write to /usr": "open('/usr/x', 'w')",
    "loopback": "__import__('socket').create_connection(('127.0.0.1', {port}), 2)",
    "a unix socket": "__import__('socket').socket(1, 1).connect({outside!r} + '/socket')",
    "other processes": "os.kill({pid}, 0)",
    "their environment": "open('/proc/{pid}/environ').read()",
    "PID 1": "open('/proc/1/environ').read()",
    "PID 1's memory": "open('/proc/1/mem', 'rb').read(1)",
    "PID 1's root": "os.listdir('/proc/1/root/')",
    "the worker's pipe": "open('/proc/1/fd/0').read()",
    "a new namespace": "assert __import__('ctypes').CDLL(None).unshare(0x10000000) == 0",
    "a mount": "assert __import__('ctypes').CDLL(None).mount(b'none', b'/tmp', b'tmpfs', 0, None) == 0",
    "an unmount": "assert __import__('ctypes').CDLL(None).umount2({run!r}.encode() + b'/inputs', 2) == 0",
    "chroot": "os.chroot('/tmp')",
    "set the clock": "__import__('time').clock_settime(0, 0)",
    "a device": "os.mknod('/tmp/d', 0o20666, os.makedev(1, 1))",
    "set a sysctl": "open('/proc/sys/user/max_user_namespaces', 'w').write('9')",
    "kernel keys": "assert __import__('ctypes').CDLL(None).syscall(321, 0, 0, 0) >= 0",
    "a core file": "assert __import__('resource').getrlimit(4)[1] != 0",
    "more processes": "__import__('resource').setrlimit(6, (-1, -1))",
    "ptrace": "assert __import__('ctypes').CDLL(None).ptrace(16, 1, 0, 0) == 0",
    "a secret in the environment": "os.environ['STILLHOUSE_PEPPER']",
}
CONTROLS = {
    "its run folder": "open('x', 'w').write('y')",
    "its inputs": "assert open('inputs/given').read() == 'given'",
    "a folder for temporary files": "open('/tmp/x', 'w').write('y')",
    "/dev/null": "open('/dev/null', 'w').write('y')",
    "shared memory": "__import__('multiprocessing.shared_memory').shared_memory.SharedMemory(create=True, size=64).unlink()",
    "numpy": "__import__('numpy').ones(3)",
    "the contract": "__import__('spec.run')",
    "threads": "[t.start() for t in [__import__('threading').Thread(target=print)]]",
    "a process": "__import__('subprocess').run([sys.executable, '-c', 'pass'], check=True)",
}


BOTH = pytest.mark.parametrize("sandbox", [Sandbox.NAMESPACE, pytest.param(Sandbox.BUBBLEWRAP, marks=BWRAP)])


def probe(tmp_path: Path, code: str, sandbox: Sandbox) -> str:
    folder, outside = tmp_path / "attempt", tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind(str(outside / "socket"))
        local.listen()
        here = {"outside": str(outside), "folder": str(folder), "root": str(ROOT), "run": str(folder / "run")}
        told = code.format(**here, port=server.getsockname()[1], pid=os.getpid()) if "{" in code else code
        folder.mkdir()
        (folder / "run" / "inputs").mkdir(parents=True)
        (folder / "run" / "inputs" / "given").write_text("given")
        with leashed(folder, PROBE.format(code=told), sandbox=sandbox) as held:
            held.ended()
        return (held.run / "log.txt").read_text()


@BOTH
@pytest.mark.parametrize("what", sorted(PROBES))
def test_nothing_outside_is_reached(tmp_path: Path, what: str, sandbox: Sandbox) -> None:
    assert probe(tmp_path, PROBES[what], sandbox).startswith("refused:")


@BOTH
@pytest.mark.parametrize("what", sorted(CONTROLS))
def test_what_a_child_needs_is_there(tmp_path: Path, what: str, sandbox: Sandbox) -> None:
    assert "reached" in probe(tmp_path, CONTROLS[what], sandbox)


def test_the_sandbox_of_this_machine_is_found_by_trying(tmp_path: Path) -> None:
    assert detect(tmp_path) is Sandbox.NAMESPACE
