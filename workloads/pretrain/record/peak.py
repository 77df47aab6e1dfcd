"""The arithmetic peak that MFU is a share of."""

import time
from dataclasses import dataclass

import torch

MATMUL_REPEATS = 8


@dataclass(frozen=True, slots=True)
class Peak:
    flops: float
    """Floating-point operations a second, of one rank."""
    source: str
    """Source of the figure, to be read beside every MFU."""


def peak_of(device: torch.device, tflops: float | None) -> Peak:
    """The data sheet's peak where the plan knew the accelerator, else what a short matmul reaches here and now."""
    if tflops is not None:
        return Peak(tflops * 1e12, f"the data sheet's {tflops:g} TFLOP/s, dense bf16")
    size, kind = (8192, torch.bfloat16) if device.type == "cuda" else (512, torch.float32)
    name = str(kind).removeprefix("torch.")
    return Peak(_measured_flops(device, size, kind), f"measured matmul of {size}x{size}, {name}")


def _measured_flops(device: torch.device, size: int, kind: torch.dtype) -> float:
    a = torch.ones(size, size, device=device, dtype=kind)
    best_s = float("inf")
    for _ in range(MATMUL_REPEATS):
        begin = time.perf_counter()
        # Reading one number makes a device finish.
        float((a @ a)[0, 0])
        best_s = min(best_s, time.perf_counter() - begin)
    return 2 * size**3 / best_s
