"""Jobs and services as the `process` scheduler starts them: plain processes on one machine, without a queue."""

from components.plan.cluster import NodePoolPlan
from components.plan.kubernetes import Manifest, SchedulerPlan
from components.plan.work import JobPlan, ServicePlan


def render_job(job: JobPlan, pool: NodePoolPlan, plan: SchedulerPlan) -> tuple[Manifest, ...]:
    """One agent process that starts the gang of the job's ranks."""
    manifest = {
        "runFolder": job.run_folder,
        "program": list(job.program),
        "env": dict(job.env),
        "job": dict(job.config),
        "identity": job.identity,
        "maxAgentRestarts": job.max_agent_restarts,
    }
    return (manifest,)


def render_service(service: ServicePlan, pool: NodePoolPlan) -> tuple[Manifest, ...]:
    """One server process for each replica, each with a port and a folder of its own."""
    return tuple(
        {
            "stateFolder": f"{service.state_folder}/{port}",
            "program": list(service.program),
            "env": dict(service.env),
            "config": {**service.config, "port": port},
            "drainS": service.drain_s,
        }
        for port in service.ports
    )
