"""Rows of AWS on what acts on the cloud from inside a cluster, each with its source."""

from typing import Any

from rehearsal.field.service_facts import AgentRow, BalancerRow, BoundedRow

TEMPLATE, IDENTITY = "aws:ec2/launchTemplate:LaunchTemplate", "aws:eks/podIdentityAssociation:PodIdentityAssociation"
CONTROLLER = "aws-load-balancer-controller"
POLICY = "aws:iam/rolePolicy:RolePolicy"
HOPS = (TEMPLATE, "metadataOptions.httpPutResponseHopLimit")


def _agent(chart: str, account: str, account_at: str, actions: tuple[str, ...], source: str, **more: Any) -> AgentRow:
    return AgentRow(
        chart=chart, account=account, account_at=account_at, right=IDENTITY, right_account="serviceAccount",
        right_space="namespace", right_role="roleArn", policy=POLICY, policy_role="role",
        statements="policy.Statement", actions=actions, source=source, hops=HOPS, **more,
    )  # fmt: skip


# Software of charts that signs requests to AWS. With one hop an answer of instance metadata ends at its node (EC2 User
# Guide, Instance metadata options), so what a pod would ask there has to be said.
AGENTS = (
    _agent(
        CONTROLLER, CONTROLLER, "serviceAccount.name",
        (
            "elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateListener",
            "elasticloadbalancing:CreateTargetGroup", "elasticloadbalancing:RegisterTargets",
            "elasticloadbalancing:AddTags", "elasticloadbalancing:DeleteLoadBalancer", "ec2:CreateSecurityGroup",
            "ec2:AuthorizeSecurityGroupIngress", "ec2:DescribeSubnets", "ec2:DescribeVpcs",
        ),
        "kubernetes-sigs/aws-load-balancer-controller, docs/install/iam_policy.json and docs/deploy/installation.md",
        told=(("region",), ("vpcId", "vpcTags")),
    ),
    _agent(
        "fluent-bit", "fluent-bit", "serviceAccount.name", ("logs:CreateLogStream", "logs:PutLogEvents"),
        "Fluent Bit manual, Amazon CloudWatch; CloudWatch Logs User Guide: what a write makes has no key and no end",
        when=("config.outputs", "*cloudwatch_logs*"),
        target=(r"log_group_name\s+(\S+)", "aws:cloudwatch/logGroup:LogGroup", "name"),
        target_has=("kmsKeyId", "retentionInDays"),
    ),
    _agent(
        "kube-prometheus-stack", "kps-prometheus", "prometheus.serviceAccount.name", ("aps:RemoteWrite",),
        "AMP User Guide, Set up ingestion from a new Prometheus server; prometheus/prometheus 10825: no role, no start",
        when=("prometheus.prometheusSpec.remoteWrite.url", "https://aps-workspaces.*"),
        told=(("prometheus.prometheusSpec.remoteWrite.sigv4.region",),),
    ),
    _agent(
        "external-dns", "external-dns", "serviceAccount.name",
        ("route53:ChangeResourceRecordSets", "route53:ListHostedZones"),
        "kubernetes-sigs/external-dns, docs/tutorials/aws.md", when=("provider.name", "aws"),
    ),
)  # fmt: skip

BALANCERS = (
    BalancerRow(
        chart=CONTROLLER, service_class="service.k8s.aws/nlb",
        scheme="service.beta.kubernetes.io/aws-load-balancer-scheme", public="internet-facing",
        subnet="aws:ec2/subnet:Subnet", tags="tags", inside_tag="kubernetes.io/role/internal-elb",
        outside_tag="kubernetes.io/role/elb", group="aws:ec2/securityGroup:SecurityGroup",
        group_tag="kubernetes.io/cluster/", fails_closed="enableServiceMutatorWebhook",
        without_class="EKS's own controller makes a classic one with public addresses",
        source="kubernetes-sigs/aws-load-balancer-controller, docs: annotations, subnet discovery, values.yaml; "
        "pkg/networking/networking_manager.go: exactly one security group with the cluster's tag",
    ),
)  # fmt: skip

BOUNDED = (
    BoundedRow(
        policy=POLICY, statements="policy.Statement",
        actions=(
            "[*]", "*:[*]", "aps:RemoteWrite", "autoscaling:SetDesiredCapacity", "autoscaling:Terminate*",
            "ec2:AuthorizeSecurityGroup*", "ec2:DeleteSecurityGroup", "ec2:TerminateInstances", "ecr:CreateRepository",
            "ecr:PutImage", "elasticloadbalancing:DeleteLoadBalancer", "elasticloadbalancing:DeleteTargetGroup",
            "iam:PassRole", "kms:Decrypt", "logs:PutLogEvents", "route53:ChangeResourceRecordSets", "s3:*Object",
            "secretsmanager:GetSecretValue",
        ),
        source="IAM User Guide, Security best practices: apply least-privilege permissions",
    ),
)  # fmt: skip
