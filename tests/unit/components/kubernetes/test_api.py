"""Time by a cluster's clock, and by this machine's where an answer tells none."""

import time

import httpx
import pytest

from components.kubernetes.api import _date


def test_an_answers_date_is_the_clusters_time() -> None:
    assert _date(httpx.Response(200, headers={"date": "Thu, 01 Jan 1970 00:01:00 GMT"})) == 60.0


@pytest.mark.parametrize("headers", [{}, {"date": "soon"}])
def test_an_answer_without_a_date_counts_from_the_same_moment(headers: dict[str, str]) -> None:
    """One such answer among others would otherwise end every wait, or none."""
    assert abs(_date(httpx.Response(502, headers=headers)) - time.time()) < 60
