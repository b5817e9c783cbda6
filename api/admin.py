"""What an administrator does before there is a key: `python -m api.admin first-key | create-project | create-key | reseal`."""

import argparse
import sys

from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from api.keys.service import create as make_key
from api.keys.service import revealed
from api.keys.wire import NewKey, Scope
from api.projects.service import create as make_project
from api.projects.wire import NewProject
from gateway.seal import Keyring, Sealed
from models.endpoint import sealed_by_others
from models.key import Key
from models.project import Project, of_name
from settings import settings

FIRST = "default"
SCOPES: tuple[Scope, ...] = ("read", "write", "admin")


def main(arguments: list[str] | None = None) -> int:
    asked = parser().parse_args(arguments)
    engine = create_engine(settings().database_url)
    with Session(engine) as session, session.begin():
        lines: str | None = asked.act(session, asked)
    engine.dispose()
    if lines is not None:
        print(lines)
    return 0


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m api.admin", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    first = commands.add_parser("first-key", help="where there is no key yet: a project and an admin key, printed once")
    first.set_defaults(act=first_key)
    project = commands.add_parser("create-project", help="make a project, print its id")
    project.add_argument("--name", required=True)
    project.set_defaults(act=create_project)
    key = commands.add_parser("create-key", help="make a key, print it once")
    key.add_argument("--project", required=True, help="id or name")
    key.add_argument("--name", default="command line")
    key.add_argument("--scopes", default="read,write", type=lambda text: text.split(","), help="of read,write,admin")
    key.set_defaults(act=create_key)
    again = commands.add_parser("reseal", help="seal all keys of endpoints with the first of STILLHOUSE_SEALING_KEYS")
    again.set_defaults(act=reseal)
    return top


def first_key(session: Session, _: argparse.Namespace) -> str | None:
    """The secret of a first admin key; None where there are keys already."""
    if session.scalar(select(Key.id).limit(1)) is not None:
        return None
    project = session.scalar(of_name(FIRST))
    owner = project.id if project is not None else make_project(session, NewProject(name=FIRST))[0].id
    return secret(session, NewKey(name="first", scopes=SCOPES, project=owner))


def create_project(session: Session, asked: argparse.Namespace) -> str:
    return make_project(session, NewProject(name=asked.name))[0].id


def create_key(session: Session, asked: argparse.Namespace) -> str:
    named = session.get(Project, asked.project) or session.scalar(of_name(asked.project))
    if named is None:
        raise SystemExit(f"no project {asked.project!r}")
    return secret(session, NewKey(name=asked.name, scopes=asked.scopes, project=named.id))


def reseal(session: Session, _: argparse.Namespace) -> str:
    """Keys of endpoints that lie under an older master key are sealed with the first one; nothing stands still meanwhile."""
    keyring = Keyring.parse(settings().sealing_keys)
    moved = 0
    for row in session.scalars(sealed_by_others(keyring.current).with_for_update()):
        held = Sealed(str(row.sealed_by), bytes(row.sealed or b""))
        sealed = keyring.reseal(held, project=row.project, endpoint=row.id)
        row.sealed_by, row.sealed = sealed.key, sealed.box
        moved += 1
    return f"{moved} keys resealed"


def secret(session: Session, wanted: NewKey) -> str:
    pepper = settings().pepper
    made, _ = make_key(session, pepper, wanted)
    return revealed(pepper, made).key


if __name__ == "__main__":
    sys.exit(main())
