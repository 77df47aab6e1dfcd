"""The lab's own certificate authorities, its certificates, and the kubeconfigs made of them."""

import base64
import datetime
import ipaddress
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lab.folders import API_PORT, GATEWAY, KUBERNETES_SERVICE, Home

LIFE = datetime.timedelta(days=365)
SERVER_NAMES = ("localhost", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")
SERVER_ADDRESSES = ("127.0.0.1", GATEWAY, KUBERNETES_SERVICE)

CLIENTS = {
    "admin": ("penstock-lab-admin", "system:masters"),
    "scheduler": ("system:kube-scheduler", None),
    "controller-manager": ("system:kube-controller-manager", None),
}
"""User and group in each client's certificate, by the component that it is for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return _pem(self.key)

    def write(self, folder: Path, name: str) -> None:
        """`name`.crt and `name`.key."""
        (folder / f"{name}.crt").write_bytes(self.certificate_pem)
        _write_secret(folder / f"{name}.key", self.key_pem)


def make_certificates(home: Home, door_port: int) -> None:
    """Everything in `home.pki`, and the kubeconfigs: the host's through the door, the others' inside."""
    authority = _authority("penstock lab")
    authority.write(home.pki, "ca")
    _server(authority).write(home.pki, "server")
    front = _authority("penstock lab front proxy")
    front.write(home.pki, "front-proxy-ca")
    _client(front, "front-proxy-client", None).write(home.pki, "front-proxy-client")
    _write_service_account_keys(home.pki)
    inside = f"https://{GATEWAY}:{API_PORT}"
    for component, (user, group) in CLIENTS.items():
        client = _client(authority, user, group)
        if component == "admin":
            _write_kubeconfig(home.kubeconfig, f"https://127.0.0.1:{door_port}", authority, client)
            _write_kubeconfig(home.inside_kubeconfig, inside, authority, client)
        else:
            _write_kubeconfig(home.kubeconfig_of(component), inside, authority, client)


def serving(names: Sequence[str]) -> tuple[Pair, Pair]:
    """An authority of its own, and from it a server's certificate for all these names; it is called by the last."""
    authority = _authority(names[-1])
    alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    return authority, _signed(authority, names[-1], None, ExtendedKeyUsageOID.SERVER_AUTH, alternatives)


def _authority(name: str) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    draft = _draft(subject, subject, key.public_key())
    draft = draft.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    draft = draft.add_extension(usage, critical=True)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return Pair(certificate=draft.add_extension(identifier, critical=False).sign(key, hashes.SHA256()), key=key)


def _server(authority: Pair) -> Pair:
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in SERVER_NAMES]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in SERVER_ADDRESSES]
    return _signed(
        authority, "kube-apiserver", None, ExtendedKeyUsageOID.SERVER_AUTH, x509.SubjectAlternativeName(names)
    )


def _client(authority: Pair, user: str, group: str | None) -> Pair:
    return _signed(authority, user, group, ExtendedKeyUsageOID.CLIENT_AUTH, None)


def _signed(
    authority: Pair, user: str, group: str | None, purpose: x509.ObjectIdentifier,
    names: x509.SubjectAlternativeName | None,
) -> Pair:  # fmt: skip
    key = ec.generate_private_key(ec.SECP256R1())
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group)] if group else []
    subject = x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, user)])
    draft = _draft(subject, authority.certificate.subject, key.public_key())
    draft = draft.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    draft = draft.add_extension(issuer, critical=False)
    if names:
        draft = draft.add_extension(names, critical=False)
    return Pair(certificate=draft.sign(authority.key, hashes.SHA256()), key=key)


def _draft(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + LIFE)
    )


def _write_service_account_keys(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    _write_secret(folder / "sa.key", _pem(key))
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / "sa.pub").write_bytes(public)


def _write_kubeconfig(path: Path, server: str, authority: Pair, client: Pair) -> None:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "lab",
                "cluster": {"server": server, "certificate-authority-data": _base64(authority.certificate_pem)},
            }
        ],
        "users": [
            {
                "name": "lab",
                "user": {
                    "client-certificate-data": _base64(client.certificate_pem),
                    "client-key-data": _base64(client.key_pem),
                },
            }
        ],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab"}}],
        "current-context": "lab",
    }
    _write_secret(path, json.dumps(content, indent=1).encode())


def _write_secret(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
