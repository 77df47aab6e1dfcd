"""A bare program: registers what lies beside it in registrations.json, with nothing but the Pulumi SDK.

It is copied into a project of its own, so it imports nothing of penstock's.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime.rpc import UNKNOWN, _special_secret_sig, _special_sig_key

PROVIDER = "pulumi:providers:"
OPTIONS = {
    "protect": "protect",
    "ignoreChanges": "ignore_changes",
    "retainOnDelete": "retain_on_delete",
    "additionalSecretOutputs": "additional_secret_outputs",
    "replaceOnChanges": "replace_on_changes",
    "version": "version",
}


def replay(registrations: list[dict[str, Any]]) -> None:
    """Every registration again; an input that was unknown is an Output of what it came from."""
    made: dict[str, Any] = {}
    for asked in registrations:
        made[asked["urn"]] = _register(asked, made)
    for asked in registrations:
        if "outputs" in asked:
            sources = _in_turn([resource for resource in made.values() if hasattr(resource, "id")])
            made[asked["urn"]].register_outputs(_value(asked["outputs"], sources))


def _register(asked: dict[str, Any], made: dict[str, Any]) -> pulumi.Resource:
    inputs, used = {}, set()
    for name, value in asked.get("object", {}).items():
        urns = asked.get("propertyDependencies", {}).get(name, {}).get("urns", [])
        used |= set(urns)
        inputs[name] = _input(value, [made[urn] for urn in urns])
    options = pulumi.ResourceOptions(
        parent=made.get(asked.get("parent", "")),
        depends_on=[made[urn] for urn in asked.get("dependencies", []) if urn not in used],
        delete_before_replace=asked.get("deleteBeforeReplace") if asked.get("deleteBeforeReplaceDefined") else None,
        aliases=[pulumi.Alias(type_=alias["spec"]["type"]) for alias in asked.get("aliases", [])],
        custom_timeouts=pulumi.CustomTimeouts(**asked["customTimeouts"]) if "customTimeouts" in asked else None,
        **{theirs: asked[name] for name, theirs in OPTIONS.items() if name in asked},
    )
    kind, name = asked["type"], asked["name"]
    if kind.startswith(PROVIDER):
        return pulumi.ProviderResource(kind.removeprefix(PROVIDER), name, inputs, options)
    if asked.get("custom"):
        options.provider = made.get(asked.get("provider", "").rpartition("::")[0])
        return pulumi.CustomResource(kind, name, inputs, options)
    given = asked.get("providers", {}).values()
    options.providers = [made[provider.rpartition("::")[0]] for provider in given]
    return pulumi.ComponentResource(kind, name, inputs, options)


def _input(value: Any, sources: list[Any]) -> Any:
    """The value from those that it depends on, whether a preview knows it or not."""
    if not sources or UNKNOWN in json.dumps(value):
        return _value(value, _in_turn(sources))
    known = _value(value, iter(()))
    return pulumi.Output.all(*(source.urn for source in sources)).apply(lambda _: known)


def _in_turn(resources: list[Any]) -> Iterator[Any]:
    """Ids, which a preview does not know, of these resources in turn and without end."""
    while resources:
        yield from (resource.id for resource in resources)


def _value(value: Any, sources: Iterator[Any]) -> Any:
    if value == UNKNOWN:
        return next(sources)
    if isinstance(value, list):
        return [_value(each, sources) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get(_special_sig_key) == _special_secret_sig:
        return pulumi.Output.secret(_value(value.get("value"), sources))
    return {name: _value(each, sources) for name, each in value.items()}


if __name__ == "__main__":
    replay(json.loads(Path(__file__).with_name("registrations.json").read_text()))
