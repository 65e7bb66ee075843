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


class Block(nn.Module):
    def __init__(self, width, heads, positions):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.heads = heads
        self.register_buffer("mask", torch.full((positions, positions), float("-inf")).triu(1))

    def forward(self, x):
        batch, positions, width = x.shape
        parts = self.query_key_value(self.norm1(x)).view(batch, positions, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(-2, -1) / (width // self.heads) ** 0.5 + self.mask
        seen = (scores.softmax(-1) @ value).transpose(1, 2).reshape(batch, positions, width)
        x = x + self.out(seen)
        return x + self.narrow(nn.functional.gelu(self.widen(self.norm2(x))))


class Gpt(nn.Module):
    def __init__(self, symbols=65, positions=64, width=128, heads=4, blocks=4):
        super().__init__()
        self.symbols = nn.Embedding(symbols, width)
        self.positions = nn.Parameter(torch.zeros(positions, width))
        self.blocks = nn.Sequential(*(Block(width, heads, positions) for _ in range(blocks)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, symbols)

    def forward(self, symbols):
        return self.head(self.norm(self.blocks(self.symbols(symbols) + self.positions))).flatten(0, 1)


# work: network, shape of a sample, batch
WORKS = {"mlp-small": (lambda: mlp(784, 512, 256, 10), (784,), 512),
         "mlp-wide": (lambda: mlp(784, 2048, 2048, 10), (784,), 1024),
         "convnet": (convnet, (3, 32, 32), 128),
         "gpt": (Gpt, (64,), 32)}
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
    optimizer = (torch.optim.AdamW(model.parameters(), 1e-3) if work == "gpt"
                 else torch.optim.SGD(model.parameters(), 0.01, momentum=0.9))
    loss_function = nn.CrossEntropyLoss()
    batch //= WORLD

    def train(x, y):
        loss = loss_function(model(x), y)
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()

    if sys.argv[2] == "hold":
        hold(train, batch, sys.argv[3:])
    if work == "gpt":
        batches = [(torch.randint(0, 65, (batch, *shape)), torch.randint(0, 65, (batch * shape[0],)))
                   for _ in range(4)]
    else:
        batches = [(torch.randn(batch, *shape), torch.randint(0, 10, (batch,))) for _ in range(4)]
    measure(work, lambda i: train(*batches[i % 4]), int(sys.argv[2]), int(sys.argv[3]))


main()
