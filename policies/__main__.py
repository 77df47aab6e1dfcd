"""The policy pack as the engine runs it: `--policy-pack policies`. Making the pack starts its server and blocks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from policies import loopback_only, no_plaintext_secret
from policies.rule import Rule

RULES: Final = (loopback_only.RULE, no_plaintext_secret.RULE)
LEVELS: Final = {"advisory": EnforcementLevel.ADVISORY, "mandatory": EnforcementLevel.MANDATORY}


def policy(rule: Rule) -> ResourceValidationPolicy:
    """The rule in the engine's form."""

    def validate(resource: ResourceValidationArgs, report: ReportViolation) -> None:
        for violation in rule.check(resource.resource_type, known(resource.props)):
            report(f"{violation}; {rule.remedy}", None)

    return ResourceValidationPolicy(
        name=rule.name,
        description=rule.reason,
        enforcement_level=LEVELS[rule.level],
        validate=validate,
        remediation_steps=rule.remedy,
    )


def known(value: Any) -> Any:
    """The value without what a preview cannot know yet; asking for that raises."""
    if isinstance(value, Mapping):
        return {key: known(inner) for key, inner in _readable(value, value)}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [known(inner) for _, inner in _readable(value, range(len(value)))]
    return value


def _readable(container: Any, keys: Any) -> Iterator[tuple[Any, Any]]:
    for key in keys:
        try:
            yield key, container[key]
        except UnknownValueError:
            continue


PolicyPack(name="penstock", policies=[policy(rule) for rule in RULES])
