"""A training job on the nodes of a Ray cluster: one agent on each, started from where the Ray job runs.

The image of such a job is the target `ray` of images/. A request to stop does not reach the ranks: Ray ends
its nodes at once, so that a preemption costs the steps since the last checkpoint.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

NODE_RESOURCE = "penstock-node"
"""Resource of which each Ray node of the job offers one, so that no two agents share one."""

PORT = 29400


class RayNode:
    """Runs where Ray put it."""

    def address(self) -> str:
        import ray  # only an image for Ray has it

        return str(ray.util.get_node_ip_address())

    def run(self, job_file: str, rendezvous: str) -> int:
        """The exit code of this node's agent."""
        # Ray hides the accelerators from whoever has not asked Ray for them; here the pod has.
        env = {key: value for key, value in os.environ.items() if key != "CUDA_VISIBLE_DEVICES"}
        command = [sys.executable, "-m", "workloads.pretrain", job_file]
        meeting = ["--rendezvous", rendezvous, "--address", self.address()]
        return subprocess.run([*command, *meeting], env=env, check=False).returncode


def main(arguments: Sequence[str] | None = None) -> int:
    """The worst end of any node."""
    parser = argparse.ArgumentParser(
        prog="python -m workloads.pretrain.agent.on_ray", description=__doc__.split("\n", 1)[0]
    )
    parser.add_argument("job", type=Path, metavar="JOB_FILE")
    parser.add_argument("--nodes", type=int, required=True)
    options = parser.parse_args(arguments)
    try:
        import ray
    except ImportError:
        sys.stderr.write("this image has no ray: build the target `ray` of images/, or use another scheduler\n")
        return 78
    ray.init(log_to_driver=True)
    actor: Any = ray.remote(num_cpus=0, resources={NODE_RESOURCE: 1})(RayNode)
    nodes = [actor.remote() for _ in range(options.nodes)]
    first, *_others = ray.get([node.address.remote() for node in nodes])
    codes: list[int] = ray.get([node.run.remote(str(options.job), f"{first}:{PORT}") for node in nodes])
    return max(codes, key=abs)


if __name__ == "__main__":
    sys.exit(main())
