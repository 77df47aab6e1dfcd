#!/usr/bin/env python3
"""Volcano's hook before its installation, which in its image is a script of openssl and kubectl, neither needed here.

Its result is the same Secret: a key and a certificate for the webhook's Service, and the authority that it comes from.
"""

import argparse
import base64
import os
from pathlib import Path

from components.kubernetes.api import KubernetesApi, Object
from components.kubernetes.kubeconfig import Access
from lab.certificates import serving

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Folder of the token of a pod's service account, in every pod."""


def main() -> None:
    parser = argparse.ArgumentParser()
    for flag in ("service", "namespace", "secret"):
        parser.add_argument(f"--{flag}", required=True)
    asked = parser.parse_args()
    with KubernetesApi(_access()) as api:
        api.apply(_secret(asked.secret, asked.namespace, asked.service), force=True)


def _access() -> Access:
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    authority, token = (ACCOUNT / "ca.crt").read_bytes(), (ACCOUNT / "token").read_text()
    return Access(server=f"https://{host}:{port}", authority=authority, token=token)


def _secret(name: str, namespace: str, service: str) -> Object:
    authority, pair = serving((service, f"{service}.{namespace}", f"{service}.{namespace}.svc"))
    files = {"ca.crt": authority.certificate_pem, "tls.crt": pair.certificate_pem, "tls.key": pair.key_pem}
    data = {key: base64.b64encode(content).decode() for key, content in files.items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "data": data,
    }


if __name__ == "__main__":
    main()
