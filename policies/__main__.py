"""The policy pack as the engine runs it: `--policy-pack policies`. Making the pack starts its server and blocks."""

from typing import Final

import pulumi_policy.policy as sdk
from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from policies import (
    budget_per_hour,
    capacity_agrees,
    encrypted_with_key,
    expiry_set,
    fabric_in_one_zone,
    fabric_interfaces,
    fabric_security,
    gang_fabric,
    loopback_only,
    no_open_ingress,
    no_plaintext_secret,
    placement_consistent,
    reservation_targeted,
    versions_pinned,
    wire,
)
from policies.rule import Rule, StackResource, StackRule

RULES: Final = (
    encrypted_with_key.RULE,
    expiry_set.RULE,
    fabric_interfaces.RULE,
    loopback_only.RULE,
    no_open_ingress.RULE,
    no_plaintext_secret.RULE,
    placement_consistent.RULE,
    reservation_targeted.RULE,
    versions_pinned.RULE,
)
STACK_RULES: Final = (
    budget_per_hour.RULE,
    capacity_agrees.RULE,
    fabric_in_one_zone.RULE,
    fabric_security.RULE,
    gang_fabric.RULE,
)
LEVELS: Final = {"advisory": EnforcementLevel.ADVISORY, "mandatory": EnforcementLevel.MANDATORY}


def policy(rule: Rule) -> ResourceValidationPolicy:
    """The rule in the engine's form."""

    def validate(resource: ResourceValidationArgs, report: ReportViolation) -> None:
        for violation in rule.check(resource.resource_type, resource.props):
            report(f"{violation}; {rule.remedy}", None)

    return ResourceValidationPolicy(
        name=rule.name,
        description=rule.reason,
        enforcement_level=LEVELS[rule.level],
        validate=validate,
        remediation_steps=rule.remedy,
    )


def stack_policy(rule: StackRule) -> StackValidationPolicy:
    """The same for a rule of several resources."""

    def validate(stack: StackValidationArgs, report: ReportViolation) -> None:
        for resource, violation in rule.check(_resources(stack)):
            report(f"{violation}; {rule.remedy}", resource.urn)

    return StackValidationPolicy(
        name=rule.name,
        description=rule.reason,
        enforcement_level=LEVELS[rule.level],
        validate=validate,
        remediation_steps=rule.remedy,
    )


def _resources(stack: StackValidationArgs) -> list[StackResource]:
    made = {each.urn: _resource(each) for each in stack.resources}
    for each in stack.resources:
        sources = made[each.urn].sources
        assert isinstance(sources, dict)
        for name, given in each.property_dependencies.items():
            sources[name] = [made[source.urn] for source in given]
    return list(made.values())


def _resource(each: PolicyResource) -> StackResource:
    return StackResource(kind=each.resource_type, name=each.name, urn=each.urn, outputs=each.props)


def _read_with_marks() -> None:
    """The SDK offers no other place to read a resource's unknown values and secrets as such: see policies.wire."""
    reading = {"deserialize_properties": wire.marked, "unknown_checking_proxy": lambda properties: properties}
    assert reading.keys() <= vars(sdk).keys(), "pulumi-policy reads resources in another way now"
    vars(sdk).update(reading)


_read_with_marks()
PolicyPack(name="penstock", policies=[*map(policy, RULES), *map(stack_policy, STACK_RULES)])
