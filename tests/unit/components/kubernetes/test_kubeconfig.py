"""Kubeconfigs that cannot be read are said to be none, whatever is wrong in them."""

import pytest

from components.kubernetes.kubeconfig import KubeconfigError, parse_kubeconfig


@pytest.mark.parametrize("text", ["a: [", "expiry: 2027-02-30", "expiry: 2027-02-30T00:00:00Z", "5", "[]"])
def test_what_is_no_kubeconfig_is_refused_without_a_traceback(text: str) -> None:
    with pytest.raises(KubeconfigError, match="is not a kubeconfig; get a new one"):
        parse_kubeconfig(text)
