"""Time per training step of a workload of step_benchmark, in PyTorch (Debian's python3-torch).

usage: OMP_NUM_THREADS=1 python3 pytorch_step.py WORK STEPS ROUNDS
       OMP_NUM_THREADS=1 python3 pytorch_step.py WORK hold IMAGES.npy...

Prints one JSON object: median and best over the rounds of the mean step time. Several processes train together (DDP over
gloo, the batch is global) when RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT are set; rank 0 prints. With `hold`, every
process loads the images and trains on those of the first file until it is ended, and says so in one line after a few steps:
for those who measure memory meanwhile.
"""
import json
import os
import sys
import time

import torch
from torch import distributed, nn


def mlp(*widths):
    layers = []
    for i in range(len(widths) - 1):
        layers.append(nn.Linear(widths[i], widths[i + 1]))
        if i + 2 < len(widths):
            layers.append(nn.ReLU())
    return nn.Sequential(*layers)


def convnet():
    layers = []
    for inputs, outputs in ((3, 32), (32, 64)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(),
                   nn.Conv2d(outputs, outputs, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), mlp(4096, 256, 10))


# work: network, shape of a sample, batch
WORKS = {"mlp-small": (lambda: mlp(784, 512, 256, 10), (784,), 512),
         "mlp-wide": (lambda: mlp(784, 2048, 2048, 10), (784,), 1024),
         "convnet": (convnet, (3, 32, 32), 128)}
RANK = int(os.environ.get("RANK", "0"))
WORLD = int(os.environ.get("WORLD_SIZE", "1"))


def meet():
    if WORLD > 1:
        distributed.barrier()


def measure(work, step, steps, rounds):
    for i in range(max(3, steps // 10)):
        step(i)
    times = []
    for _ in range(rounds):
        meet()
        start = time.perf_counter()
        for i in range(steps):
            step(i)
        meet()
        times.append((time.perf_counter() - start) / steps)
    times.sort()
    if RANK == 0:
        print(json.dumps({"work": work, "torch": torch.__version__, "ranks": WORLD,
                          "median_ms": times[len(times) // 2] * 1e3, "best_ms": times[0] * 1e3}))


def hold(train, batch, files):
    import numpy

    data = [torch.from_numpy(numpy.load(file)) for file in files]
    images = data[0].view(len(data[0]), -1)
    labels = torch.randint(0, 10, (len(images),))
    i = 0
    while True:
        chosen = torch.randint(0, len(images), (batch,))
        train(images[chosen].float() / 255, labels[chosen])
        i += 1
        if i == 5:
            print("training", flush=True)


def main():
    work = sys.argv[1]
    build, shape, batch = WORKS[work]
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    torch.manual_seed(1)
    if WORLD > 1:
        distributed.init_process_group("gloo", rank=RANK, world_size=WORLD)
    model = build()
    if WORLD > 1:
        model = nn.parallel.DistributedDataParallel(model)
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
    loss_function = nn.CrossEntropyLoss()
    batch //= WORLD

    def train(x, y):
        loss = loss_function(model(x), y)
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()

    if sys.argv[2] == "hold":
        hold(train, batch, sys.argv[3:])
    batches = [(torch.randn(batch, *shape), torch.randint(0, 10, (batch,))) for _ in range(4)]
    measure(work, lambda i: train(*batches[i % 4]), int(sys.argv[2]), int(sys.argv[3]))


main()
