"""The arithmetic peak that MFU is a share of."""

import time
from dataclasses import dataclass

import torch

BF16_TFLOPS = {
    "A100": 312,
    "H100 PCIe": 756,
    "H100": 989,
    "H200": 989,
    "B200": 2250,
    "B300": 2250,
    "GB200": 2500,
    "GB300": 2500,
    "MI300X": 1300,
    "MI355X": 2500,
}
"""Dense bf16 peaks of the makers' data sheets; the longest name that occurs in the device's own wins."""

MATMUL_SIZE = 512
MATMUL_REPEATS = 8


@dataclass(frozen=True, slots=True)
class Peak:
    flops: float
    """Floating-point operations a second, of one rank."""
    source: str
    """Source of the figure, to be read beside every MFU."""


def peak_of(device: torch.device) -> Peak:
    """The data sheet's peak of an accelerator, else what one short matmul reaches here and now."""
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
        known = max((chip for chip in BF16_TFLOPS if chip in name), key=len, default=None)
        if known:
            return Peak(BF16_TFLOPS[known] * 1e12, f"data sheet of {known}, dense bf16")
    return Peak(_measured_flops(device), f"measured matmul of {MATMUL_SIZE}x{MATMUL_SIZE}, float32")


def _measured_flops(device: torch.device) -> float:
    a = torch.ones(MATMUL_SIZE, MATMUL_SIZE, device=device)
    best_s = float("inf")
    for _ in range(MATMUL_REPEATS):
        begin = time.perf_counter()
        # Reading one number makes a device finish.
        float((a @ a)[0, 0])
        best_s = min(best_s, time.perf_counter() - begin)
    return 2 * MATMUL_SIZE**3 / best_s
