"""The certificates of a lab, judged by TLS itself."""

import socket
import ssl
import stat
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from components.kubernetes.kubeconfig import read_kubeconfig
from lab.certificates import CLIENTS, make_certificates
from lab.folders import Home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("lab") / "home")
    home.make()
    make_certificates(home, 12345)
    return home


def handshake(home: Home, name: str, client: ssl.SSLContext) -> dict[str, object]:
    """Client's certificate as the server sees it after a handshake for that server name."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(home.pki / "server.crt", home.pki / "server.key")
    server.load_verify_locations(home.pki / "ca.crt")
    server.verify_mode = ssl.CERT_REQUIRED
    left, right = socket.socketpair()
    seen: list[dict[str, object]] = []

    def serve() -> None:
        with server.wrap_socket(left, server_side=True) as tls:
            seen.append(dict(tls.getpeercert() or {}))
            tls.send(b".")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(right, server_hostname=name) as tls:
            tls.recv(1)
    finally:
        right.close()
        thread.join()
        left.close()
    return seen[0]


@pytest.mark.parametrize("name", ["127.0.0.1", "10.88.0.1", "10.96.0.1", "kubernetes.default.svc"])
def test_the_server_is_trusted_by_all_its_names(home: Home, name: str) -> None:
    client = read_kubeconfig(home.kubeconfig).tls()
    assert isinstance(client, ssl.SSLContext)
    subject = str(handshake(home, name, client)["subject"])
    assert "system:masters" in subject


def test_no_other_name_is(home: Home) -> None:
    client = read_kubeconfig(home.kubeconfig).tls()
    assert isinstance(client, ssl.SSLContext)
    thread_errors = threading.excepthook
    threading.excepthook = lambda _: None  # the server's side of the refused handshake
    try:
        with pytest.raises(ssl.SSLCertVerificationError, match=r"not valid for 'example\.org'"):
            handshake(home, "example.org", client)
    finally:
        threading.excepthook = thread_errors


def test_the_kubeconfigs_lead_to_the_door_and_inside(home: Home) -> None:
    assert read_kubeconfig(home.kubeconfig).server == "https://127.0.0.1:12345"
    for path in (home.inside_kubeconfig, home.kubeconfig_of("scheduler"), home.kubeconfig_of("controller-manager")):
        assert read_kubeconfig(path).server == "https://10.88.0.1:6443"


@pytest.mark.parametrize("component", ["scheduler", "controller-manager"])
def test_each_component_is_who_its_role_is_bound_to(home: Home, component: str) -> None:
    access = read_kubeconfig(home.kubeconfig_of(component))
    assert access.certificate is not None
    subject = x509.load_pem_x509_certificate(access.certificate[0]).subject
    assert subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == CLIENTS[component][0]
    assert not subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)  # no administrator


def test_keys_are_for_their_owner_alone(home: Home) -> None:
    secret: list[Path] = [*home.pki.glob("*.key"), *home.folder.glob("kubeconfig*")]
    assert len(secret) >= 8
    assert {stat.S_IMODE(path.stat().st_mode) for path in secret} == {0o600}
    assert stat.S_IMODE(home.folder.stat().st_mode) == 0o700
