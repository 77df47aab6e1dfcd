"""Buckets that a file system is to mirror, asked before the file system is there and costs.

Sources: S3 API Reference, HeadBucket (403, 404 and 301 without a body, the region in a header); FSx for Lustre User
Guide, "Region and account support for linked S3 buckets" (imports within one region, exports across).
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from components.errors import Problem, Problems
from providers.aws.asked import asked
from providers.aws.storage.links import PATH
from providers.aws.storage.types import LinkPlan

_REGION = "x-amz-bucket-region"


def linked_problems(links: tuple[LinkPlan, ...], region: str, s3: Any) -> list[Problem]:
    """A problem for each link whose bucket is not there, is closed to the credentials, or lies elsewhere."""
    problems = Problems()
    for index, link in enumerate(links):
        problems += problems.collect(_of_link, link, f"{PATH}.{index}", region, s3) or ()
    return problems


def _of_link(link: LinkPlan, path: str, region: str, s3: Any) -> list[Problem]:
    bucket = link.uri.removeprefix("s3://").partition("/")[0]
    found = asked("s3:ListBucket", f"{path}.uri", partial(_head, s3, bucket), stops=False)
    if found is None:
        return []
    there = str(found["region"])
    if found["status"] == "404":
        message = f"{link.uri!r}: there is no bucket {bucket}; name one that holds the data, or leave the link out"
    elif found["status"] == "403":
        where = f" (in {there})" if there else ""
        message = (
            f"{link.uri!r}: bucket {bucket}{where} is there, and these credentials may not use it; it may be somebody"
            " else's: name your own, or have its owner allow s3:ListBucket to them"
        )
    elif there and there != region and link.import_on:
        message = (
            f"{link.uri!r}: bucket {bucket} is in {there}, and FSx imports changes within one region alone, here"
            f" {region}; set importOn: [], or name a bucket of this region"
        )
    else:
        return []
    return [Problem(path=f"{path}.uri", message=message)]


def _head(s3: Any, bucket: str) -> Mapping[str, str]:
    """Status and region; an error for every status that says nothing about the bucket."""
    from botocore.exceptions import ClientError

    try:
        return {"status": "200", "region": s3.head_bucket(Bucket=bucket).get("BucketRegion", "")}
    except ClientError as error:
        answer = error.response["ResponseMetadata"]
        status = str(answer["HTTPStatusCode"])
        if status not in ("301", "403", "404"):
            raise
    return {"status": status, "region": answer.get("HTTPHeaders", {}).get(_REGION, "")}
