"""Command lines of the processes of the lab's control plane."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from lab.folders import API_PORT, GATEWAY, SERVICE_NETWORK, Home
from lab.kwok import KWOK_ADDRESS
from lab.process_specs import Order
from lab.shape import LabShape

ETCD = "http://127.0.0.1:2379"
ETCD_PEER = "http://127.0.0.1:2380"
SCHEDULER_PORT = 10259
CONTROLLER_MANAGER_PORT = 10257
KWOK_PORT = 10247
KWOK_PODS = "10.90.0.1/16"
REQUESTS_PER_S = 1000
"""Client limit of scheduler and controller manager: with their own 50 and 20 a gang of 1,024 waits for the limit."""

ROOT = Path(__file__).resolve().parents[1]
PYTHON_ENV = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def control_plane(home: Home, programs: Mapping[str, Path], shape: LabShape, door: int) -> tuple[Order, ...]:
    """All processes. `door` is the descriptor of the socket that listens on the host's 127.0.0.1."""
    orders = [
        _etcd(home, programs),
        _api_server(home, programs),
        _scheduler(home, programs),
        _controller_manager(home, programs, shape),
        _kwok(home, programs, shape),
        _door(home, door),
    ]
    return (*orders, _node_agent(home)) if shape.process else tuple(orders)


def _etcd(home: Home, programs: Mapping[str, Path]) -> Order:
    # Its data lives as long as this machine's memory of the lab: syncing it to the disk would only cost time.
    flags = {
        "data-dir": home.data, "listen-client-urls": ETCD, "advertise-client-urls": ETCD, "log-level": "warn",
        "listen-peer-urls": ETCD_PEER, "initial-advertise-peer-urls": ETCD_PEER,
        "initial-cluster": f"default={ETCD_PEER}", "unsafe-no-fsync": "true", "quota-backend-bytes": 4 << 30,
    }  # fmt: skip
    return Order(name="etcd", command=_command(programs["etcd"], flags), log=_log(home, "etcd"), probe=f"{ETCD}/health")


def _api_server(home: Home, programs: Mapping[str, Path]) -> Order:
    pki = home.pki
    flags = {
        "etcd-servers": ETCD, "bind-address": "0.0.0.0", "secure-port": API_PORT, "advertise-address": GATEWAY,  # noqa: S104 (all addresses of the lab's own namespace)
        "tls-cert-file": pki / "server.crt", "tls-private-key-file": pki / "server.key", "cert-dir": pki,
        "client-ca-file": pki / "ca.crt", "authorization-mode": "Node,RBAC", "allow-privileged": "true",
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "service-account-key-file": pki / "sa.pub", "service-account-signing-key-file": pki / "sa.key",
        "service-cluster-ip-range": SERVICE_NETWORK, "requestheader-client-ca-file": pki / "front-proxy-ca.crt",
        "requestheader-allowed-names": "front-proxy-client", "requestheader-username-headers": "X-Remote-User",
        "requestheader-group-headers": "X-Remote-Group", "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "proxy-client-cert-file": pki / "front-proxy-client.crt",
        "proxy-client-key-file": pki / "front-proxy-client.key",
        # Webhooks and API services are called at the address of a ready pod, as clouds do whose control plane has no
        # service proxy.
        "enable-aggregator-routing": "true", "kubelet-preferred-address-types": "InternalIP", "profiling": "false",
    }  # fmt: skip
    return Order(
        name="kube-apiserver", command=_command(programs["kube-apiserver"], flags), log=_log(home, "kube-apiserver"),
        after=("etcd",), probe=f"https://127.0.0.1:{API_PORT}/readyz",
    )  # fmt: skip


def _scheduler(home: Home, programs: Mapping[str, Path]) -> Order:
    kubeconfig = home.kubeconfig_of("scheduler")
    config = home.folder / "scheduler.json"
    content = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "clientConnection": {"kubeconfig": str(kubeconfig), "qps": REQUESTS_PER_S, "burst": 2 * REQUESTS_PER_S},
        "leaderElection": {"leaderElect": False},
    }
    config.write_text(json.dumps(content, indent=1) + "\n")
    flags = {"config": config} | _serving(home, kubeconfig, SCHEDULER_PORT)
    return Order(
        name="kube-scheduler", command=_command(programs["kube-scheduler"], flags), log=_log(home, "kube-scheduler"),
        after=("kube-apiserver",), probe=f"https://127.0.0.1:{SCHEDULER_PORT}/readyz",
    )  # fmt: skip


def _controller_manager(home: Home, programs: Mapping[str, Path], shape: LabShape) -> Order:
    kubeconfig = home.kubeconfig_of("controller-manager")
    pki = home.pki
    flags = {
        "kubeconfig": kubeconfig, "leader-elect": "false", "use-service-account-credentials": "true",
        "root-ca-file": pki / "ca.crt", "service-account-private-key-file": pki / "sa.key",
        "cluster-signing-cert-file": pki / "ca.crt", "cluster-signing-key-file": pki / "ca.key",
        "kube-api-qps": REQUESTS_PER_S, "kube-api-burst": 2 * REQUESTS_PER_S,
        "node-monitor-grace-period": f"{shape.node_grace_s}s", "node-monitor-period": f"{shape.heartbeat_s / 2:g}s",
    } | _serving(home, kubeconfig, CONTROLLER_MANAGER_PORT)  # fmt: skip
    return Order(
        name="kube-controller-manager", command=_command(programs["kube-controller-manager"], flags),
        log=_log(home, "kube-controller-manager"), after=("kube-apiserver",),
        probe=f"https://127.0.0.1:{CONTROLLER_MANAGER_PORT}/healthz",
    )  # fmt: skip


def _serving(home: Home, kubeconfig: Path, port: int) -> dict[str, object]:
    """Health and metrics on loopback, with the lab's own certificate."""
    return {
        "authentication-kubeconfig": kubeconfig, "authorization-kubeconfig": kubeconfig, "bind-address": "127.0.0.1",
        "secure-port": port, "tls-cert-file": home.pki / "server.crt",
        "tls-private-key-file": home.pki / "server.key", "profiling": "false",
    }  # fmt: skip


def _kwok(home: Home, programs: Mapping[str, Path], shape: LabShape) -> Order:
    flags = {
        "kubeconfig": home.inside_kubeconfig, "config": home.folder / "kwok.yaml", "cidr": KWOK_PODS,
        "node-ip": KWOK_ADDRESS, "manage-nodes-with-annotation-selector": "kwok.x-k8s.io/node=fake",
        "node-lease-duration-seconds": 4 * shape.heartbeat_s, "server-address": f"127.0.0.1:{KWOK_PORT}",
    }  # fmt: skip
    return Order(
        name="kwok", command=_command(programs["kwok"], flags), log=_log(home, "kwok"), after=("kube-apiserver",),
        probe=f"http://127.0.0.1:{KWOK_PORT}/healthz",
    )  # fmt: skip


def _door(home: Home, descriptor: int) -> Order:
    command = (sys.executable, "-m", "lab.proxy", str(descriptor), GATEWAY, str(API_PORT))
    return Order(name="door", command=command, log=_log(home, "door"), env=PYTHON_ENV, descriptors=(descriptor,))


def _node_agent(home: Home) -> Order:
    flags = {
        "kubeconfig": home.inside_kubeconfig, "nodes": home.folder / "nodes.json", "home": home.nodes,
        "programs": home.folder / "programs.json",
    }  # fmt: skip
    rest = [part for key, value in flags.items() for part in (f"--{key}", str(value))]
    command = (sys.executable, "-m", "lab.node", *rest)
    return Order(
        name="node-agent", command=command, log=_log(home, "node-agent"), after=("kube-apiserver",), env=PYTHON_ENV
    )


def _command(program: Path, flags: Mapping[str, object]) -> tuple[str, ...]:
    return (str(program), *(f"--{key}={value}" for key, value in flags.items()))


def _log(home: Home, name: str) -> str:
    return str(home.log(name))
