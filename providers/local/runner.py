"""This machine as the engine sees it: the volume, and processes as resources of penstock's own provider."""

from dataclasses import dataclass

import pulumi

from components.plan.types import ClusterPlan
from components.provider import ClusterHandle, JobHandle, Manifest, ServiceHandle
from providers.local.resources import InferenceServer, TrainingRun, Volume


def build_machine(name: str, plan: ClusterPlan, opts: pulumi.ResourceOptions) -> ClusterHandle:
    """The volume's folder, and a runner whose processes keep their state in it."""
    volume = Volume(f"{name}-volume", path=plan.volume.path, on_destroy=plan.volume.on_destroy, opts=opts)
    return ClusterHandle(volume_path=volume.path, runner=ProcessRunner(volume=volume))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRunner:
    """Starts rendered jobs and services as processes on this machine."""

    volume: Volume

    def run(self, name: str, manifests: tuple[Manifest, ...], opts: pulumi.ResourceOptions) -> JobHandle:
        (manifest,) = manifests
        run = TrainingRun(
            name,
            volume=self.volume.path,
            run_folder=manifest["runFolder"],
            program=manifest["program"],
            env=manifest["env"],
            job=manifest["job"],
            identity=manifest["identity"],
            max_agent_restarts=manifest["maxAgentRestarts"],
            opts=opts,
        )
        outputs = {"run": run.run_folder, "step": run.step, "loss": run.loss, "model": run.export_folder}
        return JobHandle(outputs=outputs, digest=run.digest, resource=run)

    def serve(
        self, name: str, manifests: tuple[Manifest, ...], digest: pulumi.Input[str], opts: pulumi.ResourceOptions
    ) -> ServiceHandle:
        servers = [
            InferenceServer(
                f"{name}-{index}",
                volume=self.volume.path,
                state_folder=manifest["stateFolder"],
                program=manifest["program"],
                env=manifest["env"],
                config=manifest["config"],
                model_digest=digest,
                drain_s=manifest["drainS"],
                opts=opts,
            )
            for index, manifest in enumerate(manifests)
        ]
        return ServiceHandle(urls=tuple(server.url for server in servers))
