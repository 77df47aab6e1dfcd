"""Steps of a cluster's version that the simulated EKS takes."""

import pytest

from rehearsal.cloud.errors import CloudApiError
from rehearsal.providers.aws.kinds.eks import _refuse_other_steps


@pytest.mark.parametrize(("there", "asked"), [("1.31", "1.33"), ("1.34", "1.33"), ("1.9", "1.11")])
def test_a_skip_and_a_way_down_are_refused_in_the_services_words(there: str, asked: str) -> None:
    with pytest.raises(CloudApiError, match=f"minor version update from {there} to {asked}"):
        _refuse_other_steps(there, asked)


def test_one_minor_up_is_taken() -> None:
    _refuse_other_steps("1.9", "1.10")
