"""Secrets of an object on its way to the engine, and the name of one that has none."""

from google.protobuf.struct_pb2 import Struct

from engine.provider.values import SECRET, SIGNATURE, Unknown, plain
from rehearsal.providers.kubernetes.manifests import manifest, named
from rehearsal.providers.kubernetes.tokens import read_token
from rehearsal.providers.kubernetes.wire import message


def is_secret(value: Struct) -> bool:
    return value.fields[SIGNATURE].string_value == SECRET


def test_a_secrets_data_is_secret_though_nobody_said_so() -> None:
    sent = message({"kind": "Secret", "data": {"a": "Yg=="}, "__inputs": {"kind": "Secret", "stringData": {"a": "b"}}})
    assert is_secret(sent.fields["data"].struct_value)
    assert is_secret(sent.fields["__inputs"].struct_value.fields["stringData"].struct_value)
    assert plain(sent)["data"] == {"a": "Yg=="}


def test_what_was_given_as_secret_stays_so_deep_within_and_in_a_list() -> None:
    like = Struct()
    like.update({"spec": {"env": [{"value": {SIGNATURE: SECRET, "value": "x"}}], "a": {SIGNATURE: SECRET, "value": 1}}})
    sent = message({"spec": {"env": [{"value": "x"}], "a": 1, "b": 2}}, like)
    inner = sent.fields["spec"].struct_value
    assert is_secret(inner.fields["a"].struct_value)
    assert is_secret(inner.fields["env"].struct_value)
    assert inner.fields["b"].number_value == 2


def test_what_is_not_known_stays_unknown() -> None:
    assert isinstance(plain(message({"a": {"b": Unknown()}}))["a"]["b"], Unknown)


def test_an_object_without_a_name_gets_one_and_keeps_it() -> None:
    first = named({"metadata": {"namespace": "ml"}}, {}, "web-1a2b")
    assert first["metadata"]["name"] == "web-1a2b"
    assert named({"metadata": {"namespace": "ml"}}, first, "web-9z9z")["metadata"]["name"] == "web-1a2b"
    assert named({"metadata": {"name": "own"}}, first, "web-9z9z")["metadata"] == {"name": "own"}


def test_a_type_says_which_kind_it_is() -> None:
    patch = read_token("kubernetes:apps/v1:DeploymentPatch")
    assert (patch.api_version, patch.kind, patch.is_patch) == ("apps/v1", "Deployment", True)
    assert read_token("kubernetes:core/v1:Namespace").api_version == "v1"


def test_a_manifest_has_dashes_where_sdks_have_underscores_and_no_nulls() -> None:
    given = {
        "spec": {"schema": {"x_kubernetes_list_type": "map", "pattern": None}},
        "metadata": {"uid": "1", "name": "a"},
    }
    made = manifest(given, read_token("kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"))
    assert made["spec"] == {"schema": {"x-kubernetes-list-type": "map"}}
    assert made["metadata"] == {"name": "a"}
