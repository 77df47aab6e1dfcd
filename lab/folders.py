"""Folder layout of a lab: one folder, readable by its owner alone, gone when the lab is taken down."""

from dataclasses import dataclass
from pathlib import Path

BRIDGE = "penstock0"
GATEWAY = "10.88.0.1"
"""The bridge's own address: where the API server is for processes and pods inside."""
SERVICE_NETWORK = "10.96.0.0/16"
KUBERNETES_SERVICE = "10.96.0.1"
DNS_SERVICE = "10.96.0.10"
API_PORT = 6443


@dataclass(frozen=True, slots=True)
class Home:
    """The files of one lab."""

    folder: Path

    def make(self) -> None:
        """The empty folders."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        for folder in (self.pki, self.logs, self.data, self.nodes):
            folder.mkdir()

    @property
    def pki(self) -> Path:
        return self.folder / "pki"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def data(self) -> Path:
        """Of etcd."""
        return self.folder / "etcd"

    @property
    def nodes(self) -> Path:
        """Of the node agent: the pods' volumes and logs."""
        return self.folder / "nodes"

    @property
    def kubeconfig(self) -> Path:
        """For this machine: through the door on 127.0.0.1."""
        return self.folder / "kubeconfig"

    @property
    def inside_kubeconfig(self) -> Path:
        """For processes in the lab's namespace."""
        return self.folder / "kubeconfig.inside"

    def kubeconfig_of(self, component: str) -> Path:
        return self.folder / f"kubeconfig.{component}"

    @property
    def orders(self) -> Path:
        """Process specs that the supervisor runs."""
        return self.folder / "processes.json"

    @property
    def state(self) -> Path:
        """State that the supervisor reports."""
        return self.folder / "state.json"

    @property
    def record(self) -> Path:
        """Record of the lab's processes, for whoever comes later."""
        return self.folder / "lab.json"

    def log(self, process: str) -> Path:
        return self.logs / f"{process}.log"
