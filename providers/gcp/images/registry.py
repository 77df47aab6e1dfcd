"""The stack's own registry in Artifact Registry. Its repository is made before `up` and outside of its state: the first
`up` needs what lies in it, and `destroy` keeps it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from components.errors import PenstockError
from components.plan.images import ImagePlan
from components.plan.stack import StackPlan
from components.registry import FoundImage, ImageRegistry, Login
from providers.gcp.images.address import HOST, address_of, host_of
from providers.gcp.images.questions import described, digest_of, repository_of
from providers.gcp.labels import PASSING
from providers.gcp.plan import GcpPlan
from providers.gcp.session import Google, GoogleError, session

USER = "oauth2accesstoken"
"""Name under which a registry takes a token for an hour (Artifact Registry, "Configure authentication for Docker")."""
_PATIENCE_S = 120.0
_OWN = "penstock-stack"


class ArtifactRegistry:
    """Artifact Registry of one project and region: the repository with the name of a stack, and what is below it."""

    def __init__(self, stack: str, labels: Mapping[str, str], project: str, region: str, google: Google) -> None:
        self._stack, self._labels, self._project, self._region = stack, dict(labels), project, region
        self._google = google

    @property
    def address(self) -> str:
        return address_of(self._project, self._region, self._stack)

    @property
    def login_lines(self) -> tuple[str, ...]:
        command = "gcloud auth print-access-token"
        return (f"{command} | ENGINE login --username {USER} --password-stdin {host_of(self._region)}",)

    def delete_line(self, repository: str) -> str:
        where = f"--repository={self._stack} --location={self._region} --project={self._project}"
        return f"gcloud artifacts packages delete {repository} {where}"

    def found(self, image: ImagePlan) -> FoundImage | None:
        try:
            answer = described(self._google, self._repository, image)
        except GoogleError as error:
            raise PenstockError(f"{error}; allow artifactregistry.dockerimages.get to your credentials") from None
        if answer is None:
            return None
        return FoundImage(
            digest=digest_of(answer),
            size_bytes=int(answer.get("imageSizeBytes", 0)),
            pushed_at=datetime.fromisoformat(str(answer["uploadTime"])),
        )

    def make(self, repository: str) -> bool:  # noqa: ARG002 (below the stack's one repository a push makes the rest)
        """With tags that do not move, and the stack's label."""
        try:
            there = self._google.get("artifact_registry", self._repository)
        except GoogleError as error:
            if not error.is_absent:
                raise PenstockError(f"{error}; allow artifactregistry.repositories.get to your credentials") from None
        else:
            self._require_own(there.get("labels", {}))
            return False
        parent, _, name = self._repository.rpartition("/")
        body = {"format": "DOCKER", "dockerConfig": {"immutableTags": True}, "labels": self._labels}
        try:
            done = self._google.post("artifact_registry", parent, body, repositoryId=name)
            self._google.await_operation("artifact_registry", str(done["name"]), _PATIENCE_S)
        except GoogleError as error:
            raise PenstockError(f"{error}; allow artifactregistry.repositories.create to your credentials") from None
        return True

    def _require_own(self, labels: Mapping[str, str]) -> None:
        whose = labels.get(_OWN, "nobody's")
        if whose != self._stack:
            remedy = f"give it the label {_OWN}={self._stack}, or the stack another name"
            raise PenstockError(f"the repository {self._stack} is there and is not this stack's ({whose}); {remedy}")

    @property
    def _repository(self) -> str:
        return repository_of(self._project, self._region, self._stack)

    def logins(self, hosts: Iterable[str]) -> tuple[Login, ...]:
        """The identity's own token, which opens every registry that it may read."""
        ours = sorted(host for host in hosts if HOST.fullmatch(host))
        if not ours:
            return ()
        try:
            token = self._google.token()
        except GoogleError as error:
            raise PenstockError(str(error)) from None
        return tuple(Login(host=host, user=USER, password=token) for host in ours)


def open_registry(plan: StackPlan) -> ImageRegistry:
    """The registry of the stack's project."""
    cluster = plan.cluster
    assert isinstance(cluster, GcpPlan)
    lasting = {key: value for key, value in cluster.labels.items() if key not in PASSING}
    return ArtifactRegistry(plan.stack, lasting, cluster.project, cluster.region, session(**cluster.identity))
