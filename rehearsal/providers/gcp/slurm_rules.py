"""Field rules of Slurm by Cluster Director: what makes a cluster that nobody can use, though its API takes it."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from rehearsal.field.deployed import BuiltResource, Deployment, Finding, at, every
from rehearsal.field.existing import leads_out
from rehearsal.providers.gcp.names import DIRECTOR, FIREWALL, NETWORK, SUBNETWORK, last

HOME = "/home"
MEMBER = "gcp:storage/bucketIAMMember:BucketIAMMember"
WRITES = ("roles/storage.objectUser", "roles/storage.objectAdmin", "roles/storage.admin")
STORAGE = "Cluster Director, Supported storage services: /home of all login and controller nodes is Filestore or Lustre"
PROXY, PROXY_SOURCE = "35.235.240.1", "Identity-Aware Proxy, TCP forwarding: connections come from 35.235.240.0/20"
INSIDE = "magic-modules 053a8044, hypercomputecluster: its test of a network that exists lets its range in on all ports"
MOUNTS = "Cluster Director API v1, StorageConfig: each login node and node set mounts what it names, and no more"
PUBLIC = "Cluster Director API v1, enablePublicIps: external addresses of login nodes"
RIGHT = "a public summary of Cluster Director (2026): machines act as Compute Engine's default account"
_LOGIN, _SETS = "orchestrator.slurm.loginNodes", "orchestrator.slurm.nodeSets"


def home_of_users(deployment: Deployment) -> Iterator[Finding]:
    """Users' files, keys and job scripts are in /home, which has to be the same on every machine."""
    for cluster in deployment.of(DIRECTOR):
        shared = {
            str(one["id"]) for one in every(cluster.inputs, "storageResources")
            if {"existingFilestore", "existingLustre", "newFilestore", "newLustre"} & set(_set_of(one.get("config")))
        }  # fmt: skip
        for who, mounts in _machines(cluster):
            found = next((name for name, path in mounts.items() if path == HOME), None)
            if found is None:
                message = f"{who} mounts nothing at {HOME}: files, keys and scripts of users are of one machine"
                yield _found(cluster, message, STORAGE)
            elif found not in shared:
                message = f"{who} has {HOME} on {found}, which is neither Filestore nor Managed Lustre"
                yield _found(cluster, message, STORAGE)


def same_paths(deployment: Deployment) -> Iterator[Finding]:
    """A script that is written on a login node is run on nodes, where its paths have to be the same."""
    for cluster in deployment.of(DIRECTOR):
        (_, login), *sets = _machines(cluster)
        for who, mounts in sets:
            for name, path in login.items():
                if mounts.get(name) != path:
                    message = f"{who} does not have {path}, where login nodes have {name}: jobs do not find it"
                    yield _found(cluster, message, MOUNTS)


def ways_to_login(deployment: Deployment) -> Iterator[Finding]:
    """A login node is the only way in; without a public address the proxy is, if the firewall lets it."""
    for cluster in deployment.of(DIRECTOR):
        if at(cluster.inputs, f"{_LOGIN}.enablePublicIps"):
            yield _found(cluster, "its login nodes have public addresses: everybody may knock at their ssh", PUBLIC)
        elif not any(_lets(rule, PROXY, 22) for rule in _rules(deployment, cluster)):
            message = "no firewall rule of its network lets Identity-Aware Proxy in at port 22: nobody can log in"
            yield _found(cluster, message, PROXY_SOURCE)


def controller_and_nodes(deployment: Deployment) -> Iterator[Finding]:
    """slurmctld, slurmd and the ranks of a job speak to each other on many ports, in all directions."""
    for cluster in deployment.of(DIRECTOR):
        for subnet in _subnets(deployment, cluster):
            inside = str(ip_network(str(at(subnet.inputs, "ipCidrRange")))[2])
            if not any(_lets(rule, inside, None) for rule in _rules(deployment, cluster)):
                message = f"no firewall rule lets {at(subnet.inputs, 'ipCidrRange')} in on all ports: nodes stay down"
                yield _found(cluster, message, INSIDE)
            if not at(subnet.inputs, "privateIpGoogleAccess") and not leads_out(deployment):
                message = "privateIpGoogleAccess is off and no NAT is there: its machines reach no API of Google's"
                yield _found(cluster, message, "Virtual Private Cloud, Private Google Access")


def bucket_of_jobs(deployment: Deployment) -> Iterator[Finding]:
    """Machines mount a bucket as the account that they act as, and jobs on them write so."""
    for cluster in deployment.of(DIRECTOR):
        for one in every(cluster.inputs, "storageResources"):
            bucket = at(one, "config.existingBucket.bucket")
            given = [
                member for member in deployment.of(MEMBER)
                if at(member.inputs, "bucket") == bucket and at(member.inputs, "role") in WRITES
                and str(at(member.inputs, "member")).endswith("-compute@developer.gserviceaccount.com")
            ]  # fmt: skip
            if bucket and not given:
                yield _found(cluster, f"its machines may not write to {bucket}, which they mount", RIGHT)


def _machines(cluster: BuiltResource) -> list[tuple[str, Mapping[str, str]]]:
    """Login nodes and node sets, each with its mounts: store -> path."""
    login = at(cluster.inputs, _LOGIN) or {}
    sets = every(cluster.inputs, _SETS)
    return [("login", _mounts(login)), *((f"node set {one['id']}", _mounts(one)) for one in sets)]


def _mounts(holder: Mapping[str, Any]) -> Mapping[str, str]:
    return {str(one["id"]): str(one["localMount"]) for one in holder.get("storageConfigs") or ()}


def _set_of(config: Any) -> list[str]:
    return [name for name, value in (config or {}).items() if value is not None]


def _subnets(deployment: Deployment, cluster: BuiltResource) -> Iterator[BuiltResource]:
    """Those of the stack that the cluster stands in."""
    used = {last(one) for one in every(cluster.inputs, "networkResources.config.existingNetwork.subnetwork")}
    yield from (one for one in deployment.of(SUBNETWORK) if {last(one.id), at(one.inputs, "name")} & used)


def _rules(deployment: Deployment, cluster: BuiltResource) -> Iterator[BuiltResource]:
    """Of the firewall of its network."""
    used = {last(one) for one in every(cluster.inputs, "networkResources.config.existingNetwork.network")}
    names = used | {str(at(one.inputs, "name")) for one in deployment.of(NETWORK) if last(one.id) in used}
    yield from (rule for rule in deployment.of(FIREWALL) if last(at(rule.inputs, "network")) in names)


def _lets(rule: BuiltResource, address: str, port: int | None) -> bool:
    """True where it lets this address in at the port, or on all of them."""
    if at(rule.inputs, "direction") not in (None, "INGRESS"):
        return False
    ranges = [str(one) for one in every(rule.inputs, "sourceRanges")]
    if not any(ip_address(address) in ip_network(one) for one in ranges):
        return False
    for one in every(rule.inputs, "allows"):
        ports = [str(given) for given in one.get("ports") or ()]
        if one["protocol"] == "all" or (port and one["protocol"] == "tcp" and (not ports or str(port) in ports)):
            return True
    return False


def _found(cluster: BuiltResource, message: str, source: str) -> Finding:
    return Finding(rule="gcp", subject=cluster.name, message=message, source=source)


RULES = (home_of_users, same_paths, ways_to_login, controller_and_nodes, bucket_of_jobs)
