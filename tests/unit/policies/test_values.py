"""Values that the engine sends, as rules meet them."""

import pytest
from pulumi_policy.deserialize import SPECIAL_SECRET_SIG, SPECIAL_SIG_KEY
from pulumi_policy.proxy import UNKNOWN_ARRAY_VALUE, UNKNOWN_STRING_VALUE

from policies import no_plaintext_secret
from policies.values import UNKNOWN, SecretText, at, entries
from policies.wire import marked


def secret(value: object) -> dict[str, object]:
    return {SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG, "value": value}


def test_what_a_preview_cannot_know_stays_marked() -> None:
    read = marked({"id": UNKNOWN_STRING_VALUE, "list": UNKNOWN_ARRAY_VALUE, "rules": [{"id": UNKNOWN_STRING_VALUE}]})
    assert read == {"id": UNKNOWN, "list": UNKNOWN, "rules": [{"id": UNKNOWN}]}


def test_every_text_of_a_secret_stays_one() -> None:
    read = marked({"password": secret("x"), "nested": secret({"token": ["y"]}), "plain": "z", "count": secret(1.0)})
    assert isinstance(read["password"], SecretText)
    assert isinstance(read["nested"]["token"][0], SecretText)
    assert not isinstance(read["plain"], SecretText)
    assert read["count"] == 1.0


def test_a_marked_secret_is_in_order_and_the_same_as_plain_text_is_not() -> None:
    assert list(no_plaintext_secret.check("any", marked({"password": secret("x")}))) == []
    assert list(no_plaintext_secret.check("any", marked({"password": UNKNOWN_STRING_VALUE}))) == []
    assert len(list(no_plaintext_secret.check("any", marked({"password": "x"})))) == 1


@pytest.mark.parametrize(
    ("path", "value"),
    [(("a", "b", 0, "c"), 1), (("a", "b", 1), None), (("x",), None), (("a", "c", "d"), None), (("u", "v"), UNKNOWN)],
)
def test_a_path_leads_to_a_value_to_nothing_or_to_the_unknown(path: tuple[str | int, ...], value: object) -> None:
    assert at({"a": {"b": [{"c": 1}], "c": "text"}, "u": UNKNOWN}, *path) == value


def test_entries_are_the_known_ones() -> None:
    assert entries({"a": [1, UNKNOWN]}, "a") == [1]
    assert entries({"a": UNKNOWN}, "a") == entries({}, "a") == []
