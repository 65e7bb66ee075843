"""Time per training step of a workload of step_benchmark, in PyTorch (Debian's python3-torch), one process.

usage: OMP_NUM_THREADS=1 python3 pytorch_step.py WORK STEPS ROUNDS
Prints one JSON object: the median over the rounds of the mean step time.
"""
import json
import os
import sys
import time

import torch
from torch import nn

WORKS = {"mlp-small": ((784, 512, 256, 10), 512), "mlp-wide": ((784, 2048, 2048, 10), 1024)}


def main():
    work, steps, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    widths, batch = WORKS[work]
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    torch.manual_seed(1)
    layers = []
    for i in range(len(widths) - 1):
        layers.append(nn.Linear(widths[i], widths[i + 1]))
        if i + 2 < len(widths):
            layers.append(nn.ReLU())
    model = nn.Sequential(*layers)
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
    loss_function = nn.CrossEntropyLoss()
    batches = [(torch.randn(batch, widths[0]), torch.randint(0, 10, (batch,))) for _ in range(4)]

    def step(i):
        x, y = batches[i % 4]
        loss = loss_function(model(x), y)
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()

    for i in range(max(3, steps // 10)):
        step(i)
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        for i in range(steps):
            step(i)
        times.append((time.perf_counter() - start) / steps)
    times.sort()
    print(json.dumps({"work": work, "torch": torch.__version__,
                      "median_ms": times[len(times) // 2] * 1e3, "best_ms": times[0] * 1e3}))


main()
