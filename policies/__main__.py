"""The policy pack as the engine runs it: `--policy-pack policies`. Making the pack starts its server and blocks."""

from typing import Final

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)

from policies import loopback_only, no_plaintext_secret
from policies.rule import Rule

RULES: Final = (loopback_only.RULE, no_plaintext_secret.RULE)
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


PolicyPack(name="penstock", policies=[policy(rule) for rule in RULES])
