"""Machine types that SageMaker has, which are not all that EC2 has, and differ between its services.

Copied from the enums of SageMaker's API (botocore 1.44.5); a test holds them against the installed one.
"""

from collections.abc import Mapping


def _spelt_out(sizes_of_family: Mapping[str, str]) -> frozenset[str]:
    return frozenset(f"ml.{family}.{size}" for family, sizes in sizes_of_family.items() for size in sizes.split())


HYPER_POD_MACHINE_TYPES = _spelt_out(
    {
        "c5": "large xlarge 2xlarge 4xlarge 9xlarge 12xlarge 18xlarge 24xlarge",
        "c5n": "large 2xlarge 4xlarge 9xlarge 18xlarge",
        "c6a": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge",
        "c6g": "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
        "c6i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge",
        "c7g": "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
        "c8a": "16xlarge",
        "c8g": "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
        "g4dn": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
        "g5": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
        "g6": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
        "g6e": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
        "g7": "2xlarge 4xlarge 8xlarge 12xlarge 24xlarge 48xlarge",
        "g7e": "2xlarge 4xlarge 8xlarge 12xlarge 24xlarge 48xlarge",
        "gr6": "4xlarge 8xlarge",
        "i3en": "large xlarge 2xlarge 3xlarge 6xlarge 12xlarge 24xlarge",
        "m5": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge",
        "m6a": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge",
        "m6g": "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
        "m6i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge",
        "m7g": "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
        "m7i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
        "m8a": "16xlarge",
        "m8g": "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
        "p4d": "24xlarge",
        "p4de": "24xlarge",
        "p5": "4xlarge 48xlarge",
        "p5e": "48xlarge",
        "p5en": "48xlarge",
        "p6-b200": "48xlarge",
        "p6-b300": "48xlarge",
        "p6e-gb200": "36xlarge",
        "r5d": "16xlarge",
        "r6i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge",
        "r7i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
        "t3": "medium large xlarge 2xlarge",
        "trn1": "32xlarge",
        "trn1n": "32xlarge",
        "trn2": "3xlarge 48xlarge",
    }
)
"""SageMaker API, ClusterInstanceType."""

ENDPOINT_MACHINE_TYPES = _spelt_out(
    {
        "c4": "large xlarge 2xlarge 4xlarge 8xlarge",
        "c5": "large xlarge 2xlarge 4xlarge 9xlarge 18xlarge",
        "c5d": "large xlarge 2xlarge 4xlarge 9xlarge 18xlarge",
        "c6g": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
        "c6gd": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
        "c6gn": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
        "c6i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge",
        "c6in": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge",
        "c7g": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
        "c7i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
        "c8g": "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
        "dl1": "24xlarge",
        "g4dn": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
        "g5": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
        "g6": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
        "g6e": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
        "g7": "2xlarge 4xlarge 8xlarge 12xlarge 24xlarge 48xlarge",
        "g7e": "2xlarge 4xlarge 8xlarge 12xlarge 24xlarge 48xlarge",
        "inf1": "xlarge 2xlarge 6xlarge 24xlarge",
        "inf2": "xlarge 8xlarge 24xlarge 48xlarge",
        "m4": "xlarge 2xlarge 4xlarge 10xlarge 16xlarge",
        "m5": "large xlarge 2xlarge 4xlarge 12xlarge 24xlarge",
        "m5d": "large xlarge 2xlarge 4xlarge 12xlarge 24xlarge",
        "m6g": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
        "m6gd": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
        "m6i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge",
        "m7i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
        "m8g": "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
        "p2": "xlarge 8xlarge 16xlarge",
        "p3": "2xlarge 8xlarge 16xlarge",
        "p4d": "24xlarge",
        "p4de": "24xlarge",
        "p5": "4xlarge 48xlarge",
        "p5e": "48xlarge",
        "p5en": "48xlarge",
        "p6-b200": "48xlarge",
        "p6-b300": "48xlarge",
        "p6e-gb200": "36xlarge",
        "r5": "large xlarge 2xlarge 4xlarge 12xlarge 24xlarge",
        "r5d": "large xlarge 2xlarge 4xlarge 12xlarge 24xlarge",
        "r6g": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
        "r6gd": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
        "r6i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge",
        "r7gd": "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
        "r7i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
        "r8g": "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
        "t2": "medium large xlarge 2xlarge",
        "trn1": "2xlarge 32xlarge",
        "trn1n": "32xlarge",
        "trn2": "48xlarge",
    }
)
"""SageMaker API, ProductionVariantInstanceType."""
