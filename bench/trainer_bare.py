"""The floor for the trainer: the same model in the plainest DDP loop, with nothing around it.

`python -m bench.trainer_bare JOB_FILE STEPS` as one rank of a group (RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT);
rank 0 prints one line of JSON. With 0 steps it only meets the others.
"""

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from components.spec.training import TrainingSpec
from workloads.model.transformer import Transformer
from workloads.prepare.manifest import read_manifest
from workloads.pretrain.config import read_job


def main(job_file: str, steps: int) -> None:
    dist.init_process_group("gloo")
    dist.barrier()
    met = time.time()
    training = read_job(Path(job_file)).training
    seconds = train(training, steps, _first_file(Path(job_file).parent / "data")) if steps else []
    if dist.get_rank() == 0:
        peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        sys.stdout.write(json.dumps({"met": met, "seconds": seconds, "peakBytes": peak_kib * 1024}) + "\n")
    dist.destroy_process_group()


def train(training: TrainingSpec, steps: int, tokens_file: Path) -> list[float]:
    """Seconds of each step."""
    torch.manual_seed(training.seed)
    model = Transformer(training.model)
    model.initialize(training.seed)
    ddp = DistributedDataParallel(model, gradient_as_bucket_view=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    tokens = np.memmap(tokens_file, dtype=np.uint16, mode="r")
    context, share = training.model.context, training.batch.sequences // dist.get_world_size()
    rows = min(training.batch.micro_sequences, share)
    turns = share // rows
    seconds = []
    for step in range(steps):
        begin = time.perf_counter()
        for turn in range(turns):
            first = (step * turns + turn) * rows * (context + 1)
            piece = tokens[first : first + rows * (context + 1)].astype(np.int64).reshape(rows, context + 1)
            row = torch.from_numpy(piece)
            ddp.require_backward_grad_sync = turn == turns - 1
            logits = ddp(row[:, :-1])
            loss = functional.cross_entropy(logits.flatten(0, 1), row[:, 1:].flatten()) / turns
            torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0, foreach=True)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        seconds.append(time.perf_counter() - begin)
    return seconds


def _first_file(data: Path) -> Path:
    """The token file of a text that is small enough for one."""
    (source,) = read_manifest(data).sources
    (shard,) = source.train
    return data.resolve() / shard.path


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
