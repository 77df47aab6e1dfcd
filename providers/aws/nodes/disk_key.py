"""The key of the account's disks, where it is one of the user's: whether Auto Scaling may use it.

Machines of EKS's groups have encrypted disks without a key of their own, so EBS takes the region's default. Where that
is a customer managed key, machines end as they start unless its policy or a grant lets Auto Scaling's role use it.
Source: EC2 Auto Scaling User Guide, "Required AWS KMS key policy for use with encrypted volumes".
"""

import json
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from components.errors import Problem, Problems
from providers.aws.asked import asked

PATH = "cluster.nodePools"
AWS_OWN = "alias/aws/ebs"
_USES = ("kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext")
"""Without one of these no encrypted disk can be attached; the guide's policy has them among others."""
_OPERATIONS = "Decrypt Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext ReEncryptFrom ReEncryptTo CreateGrant"


def disk_key_problems(account: str, region: str, client: Callable[..., Any]) -> list[Problem]:
    """The problem of a default key that Auto Scaling may not use. A question that is not answered stops nothing."""
    problems = Problems()
    key = problems.collect(_default_key, client("ec2"))
    if not key or key == AWS_OWN:
        return problems
    problems += problems.collect(_refused, key, account, region, client("kms")) or ()
    return problems


def _default_key(ec2: Any) -> str:
    found = asked("ec2:GetEbsDefaultKmsKeyId", PATH, ec2.get_ebs_default_kms_key_id, stops=False)
    return str((found or {}).get("KmsKeyId", ""))


def _refused(key: str, account: str, region: str, kms: Any) -> list[Problem]:
    described = asked("kms:DescribeKey", PATH, partial(kms.describe_key, KeyId=key), stops=False)
    meta = described["KeyMetadata"] if described else {}
    if meta.get("KeyManager") == "AWS":
        return []
    role = f"arn:aws:iam::{account}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
    arn = str(meta.get("Arn", key))
    found = asked("kms:GetKeyPolicy", PATH, partial(kms.get_key_policy, KeyId=arn, PolicyName="default"), stops=False)
    if found and _lets(json.loads(found["Policy"]), role):
        return []
    if asked("kms:ListGrants", PATH, partial(_is_granted, kms, arn, role), stops=False):
        return []
    message = (
        f"disks of this account are encrypted by default with {arn}, which Auto Scaling may not use: machines would"
        f" end as they start; run `aws kms create-grant --region {region} --key-id {arn} --grantee-principal {role}"
        f" --operations {_OPERATIONS} DescribeKey`, or make {AWS_OWN} the default"
    )
    return [Problem(path=PATH, message=message)]


def _lets(policy: Mapping[str, Any], role: str) -> bool:
    """True if statements of the policy let the role use the key. One for the account's root lets only those who have
    the right by their own policies too, and Auto Scaling's role does not.
    """
    allowed = [
        pattern
        for statement in _listed(policy.get("Statement"))
        if statement.get("Effect") == "Allow" and any(one in (role, "*") for one in _principals(statement))
        for pattern in _listed(statement.get("Action"))
    ]
    return all(any(fnmatchcase(use, pattern) for pattern in allowed) for use in _USES)


def _principals(statement: Mapping[str, Any]) -> Iterator[str]:
    given = statement.get("Principal")
    yield from _listed(given.get("AWS") if isinstance(given, Mapping) else given)


def _is_granted(kms: Any, key: str, role: str) -> bool:
    wanted = {use.removeprefix("kms:") for use in _USES}
    pages = kms.get_paginator("list_grants").paginate(KeyId=key)
    grants = (grant for page in pages for grant in page["Grants"])
    return any(one.get("GranteePrincipal") == role and wanted <= set(one.get("Operations", ())) for one in grants)


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
