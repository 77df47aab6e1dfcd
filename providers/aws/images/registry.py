"""The stack's own registry in ECR. Its repositories are made before `up` and outside of its state: the first `up` needs
what lies in them, and `destroy` keeps it.
"""

import base64
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from components.errors import PenstockError
from components.labels import STACK
from components.plan.images import ImagePlan
from components.plan.stack import StackPlan
from components.registry import FoundImage, ImageRegistry, Login
from providers.aws.images.address import HOST, address_of, host_of
from providers.aws.images.questions import ABSENT, ACTION, described, full_name
from providers.aws.plan import AwsPlan
from providers.aws.session import session

T = TypeVar("T")


class EcrRegistry:
    """ECR of one account and region, below the name of a stack."""

    def __init__(self, stack: str, tags: dict[str, str], region: str, client: Callable[..., Any]) -> None:
        self._stack, self._tags, self._region, self._client = stack, tags, region, client
        self._account = str(_answered("sts:GetCallerIdentity", client("sts").get_caller_identity)["Account"])
        self._ecr = client("ecr")

    @property
    def address(self) -> str:
        return address_of(self._account, self._region, self._stack)

    @property
    def login_lines(self) -> tuple[str, ...]:
        host = host_of(self._account, self._region)
        password = f"aws ecr get-login-password --region {self._region}"
        return (f"{password} | ENGINE login --username AWS --password-stdin {host}",)

    def delete_line(self, repository: str) -> str:
        name = f"{self._stack}/{repository}"
        return f"aws ecr delete-repository --force --region {self._region} --repository-name {name}"

    def found(self, image: ImagePlan) -> FoundImage | None:
        name = full_name(image, self._stack)
        answer = _answered(ACTION, _unless(ABSENT, lambda: described(self._ecr, self._account, name, image)))
        if answer is None:
            return None
        return FoundImage(
            digest=answer["imageDigest"],
            size_bytes=answer.get("imageSizeInBytes", 0),
            pushed_at=answer["imagePushedAt"],
        )

    def make(self, repository: str) -> bool:
        """Encrypted under ECR's key in KMS, with tags that do not move, scanned on push, with the stack's tag."""
        name = f"{self._stack}/{repository}"
        request = {
            "repositoryName": name,
            "imageTagMutability": "IMMUTABLE",
            "imageScanningConfiguration": {"scanOnPush": True},
            "encryptionConfiguration": {"encryptionType": "KMS"},
            "tags": [{"Key": key, "Value": value} for key, value in sorted(self._tags.items())],
        }
        made = _answered(
            "ecr:CreateRepository and ecr:TagResource",
            _unless(("RepositoryAlreadyExistsException",), lambda: self._ecr.create_repository(**request)),
        )
        if made is None:
            self._require_own(name)
        return made is not None

    def _require_own(self, name: str) -> None:
        there = _answered(
            "ecr:DescribeRepositories", lambda: self._ecr.describe_repositories(repositoryNames=[name])["repositories"]
        )
        arn = there[0]["repositoryArn"]
        tags = _answered("ecr:ListTagsForResource", lambda: self._ecr.list_tags_for_resource(resourceArn=arn)["tags"])
        whose = {tag["Key"]: tag["Value"] for tag in tags}.get(STACK, "nobody's")
        if whose != self._stack:
            remedy = f"give it the tag {STACK}={self._stack}, or the stack another name"
            raise PenstockError(f"the repository {name} is there and is not this stack's ({STACK}: {whose}); {remedy}")

    def logins(self, hosts: Iterable[str]) -> tuple[Login, ...]:
        """Tokens of 12 hours, of each region one: it opens every registry there that the identity may read."""
        ours = {host: found["region"] for host in hosts if (found := HOST.fullmatch(host))}
        tokens = {region: self._token(region) for region in set(ours.values())}
        return tuple(Login(host=host, user="AWS", password=tokens[region]) for host, region in sorted(ours.items()))

    def _token(self, region: str) -> str:
        ecr = self._ecr if region == self._region else self._client("ecr", region_name=region)
        answer = _answered("ecr:GetAuthorizationToken", ecr.get_authorization_token)
        return base64.b64decode(answer["authorizationData"][0]["authorizationToken"]).decode().partition(":")[2]


def open_registry(plan: StackPlan) -> ImageRegistry:
    """The registry of the account that the stack's identity is in."""
    cluster = plan.cluster
    assert isinstance(cluster, AwsPlan)
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        account = session(cluster.region, **cluster.identity)
    except (BotoCoreError, ClientError) as error:
        raise PenstockError(f"{error}; name a profile and a role that your credentials may use") from None
    return EcrRegistry(plan.stack, _lasting(cluster.tags), cluster.region, account.client)


def _lasting(tags: Mapping[str, str]) -> dict[str, str]:
    """The stack's name and the user's own: what changes with the stack file stays off what outlives the stack."""
    return {key: value for key, value in tags.items() if key == STACK or not key.startswith("penstock:")}


def _answered(action: str, request: Callable[[], T]) -> T:
    """AWS's answer; PenstockError with the right that is missing."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

    try:
        return request()
    except ClientError as error:
        raise PenstockError(f"{error}; allow {action} to your credentials") from None
    except NoCredentialsError:
        raise PenstockError("no credentials of AWS are found; `aws sso login` or `aws configure` brings some") from None
    except BotoCoreError as error:
        raise PenstockError(f"{action} cannot be asked: {error}; make AWS reachable") from None


def _unless(absent: tuple[str, ...], request: Callable[[], T]) -> Callable[[], T | None]:
    """The request; its answer is None where its error's code is one of these."""
    from botocore.exceptions import ClientError

    def ask() -> T | None:
        try:
            return request()
        except ClientError as error:
            if error.response["Error"]["Code"] in absent:
                return None
            raise

    return ask
