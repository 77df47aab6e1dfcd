"""A node of a training job as a Kubernetes pod: the same for every scheduler."""

from components.pods.config_map import job_file
from components.pods.naming import labels, named, node_name
from components.pods.template import PORT, agent, pod_template

__all__ = ["PORT", "agent", "job_file", "labels", "named", "node_name", "pod_template"]
