"""A volume, a run and a server, from a JSON file: what the local cloud builds, with programs of the test's own."""

import json
from pathlib import Path

import pulumi

from providers.local.resources import InferenceServer, TrainingRun, Volume

asked = json.loads(Path(pulumi.Config().require("asked")).read_text())
env = dict(asked["env"])
if secret := pulumi.Config().get_secret("token"):
    env["TOKEN"] = secret
volume = Volume("volume", **asked["volume"])
if asked.get("run"):
    run = TrainingRun("run", volume=volume.path, env=env, **asked["run"])
    for name in ("run_folder", "step", "loss", "unigram_loss", "export_folder", "digest", "restarts"):
        pulumi.export(name, getattr(run, name))
    digest = run.digest
else:
    digest = pulumi.Output.from_input("none")
if asked.get("server"):
    server = InferenceServer("server", volume=volume.path, env=env, model_digest=digest, **asked["server"])
    for name in ("url", "port", "pid", "log"):
        pulumi.export(name, getattr(server, name))
