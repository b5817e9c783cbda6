"""What an owner has, made when a test first asks for it, by name of the parameter in a path."""

from typing import Any

from sqlalchemy.orm import Session

from models.answer import Kept, keep
from models.event import Line
from spec.ids import new_id
from tests.acceptance.teacher import served
from tests.api.hand import texts
from tests.api.jobs import Jobs
from tests.api.service import Tenant, good


def bedrock(file: str, teacher: str, **more: Any) -> dict[str, Any]:
    """Amazon's request, with a teacher that is held here."""
    return {
        "jobName": "mail",
        "customModelName": "sorter",
        "roleArn": "arn:aws:iam::123456789012:role/r",
        "baseModelIdentifier": "text-classifier-16",
        "customizationType": "DISTILLATION",
        "trainingDataConfig": {"s3Uri": file},
        "outputDataConfig": {"s3Uri": "s3://bucket/out"},
        "customizationConfig": {"distillationConfig": {"teacherModelConfig": {"teacherModelIdentifier": teacher}}},
        **more,
    }


def vertex(file: str, teacher: str) -> dict[str, Any]:
    """Google's."""
    spec = {"baseTeacherModel": teacher, "studentModel": "text-classifier-16", "trainingDatasetUri": file}
    return {"tunedModelDisplayName": "mail", "distillationSpec": spec}


class World:
    """Things of one owner. Each call makes a new one, so that a call that deletes it can be made twice."""

    def __init__(self, jobs: Jobs, owner: Tenant) -> None:
        self.jobs, self.owner = jobs, owner
        self._seeds = 0
        self._teacher: str | None = None

    def file(self) -> str:
        id: str = self.owner.upload()["id"]
        return id

    def dataset(self) -> str:
        return self.jobs.dataset()

    def model(self) -> str:
        return self.jobs.teacher(f"weights {self._seed()}".encode())

    def teacher(self) -> str:
        """One for all jobs that wait for files: the worker by hand would take up a file's inspection in place of another model's."""
        self._teacher = self._teacher or self.model()
        return self._teacher

    def endpoint(self) -> str:
        """Its address is refused, so its probe fails at once."""
        body = {"name": new_id(""), "url": "https://127.0.0.1/v1", "key": "sk-world"}
        id: str = good(self.owner.client.post("/v1/endpoints", json=body))["id"]
        return id

    def queued(self) -> str:
        """A job that waits for a worker."""
        id: str = self.jobs.start()["id"]
        return id

    def bedrock(self) -> str:
        """The same, asked for as of Amazon."""
        body = bedrock(self.file(), self.teacher())
        id: str = good(self.owner.client.post("/model-customization-jobs", json=body))["jobArn"]
        return id

    def vertex(self) -> str:
        """The same, asked for as of Google."""
        path = "/v1/projects/p/locations/l/tuningJobs"
        name: str = good(self.owner.client.post(path, json=vertex(self.file(), self.teacher())))["name"]
        return name.rpartition("/")[2]

    def paused(self) -> str:
        id = self.queued()
        good(self.owner.client.post(f"/v1/distillations/{id}/pause"))
        return id

    def training(self) -> str:
        """A job with a first checkpoint: it can be finished."""
        id: str = self.jobs.start(self.jobs.spec({"training.seed": self._seed()}))["id"]
        work = self.jobs.hand.begin("train")
        self.jobs.hand.tell(work, Line("metrics", "", work.grip.name, {"step": 1, "series": {"loss": 1.0}}))
        self.jobs.hand.checkpoint(work, 1)
        return id

    def ended(self) -> str:
        id: str = self.jobs.start(self.jobs.spec({"training.seed": self._seed()}))["id"]
        weights = f"student {id}".encode()
        self.jobs.run(model__safetensors=weights)
        self.jobs.run(grade__json=b"{}")
        self.jobs.run(model__safetensors=weights, report__json=b"{}", report__html=b"<p>Kept</p>")
        return id

    def asking(self, **more: Any) -> str:
        """A job that has a teacher behind an endpoint write texts and answer; its worker has not begun. `more`: further parts."""
        service = self.owner.service
        boss = service.client(service.key(self.owner.project, "read", "write", "admin"))
        with served() as teacher:
            body = {
                "name": new_id(""),
                "url": teacher.url,
                "allow_private": True,
                "price": {"input": 1.0, "output": 2.0},
            }
            endpoint = good(boss.post("/v1/endpoints", json=body))["id"]
        file = self.owner.upload(f"texts {self._seed()}".encode())["id"]
        rows: str = good(self.owner.client.post("/v1/datasets", json={"files": [file]}))["id"]
        self.jobs.hand.inspect_dataset(texts(self.jobs.hand), train=b"rows of train", test=b"rows of test")
        spec = {
            "name": "asking",
            "teacher": {"models": [f"{endpoint}/words"]},
            "data": {
                "train": f"{rows}/train",
                "heldout": f"{rows}/test",
                "seed": self._seed(),
                "responses": {"type": "teacher", "sampling": {"max_tokens": 4}},
                "synthesise": {"rows": 3, "sampling": {"max_tokens": 100}},
            },
            "student": {"type": "text_classifier", "width": 16},
            "objective": [{"type": "labels"}],
            "evaluation": {"baselines": []},
        }
        id: str = self.jobs.start(spec | more)["id"]
        return id

    def answered(self) -> str:
        """The same, stopped once it has said something of two rows and written one text."""
        id = self.asking()
        self.jobs.run(rows__arrow=b"rows", texts__jsonl=b'{"call": 0, "fate": "kept", "text": "new"}\n')
        said = (
            b'{"side": "heldout", "row": 0, "kind": "answered", "label": "1", "gold": "1", "answers": ["1"]}\n'
            b'{"side": "train", "row": 1, "kind": "failed", "label": null, "failed": "permanent", "message": "no"}\n'
        )
        self.jobs.run(answers__jsonl=said, answers__json=b"{}")
        good(self.owner.client.post(f"/v1/distillations/{id}/cancel"))
        return id

    def kept(self) -> str:
        """An answer of an endpoint."""
        with Session(self.jobs.hand.engine) as session, session.begin():
            keep(session, self.owner.project, [Kept(digest=f"{self._seed():064x}", sample=0, reply={"text": "long"})])
        return self.owner.project

    def key(self) -> str:
        body = {"name": "another", "project": self.owner.project}
        id: str = good(self.owner.service.admin.post("/v1/keys", json=body))["id"]
        return id

    def project(self) -> str:
        return self.owner.project

    def _seed(self) -> int:
        """Jobs that differ: an equal one would take its steps from the cache."""
        self._seeds += 1
        return self._seeds
