"""`python -m standalone up`, `env`, or `run -- COMMAND`."""

import argparse
import os
import shlex
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from standalone import supervisor
from standalone.home import Home
from standalone.postgres import Postgres
from standalone.services import Worker, migrate
from standalone.stack import Stack
from standalone.valkey import Valkey


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m standalone", description=__doc__)
    home = Path(os.environ.get("STILLHOUSE_HOME", "data"))
    parser.add_argument("--home", type=Path, default=home, help="where everything is kept (STILLHOUSE_HOME, ./data)")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="run PostgreSQL, Valkey, api and a worker in the foreground")
    port = int(os.environ.get("STILLHOUSE_PORT", "8400"))
    up.add_argument("--port", type=int, default=port, help="of the API (STILLHOUSE_PORT, 8400)")
    up.add_argument("--slots", type=int, default=max(2, os.cpu_count() or 2), help="steps that run at once")
    commands.add_parser("env", help="print the variables that api, workers and clients of this home need")
    run = commands.add_parser(
        "run", help="run a command beside a fresh, migrated PostgreSQL and Valkey that go with it"
    )
    run.add_argument("argv", nargs="+", metavar="COMMAND")
    arguments = parser.parse_args()
    match arguments.command:
        case "up":
            return start(arguments)
        case "run":
            return run_beside(arguments.argv)
        case _:
            return show(Home(arguments.home))


def start(arguments: argparse.Namespace) -> int:
    try:
        supervisor.run(Stack(arguments.home, port=arguments.port, workers=[Worker(slots=arguments.slots)]))
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def run_beside(argv: list[str]) -> int:
    """The command's exit code."""
    with TemporaryDirectory(prefix="stillhouse-") as folder:
        home = Home(Path(folder))
        servers = postgres, valkey = Postgres(home.path, durable=False), Valkey(home.path)
        environment = {**os.environ, **home.variables(postgres.url, valkey.url)}
        try:
            for server in servers:
                server.start()
                server.wait_ready()
            migrate(environment)
            return subprocess.run(argv, env=environment, check=False).returncode
        finally:
            for server in servers:
                server.stop()


def show(home: Home) -> int:
    variables = home.variables(Postgres(home.path).url, Valkey(home.path).url)
    if home.key_file.exists():
        variables["STILLHOUSE_API_KEY"] = home.key_file.read_text().strip()
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
