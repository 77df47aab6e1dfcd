"""Certificate authority of a simulated cloud's clusters: its certificates are trusted where a cluster says so."""

import base64
import datetime
import ipaddress
import ssl
import tempfile
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rehearsal.cloud.store import Store

FACT = "authority's key"
VALID_FROM, LIFE = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC), datetime.timedelta(days=365 * 30)


class Authority:
    """One for each account, kept in its file: a cluster's endpoint is trusted in every process of a rehearsal."""

    def __init__(self, store: Store, fact: str = FACT) -> None:
        self._store, self._fact = store, fact
        self.context_for = cache(self._context_for)

    @property
    def bundle(self) -> str:
        """The certificate in the form in which clouds give it: PEM, in base64."""
        return base64.b64encode(self.certificate).decode()

    @property
    def certificate(self) -> bytes:
        """The same as PEM."""
        return _pem(self._certificate)

    def _context_for(self, host: str) -> ssl.SSLContext:
        """TLS of a server of that name or address."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._signed(host, key.public_key(), x509.SubjectAlternativeName([_name(host)]))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile() as file:  # only ever readable by this user
            file.write(_pem(certificate) + _key_pem(key))
            file.flush()
            context.load_cert_chain(file.name)
        return context

    @cached_property
    def _key(self) -> ec.EllipticCurvePrivateKey:
        text = self._store.fact(self._fact)
        if text is None:
            text = _key_pem(ec.generate_private_key(ec.SECP256R1())).decode()
            self._store.set_fact(self._fact, text)
        key = serialization.load_pem_private_key(text.encode(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key

    @cached_property
    def _certificate(self) -> x509.Certificate:
        """The same in each process but for its serial number, which nobody looks at."""
        return self._signed("simulated", self._key.public_key(), x509.BasicConstraints(ca=True, path_length=0))

    def _signed(self, name: str, key: ec.EllipticCurvePublicKey, extension: x509.ExtensionType) -> x509.Certificate:
        issuer, subject = (
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])]) for text in ("simulated", name)
        )
        identifiers = (
            x509.SubjectKeyIdentifier.from_public_key(key),
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
        )
        draft = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number()).not_valid_before(VALID_FROM)
        draft = draft.not_valid_after(VALID_FROM + LIFE).add_extension(extension, critical=True)
        for identifier in identifiers:
            draft = draft.add_extension(identifier, critical=False)
        return draft.sign(self._key, hashes.SHA256())


class PublicAuthority(Authority):
    """That of hosts whose names end so, which every machine trusts; all others have the account's own."""

    def __init__(self, store: Store, names: str) -> None:
        super().__init__(store)
        self._public, self._names = Authority(store, "public authority's key"), names

    def _context_for(self, host: str) -> ssl.SSLContext:
        return self._public.context_for(host) if host.endswith(self._names) else super()._context_for(host)

    def trusted(self, folder: Path) -> Mapping[str, str]:
        """Environment in which programs trust it beside what this machine does: a file of certificates there."""
        machines = ssl.get_default_verify_paths().cafile
        file = folder / "trusted.pem"
        file.write_bytes((Path(machines).read_bytes() if machines else b"") + b"\n" + self._public.certificate)
        return {"SSL_CERT_FILE": str(file)}


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
