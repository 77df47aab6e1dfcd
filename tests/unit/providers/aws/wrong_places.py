"""Mistakes of a user about networks and stores."""

from tests.unit.providers.aws.whole_stacks import GONE, LUSTRE, TRAIN, Case

NETWORK: list[Case] = [
    (
        "too small for nodes and pods",
        {"cluster.network": {"cidr": "10.0.0.0/22"}, f"{TRAIN}.maxCount": 64},
        "cluster.network.cidr",
        ["10.0.0.0/22 has 1,024 addresses", "64 nodes of train x", "fits"],
    ),
    ("no network", {"cluster.network": {"cidr": "10.0.0"}}, "cluster.network.cidr", ["'10.0.0'", "10.0.0.0/16"]),
    ("host bits", {"cluster.network": {"cidr": "10.0.0.1/16"}}, "cluster.network.cidr", ["10.0.0.1/16", "network"]),
    ("IPv6", {"cluster.network": {"cidr": "fd00::/48"}}, "cluster.network.cidr", ["fd00::/48", "IPv4"]),
    ("larger than a VPC", {"cluster.network": {"cidr": "10.0.0.0/8"}}, "cluster.network.cidr", ["a /8", "/16"]),
    ("public", {"cluster.network": {"cidr": "8.8.0.0/16"}}, "cluster.network.cidr", ["8.8.0.0/16", "10.0.0.0/8"]),
    ("Docker's", {"cluster.network": {"cidr": "172.17.0.0/16"}}, "cluster.network.cidr", ["Docker", "take another"]),
    (
        "one zone for EKS",
        {"cluster.network": {"zones": ["us-east-2b"]}},
        "cluster.network.zones",
        ["us-east-2b", "at least 2 that it supports", "add one of us-east-2a"],
    ),
    (
        "a zone of another region",
        {"cluster.network": {"zones": ["us-east-2a", "us-west-2b"]}},
        "cluster.network.zones",
        ["'us-west-2b' is not a zone of us-east-2"],
    ),
    (
        "without the pool's zone",
        {"cluster.network": {"zones": ["us-east-2a", "us-east-2b"]}, f"{TRAIN}.zone": "us-east-2c"},
        "cluster.network.zones",
        ["us-east-2c", "pool train", "add it"],
    ),
    (
        "no way out at all",
        {"cluster.network": {"nat": "none"}, "aws.interfaceEndpoints": False},
        "aws.interfaceEndpoints",
        ["nat none", "set it to true"],
    ),
    ("a NAT of nobody", {"cluster.network": {"nat": "per-zone"}}, "cluster.network.nat", ["did you mean 'perZone'"]),
]

STORAGE: list[Case] = [
    ("off the grid", {f"{LUSTRE}.capacityTib": 10}, f"{LUSTRE}.capacityTib", ["10 is no size", "take 9.6 or 12"]),
    ("more than FSx", {f"{LUSTRE}.capacityTib": 10**30}, f"{LUSTRE}.capacityTib", ["1e+30", "2,147,484", "smaller"]),
    ("no tier", {f"{LUSTRE}.throughputMbpsPerTib": 400}, f"{LUSTRE}.throughputMbpsPerTib", ["400", "125, 250, 500"]),
    (
        "EFA off its grid",
        {f"{LUSTRE}.fabric": True, f"{LUSTRE}.capacityTib": 12},
        f"{LUSTRE}.fabric",
        ["12 TiB at 500 has no EFA", "multiples of 9.6"],
    ),
    (
        "EFA from machines that cannot",
        {f"{LUSTRE}.fabric": True, f"{TRAIN}.machineType": "trn2.48xlarge"},
        f"{LUSTRE}.fabric",
        ["no pool has a fabric", "trn2"],
    ),
    (
        "too many clients over EFA",
        {f"{LUSTRE}.fabric": True, f"{TRAIN}.count": 1025, "cluster.budgetUsdPerHour": GONE},
        f"{LUSTRE}.fabric",
        ["1025 nodes", "1024 over EFA"],
    ),
    (
        "metadata that nobody has",
        {f"{LUSTRE}.metadataIops": 9000},
        f"{LUSTRE}.metadataIops",
        ["9000", "1500, 3000, 6000, 12000"],
    ),
    (
        "EFA without metadata",
        {f"{LUSTRE}.fabric": True, f"{LUSTRE}.scratch": True, f"{LUSTRE}.throughputMbpsPerTib": GONE},
        f"{LUSTRE}.metadataIops",
        ["6000 with scratch", "remove one of both"],
    ),
    (
        "EFA to scratch",
        {f"{LUSTRE}": {"capacityTib": 9.6, "scratch": True, "fabric": True}},
        f"{LUSTRE}.fabric",
        ["scratch file system has no EFA", "leave scratch out"],
    ),
    (
        "two ways to size it",
        {f"{LUSTRE}.tiering": {"throughputMbps": 4000}},
        LUSTRE,
        ["exactly one of capacityTib and tiering"],
    ),
    (
        "tiering between the steps",
        {LUSTRE: {"tiering": {"throughputMbps": 5000}}},
        f"{LUSTRE}.tiering.throughputMbps",
        ["5000 is not a multiple of 4000", "take 4000"],
    ),
    (
        "links with tiering",
        {LUSTRE: {"tiering": {"throughputMbps": 4000}, "links": [{"path": "/data", "uri": "s3://bucket/"}]}},
        f"{LUSTRE}.links",
        ["1 with tiering", "capacityTib instead"],
    ),
    (
        "a link to another store",
        {f"{LUSTRE}.links": [{"path": "/data", "uri": "gs://bucket/"}]},
        f"{LUSTRE}.links.0.uri",
        ["'gs://bucket/'", "s3://bucket/prefix/"],
    ),
    (
        "links inside each other",
        {f"{LUSTRE}.links": [{"path": "/d", "uri": "s3://one/"}, {"path": "/d/e", "uri": "s3://two/"}]},
        f"{LUSTRE}.links.1.path",
        ["'/d/e' overlaps '/d'"],
    ),
    (
        "more links than eight",
        {f"{LUSTRE}.links": [{"path": f"/d{one}", "uri": "s3://one/"} for one in range(9)]},
        f"{LUSTRE}.links",
        ["9, and FSx takes 8"],
    ),
    (
        "two file systems at one place",
        {"storage.sharedFileSystem": {"mountPath": "/fsx/home"}},
        "storage.sharedFileSystem.mountPath",
        ["'/fsx/home'", "'/fsx'", "keep them apart"],
    ),
    (
        "runs on no file system",
        {"storage.volume": {"path": "/scratch/runs"}},
        "storage.volume.path",
        ["'/scratch/runs'", "below /fsx"],
    ),
    (
        "a bucket with capitals",
        {"storage.objectStore.name": "Tokens"},
        "storage.objectStore.name",
        ["'Tokens'", "lower-case"],
    ),
    (
        "a bucket like an address",
        {"storage.objectStore.name": "10.0.0.1"},
        "storage.objectStore.name",
        ["'10.0.0.1'", "put a letter in"],
    ),
    (
        "a bucket of AWS's own",
        {"storage.objectStore.name": "xn--tokens"},
        "storage.objectStore.name",
        ["'xn--tokens'", "choose another prefix"],
    ),
    (
        "a fast store in another region",
        {"aws.expressStore": {"zoneId": "usw2-az1"}},
        "aws.expressStore.zoneId",
        ["'usw2-az1' is no zone of us-east-2", "use2-az1"],
    ),
    (
        "a mirror of what needs credentials",
        {"aws.registry.mirrors": ["docker.io"]},
        "aws.registry.mirrors.0",
        ["'docker.io'", "quay.io"],
    ),
]
