"""Projects: administrators make, change and delete them; everyone sees the own one."""

from fastapi import APIRouter

from api.answers.service import sweep
from api.deps import Admin, Caller, Db, Reader
from api.idempotency import OnlyOnce
from api.pages import AskedPage, Page, cut, page
from api.projects import service
from api.projects.wire import NewProject, Project, ProjectChange, ProjectDeleted
from models import project as projects

router = APIRouter(prefix="/v1/projects", tags=["projects"])


@router.post("", operation_id="create_project", status_code=201)
async def create(body: NewProject, caller: Admin, db: Db, once: OnlyOnce) -> Project:
    """Make a project: a tenant that sees nothing of the others."""
    project, _ = await once(db, Project, service.create, body)
    return project


@router.get("", operation_id="list_projects")
async def list_projects(caller: Reader, db: Db, asked: AskedPage) -> Page[Project]:
    """All projects for an administrator, the own one for others."""
    part = await db(cut, projects.visible(own(caller)), projects.Project.id, asked)
    return page(Page[Project], [Project.of(row) for row in part.rows], part.has_more)


@router.get("/{project_id}", operation_id="get_project")
async def get(project_id: str, caller: Reader, db: Db) -> Project:
    """One project."""
    return Project.of(await db(service.get, own(caller), project_id))


@router.patch("/{project_id}", operation_id="change_project")
async def change(project_id: str, body: ProjectChange, caller: Admin, db: Db) -> Project:
    """Renames a project, or sets what it may spend in a month. What was spent counts; jobs that lack its money go on once there is some."""
    return Project.of(await db(service.change, project_id, body))


@router.delete("/{project_id}", operation_id="delete_project")
async def delete(project_id: str, caller: Admin, db: Db) -> ProjectDeleted:
    """Delete a project that holds nothing any more, its keys, and the answers of endpoints that it keeps. Those take their time: after 20 seconds the rest is left, its keys are ended, and it is to be repeated (409)."""
    await db(service.close, project_id, caller.project)
    if not (await sweep(db, project_id)).done:
        raise service.full("kept answers", hint="Some of them are deleted. Repeat it.")
    await db(service.delete, project_id, caller.project)
    return ProjectDeleted(id=project_id)


def own(caller: Caller) -> str | None:
    """The project that can be seen; None: all."""
    return None if "admin" in caller.scopes else caller.project
