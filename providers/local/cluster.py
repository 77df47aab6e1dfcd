"""This machine as the engine sees it: the volume, and processes as resources of penstock's own provider."""

from dataclasses import dataclass

import pulumi

from components.files import words_for_bytes
from components.plan.cluster import ClusterPlan
from components.plan.kubernetes import Manifest
from components.provider import ClusterHandle, JobHandle, ServiceHandle
from providers.local.resources import InferenceServer, TrainingRun, Volume


def build_machine(name: str, plan: ClusterPlan, opts: pulumi.ResourceOptions) -> ClusterHandle:
    """The volume's folder, and a runner whose processes keep their state in it."""
    volume = Volume(f"{name}-volume", path=plan.volume.path, on_destroy=plan.volume.on_destroy, opts=opts)
    told = pulumi.Output.all(volume.path, volume.on_destroy).apply(lambda found: what_destroy_does(*found))
    return ClusterHandle(volume_path=volume.path, runner=ProcessRunner(volume=volume), outputs={"onDestroy": told})


def what_destroy_does(path: str, rule: str, run_bytes: int | None = None) -> str:
    """Effect of `pulumi destroy` on the volume: its preview shows the stack's outputs, and asks no provider."""
    size = f" ({words_for_bytes(run_bytes)} of this run)" if run_bytes else ""
    if rule == "delete":
        return f"deletes all that penstock made in {path}{size}; your own files there stay"
    return f"keeps {path}{size}"


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
        found = pulumi.Output.all(self.volume.path, self.volume.on_destroy, run.run_bytes)
        outputs = {
            "run": run.run_folder,
            "step": run.step,
            "validationLoss": run.validation_loss,
            "goodput": run.goodput,
            "timeByCause": run.time_by_cause,
            "unigramLoss": run.unigram_loss,
            "model": run.export_folder,
            "onDestroy": found.apply(lambda told: what_destroy_does(*told)),
        }
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
