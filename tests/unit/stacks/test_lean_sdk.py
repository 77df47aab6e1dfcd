"""The SDKs as stacks load them: the same names, from their own files. In a process that has loaded no SDK yet."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from stacks import lean_sdk
lean_sdk.install()
from pulumi_aws import ec2, kms
from pulumi_kubernetes.helm.v3 import Release, RepositoryOptsArgs
from pulumi_azure_native import containerservice
import pulumi_kubernetes
import httpx

assert "rich" not in sys.modules and callable(httpx.get)
assert ec2.Vpc.__module__ == ec2.VpcArgs.__module__ == "pulumi_aws.ec2.vpc"
assert ec2.LaunchTemplateMonitoringArgs.__module__ == "pulumi_aws.ec2._inputs"
assert ec2.outputs.__name__ == "pulumi_aws.ec2.outputs"
assert kms.get_key.__module__ == "pulumi_aws.kms.get_key"
assert isinstance(Release, type) and isinstance(RepositoryOptsArgs, type)
assert pulumi_kubernetes.core.v1.Namespace.__name__ == "Namespace"
assert "pulumi_aws.ec2.ami" not in sys.modules and "requests" not in sys.modules
assert ec2.PlacementStrategy.__module__ == "pulumi_aws.ec2._enums"
assert "pulumi_aws.ec2.ami" not in sys.modules
assert ec2.GetAmiResult.__module__ == "pulumi_aws.ec2.get_ami"  # no file of that name: the whole package is loaded
assert "pulumi_aws.ec2.ami" in sys.modules
assert ec2.Vpc is sys.modules["pulumi_aws.ec2.vpc"].Vpc
assert containerservice.ResourceIdentityType.__module__ == "pulumi_azure_native.containerservice._enums"
told = containerservice.list_managed_cluster_user_credentials_output
assert told.__module__ == "pulumi_azure_native.containerservice.list_managed_cluster_user_credentials"
assert "pulumi_azure_native.containerservice.fleet" not in sys.modules
try:
    ec2.Nothing
except AttributeError:
    print("done")
"""


def test_a_resource_comes_from_its_own_file_and_the_rest_stays_unloaded(repository: Path) -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], cwd=repository, capture_output=True, text=True, check=False)
    assert ran.stdout == "done\n", ran.stderr
