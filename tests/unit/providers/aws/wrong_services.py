"""Mistakes of a user about control planes, serving, and a stack as a whole."""

from typing import Any

from tests.unit.providers.aws.whole_stacks import BATCH, GONE, LUSTRE, PLANE, POOL, SLURM, TRAIN, Case, block

IMAGE = "123456789012.dkr.ecr.us-east-2.amazonaws.com/serve:1.0"
NOVA = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0:300k"


def endpoint(**changes: Any) -> dict[str, Any]:
    serve = {"kind": "realTime", "machineType": "ml.g6.xlarge"}
    return {"aws.endpoints": [{"name": "chat", "image": IMAGE, "serve": serve} | changes]}


CONTROL: list[Case] = [
    (
        "an open API server",
        {PLANE: {"publicCidrs": ["0.0.0.0/0"]}},
        f"{PLANE}.publicCidrs",
        ["0.0.0.0/0", "opens the API server to the internet", "name the ranges"],
    ),
    (
        "an API server open by halves",
        {PLANE: {"publicCidrs": ["0.0.0.0/1", "128.0.0.0/1"]}},
        f"{PLANE}.publicCidrs",
        ["0.0.0.0/1", "opens the API server to the internet"],
    ),
    (
        "private ranges from outside",
        {PLANE: {"publicCidrs": ["10.0.0.0/8"]}},
        f"{PLANE}.publicCidrs",
        ["10.0.0.0/8", "private"],
    ),
    ("a tier of nobody", {PLANE: {"tier": "xl"}}, f"{PLANE}.tier", ["'xl'", "tier-xl"]),
    (
        "an administrator by name",
        {PLANE: {"admins": ["ann"]}},
        f"{PLANE}.admins.0",
        ["'ann'", "the ARN of a role or user"],
    ),
    (
        "logs for a week and a bit",
        {PLANE: {"logRetentionDays": 10}},
        f"{PLANE}.logRetentionDays",
        ["10", "the next longer one is 14"],
    ),
    (
        "an image of the version before",
        {"cluster.kubernetesVersion": "1.35", PLANE: {"nodeRelease": "1.34.6-20260512"}},
        f"{PLANE}.nodeRelease",
        ["'1.34.6-20260512' is not of Kubernetes 1.35", "optimized-ami/1.35/", "or leave it out"],
    ),
    (
        "an image by the name of its release",
        {PLANE: {"nodeRelease": "v20260512"}},
        f"{PLANE}.nodeRelease",
        ["'v20260512'", "a release of EKS's images in quotes: 1.35.3-20260512"],
    ),
    (
        "Kubernetes that EKS gave up",
        {"cluster.kubernetesVersion": "1.29"},
        "cluster.kubernetesVersion",
        ["'1.29'", "1.33, 1.34"],
    ),
    (
        "Kubernetes to come",
        {"cluster.kubernetesVersion": "1.99"},
        "cluster.kubernetesVersion",
        ["'1.99'", "available: "],
    ),
    ("Kubernetes as a number", {"cluster.kubernetesVersion": 1.34}, "cluster.kubernetesVersion", ["1.34", "text"]),
    (
        "a control plane of nobody",
        {PLANE: {"kind": "slurm"}},
        f"{PLANE}.kind",
        ["'slurm'", "'eks', 'pcs', 'batch'"],
    ),
    (
        "Slurm that PCS does not make",
        {"cluster.kubernetesVersion": GONE, "aws": SLURM, f"{PLANE}.slurmVersion": "23.11"},
        f"{PLANE}.slurmVersion",
        ["'23.11'", "25.05"],
    ),
    (
        "Slurm without an image",
        {"cluster.kubernetesVersion": GONE, "aws": {"controlPlane": {"kind": "pcs"}}},
        f"{PLANE}.amiId",
        ["no default image", "aws ssm get-parameter --region us-east-2", "ubuntu2404/x86_64/latest"],
    ),
    (
        "Slurm with an image of another form",
        {"cluster.kubernetesVersion": GONE, "aws": SLURM, f"{PLANE}.amiId": "al2023"},
        f"{PLANE}.amiId",
        ["'al2023'", "ami-0123456789abcdef0"],
    ),
    (
        "a Slurm controller too small",
        {"cluster.kubernetesVersion": GONE, "aws": SLURM, f"{PLANE}.size": "SMALL", f"{TRAIN}.maxCount": 64},
        f"{PLANE}.size",
        ["65 nodes", "SMALL manages 32", "choose MEDIUM"],
    ),
    ("Slurm with Kubernetes", {"aws": SLURM}, "cluster.kubernetesVersion", ["'1.34'", "remove it"]),
    (
        "Slurm with labels",
        {"cluster.kubernetesVersion": GONE, "aws": SLURM, f"{TRAIN}.labels": {"a": "b"}},
        f"{POOL}.labels",
        ["Slurm has no node labels"],
    ),
    (
        "Batch on spot",
        {"cluster.kubernetesVersion": GONE, "aws": BATCH},
        "cluster.nodePools.serve.capacity",
        ["spot", "set onDemand"],
    ),
    (
        "Batch on a block",
        {"cluster.kubernetesVersion": GONE, "aws": BATCH, **block()},
        f"{POOL}.capacity",
        ["cr-0a1b2c3d4e5f60718", "eks or pcs"],
    ),
    (
        "Batch with one image for two processors",
        {
            "cluster.kubernetesVersion": GONE,
            "cluster.nodePools.1": {"name": "light", "machineType": "m7g.xlarge"},
            "aws": BATCH,
            f"{PLANE}.amiId": "ami-0123456789abcdef0",
        },
        f"{PLANE}.amiId",
        ["'ami-0123456789abcdef0'", "light is arm64", "leave it out"],
    ),
    (
        "Batch without a command",
        {"cluster.kubernetesVersion": GONE, "aws": BATCH, f"{PLANE}.command": []},
        f"{PLANE}.command",
        ["at least 1"],
    ),
    (
        "HyperPod of a pool that is not there",
        {"aws.hyperPod": {"pools": ["trian"], "lifecycleScripts": "s3://scripts/on/"}},
        "aws.hyperPod.pools.0",
        ["'trian'", "did you mean 'train'"],
    ),
    (
        "HyperPod on spot",
        {"aws.hyperPod": {"pools": ["serve"], "lifecycleScripts": "s3://scripts/on/"}},
        "cluster.nodePools.serve.capacity",
        ["spot", "set onDemand"],
    ),
    (
        "HyperPod on a block of EC2",
        {"aws.hyperPod": {"pools": ["train"], "lifecycleScripts": "s3://scripts/on/"}} | block(),
        f"{POOL}.capacity",
        ["EC2 capacity blocks", "aws.hyperPod.trainingPlan"],
    ),
    (
        "HyperPod that grows",
        {"aws.hyperPod": {"pools": ["train"], "lifecycleScripts": "s3://scripts/on/"}, f"{TRAIN}.maxCount": 8},
        f"{POOL}.maxCount",
        ["4 to 8 nodes", "fixed size"],
    ),
    (
        "HyperPod with Slurm",
        {
            "cluster.kubernetesVersion": GONE,
            "aws": SLURM | {"hyperPod": {"pools": ["train"], "lifecycleScripts": "s3://scripts/on/"}},
        },
        "aws.hyperPod",
        ["EKS", "'pcs'"],
    ),
]

SERVING: list[Case] = [
    (
        "an endpoint of EC2's type",
        endpoint(serve={"kind": "realTime", "machineType": "g6.xlarge"}),
        "aws.endpoints.chat.serve.machineType",
        ["'g6.xlarge'", "ml.g6.xlarge"],
    ),
    (
        "an endpoint of no type",
        endpoint(serve={"kind": "realTime", "machineType": "ml.g6.xlage"}),
        "aws.endpoints.chat.serve.machineType",
        ["'ml.g6.xlage'", "did you mean 'ml.g6.xlarge'"],
    ),
    (
        "an endpoint's image from elsewhere",
        endpoint(image="quay.io/serve:1"),
        "aws.endpoints.chat.image",
        ["'quay.io/serve:1'", "not an image in ECR", "push it there"],
    ),
    (
        "an endpoint's image in another region",
        endpoint(image=IMAGE.replace("us-east-2", "us-west-2")),
        "aws.endpoints.chat.image",
        ["us-west-2.amazonaws.com", "is in us-west-2", "the stack in us-east-2", "name one there"],
    ),
    (
        "a model of Bedrock in another region",
        {"aws.throughput": [{"name": "always", "model": NOVA}]},
        "aws.throughput.always.model",
        ["amazon.nova-lite-v1", "is in us-east-1", "change cluster.region"],
    ),
    (
        "a training plan in another region",
        {
            "aws.hyperPod": {
                "pools": ["train"],
                "lifecycleScripts": "s3://scripts/on/",
                "trainingPlan": "arn:aws:sagemaker:us-west-2:123456789012:training-plan/quarter",
            }
        },
        "aws.hyperPod.trainingPlan",
        ["training-plan/quarter", "is in us-west-2"],
    ),
    (
        "a model that is no archive",
        endpoint(modelData="s3://models/chat/"),
        "aws.endpoints.chat.modelData",
        ["'s3://models/chat/'", ".tar.gz"],
    ),
    (
        "serverless memory",
        endpoint(serve={"kind": "serverless", "memoryMib": 8192}),
        "aws.endpoints.chat.serve.memoryMib",
        ["8192", "6144"],
    ),
    (
        "a name too long for SageMaker",
        endpoint(name="a-name-of-forty-characters-or-nearly-so1") | {"stack": "aws-research-team-of-2027"},
        "aws.endpoints.a-name-of-forty-characters-or-nearly-so1.name",
        ["has 66 characters", "takes 54", "shorten"],
    ),
    (
        "throughput before the training",
        {
            "aws.customModels": [
                {
                    "name": "tuned",
                    "baseModel": NOVA.replace("us-east-1", "us-east-2"),
                    "trainingData": "s3://data/in.jsonl",
                    "output": "s3://data/out/",
                }
            ],
            "aws.throughput": [{"name": "always", "model": "tuned"}],
        },
        "aws.throughput.always.model",
        ["'tuned'", "aws.customModels.tuned.trained"],
    ),
    (
        "an accelerator of nothing",
        {"aws.globalAccelerators": [{"name": "front", "loadBalancerArn": "my-balancer"}]},
        "aws.globalAccelerators.front.loadBalancerArn",
        ["'my-balancer'", "the ARN of a load balancer"],
    ),
    (
        "a port twice",
        {
            "aws.globalAccelerators": [
                {
                    "name": "front",
                    "loadBalancerArn": "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/net/a/1",
                    "ports": [443, 443],
                }
            ]
        },
        "aws.globalAccelerators.front.ports",
        ["443", "once"],
    ),
]

WHOLE: list[Case] = [
    (
        "a cluster that has expired",
        {"cluster.expiresAt": "2026-11-30T00:00:00Z"},
        "cluster.expiresAt",
        ["2026-11-30", "is in the past", "destroy the stack"],
    ),
    (
        "over budget",
        {"cluster.budgetUsdPerHour": 50},
        "cluster.budgetUsdPerHour",
        ["50 is less than", "train", "raise it, or ask for less"],
    ),
    ("no budget at all", {"cluster.budgetUsdPerHour": 0}, "cluster.budgetUsdPerHour", ["0", "more than 0"]),
    ("training anywhere", {"training": {"steps": 5}}, "training.pool", ["several node pools", "train, serve"]),
    ("serving anywhere", {"inference": {"model": {"path": "/m"}}}, "inference.pool", ["several", "train, serve"]),
    ("no image", {"training": {"pool": "train", "steps": 5}}, "training.image", ["is missing", "build one"]),
    ("another's scheduler", {"scheduler": {"kind": "process"}}, "scheduler.kind", ["'process'", "available: kueue"]),
    ("another cloud", {"cluster.cloud": "awz"}, "cluster.cloud", ["'awz'", "did you mean 'aws'"]),
    ("aws's key elsewhere", {"cluster.cloud": "local"}, "aws", ["this stack is on local", "remove it"]),
    ("a key of nobody", {"clutser": {}}, "penstock:clutser", ["unknown key", "did you mean 'penstock:cluster'"]),
    ("a key of nobody inside", {f"{LUSTRE}.capacityTiB": 1}, f"{LUSTRE}.capacityTiB", ["did you mean 'capacityTib'"]),
    ("a tag of AWS's", {"aws.tags": {"aws:team": "a"}}, "aws.tags.aws:team", ["'aws:team'", "choose another prefix"]),
    (
        "a tag of penstock's",
        {"aws.tags": {"penstock:stack": "a"}},
        "aws.tags.penstock:stack",
        ["which penstock reserves", "another prefix"],
    ),
    ("a tag for the name", {"aws.tags": {"Name": "a"}}, "aws.tags.Name", ["'Name'", "another key"]),
    ("a tag's key too long", {"aws.tags": {"k" * 129: "a"}}, f"aws.tags.{'k' * 129}", ["129 characters", "1 to 128"]),
    ("a tag without a key", {"aws.tags": {"": "a"}}, "aws.tags", ["0 characters", "1 to 128"]),
    ("a tag's value too long", {"aws.tags": {"note": "v" * 257}}, "aws.tags.note", ["257 characters", "256 at most"]),
    ("a tag with an ampersand", {"aws.tags": {"r&d": "a"}}, "aws.tags.r&d", ["'r&d'", "'&'", "letters, digits"]),
    ("tags alike", {"aws.tags": {"Team": "a", "team": "b"}}, "aws.tags.team", ["'Team'", "IAM", "remove one"]),
    ("too many tags", {"aws.tags": {f"t{one}": "" for one in range(41)}}, "aws.tags", ["41", "40", "remove some"]),
    ("a stack in capitals", {"stack": "Research"}, "stack", ["'Research'", "lower-case", "another name"]),
    ("a stack with a dot", {"stack": "aws.dev"}, "stack", ["'aws.dev'", "another name"]),
    ("a stack too long for EKS", {"stack": "a" * 33}, "stack", ["at most 32", "shorter name"]),
    (
        "a stack too short for PCS",
        {"cluster.kubernetesVersion": GONE, "aws": SLURM, "stack": "ai"},
        "stack",
        ["'ai'", "3 to 40"],
    ),
    (
        "a stack too long for Batch",
        {"cluster.kubernetesVersion": GONE, "cluster.nodePools.1": GONE, "aws": BATCH, "stack": "a" * 41},
        "stack",
        ["40 characters", "shorten it"],
    ),
]
