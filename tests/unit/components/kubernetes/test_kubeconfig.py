"""Kubeconfigs that cannot be read are said to be none, whatever is wrong in them."""

import json
import sys

import pytest

from components.kubernetes.kubeconfig import KubeconfigError, parse_kubeconfig


@pytest.mark.parametrize("text", ["a: [", "expiry: 2027-02-30", "expiry: 2027-02-30T00:00:00Z", "5", "[]"])
def test_what_is_no_kubeconfig_is_refused_without_a_traceback(text: str) -> None:
    with pytest.raises(KubeconfigError, match="is not a kubeconfig; get a new one"):
        parse_kubeconfig(text)


@pytest.mark.parametrize(
    "answer", ["[]", "{}", '{"status": null}', '{"status": {"token": "a", "expirationTimestamp": "soon"}}']
)
def test_an_answer_of_a_helper_that_is_none_is_refused_without_a_traceback(answer: str) -> None:
    helper = {"command": sys.executable, "args": ["-c", f"print({answer!r})"]}
    content = {
        "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1"}}],
        "users": [{"name": "u", "user": {"exec": helper}}],
    }  # fmt: skip
    with pytest.raises(KubeconfigError, match="gave no credentials; run it by hand"):
        parse_kubeconfig(json.dumps(content))
