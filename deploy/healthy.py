"""Whether the worker in this container is heard of: exit code 0 where PostgreSQL has seen it within a minute."""

import socket
import sys

import psycopg

from settings import settings

SEEN = "SELECT 1 FROM workers WHERE hostname = %s AND last_seen > clock_timestamp() - interval '1 minute'"


def main() -> int:
    url = settings().database_url.replace("+psycopg", "", 1)
    with psycopg.connect(url, connect_timeout=5) as connection:
        return 0 if connection.execute(SEEN, [socket.gethostname()]).fetchone() else 1


if __name__ == "__main__":
    sys.exit(main())
