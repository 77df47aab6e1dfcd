"""The identity that penstock's own requests to AWS are made with: that of the stack file's `aws:` keys."""

from typing import Any


def session(region: str, *, profile: str = "", role_arn: str = "") -> Any:
    """A boto3 session of that profile, in that role; of the environment where both are empty."""
    import boto3

    base: Any = boto3.Session(profile_name=profile or None, region_name=region)
    if not role_arn:
        return base
    taken = base.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="penstock")["Credentials"]
    return boto3.Session(
        aws_access_key_id=taken["AccessKeyId"],
        aws_secret_access_key=taken["SecretAccessKey"],
        aws_session_token=taken["SessionToken"],
        region_name=region,
    )
