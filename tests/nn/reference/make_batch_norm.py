"""Trains a network with batch normalization in PyTorch and writes what it does to batch_norm.hpp, for batch_norm_test.cpp.

    python3 make_batch_norm.py > batch_norm.hpp

Inputs and parameters are not stored: both sides make them by the same formula, as in make_layer_references.py.
"""

import platform

import torch
from torch import nn

SAMPLES, STEPS = 8, 20
HEIGHT, WIDTH, CHANNELS = 3, 2, 5


def numbers(stream, count, scale=1.0):
    return torch.tensor([((i * 97 + stream * 31) % 199 - 99) / 64 * scale for i in range(count)])


def floats(tensor):
    return "{" + ", ".join(f"{x:.9g}f" if "." in f"{x:.9g}" or "e" in f"{x:.9g}" else f"{x:.9g}"
                           for x in tensor.detach().flatten().tolist()) + "}"


torch.set_num_threads(1)
model = nn.Sequential(nn.BatchNorm2d(CHANNELS), nn.Conv2d(CHANNELS, 4, 3, padding=1), nn.BatchNorm2d(4, momentum=0.3, eps=0.01),
                      nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
with torch.no_grad():
    for i, p in enumerate(model.parameters()):
        p.copy_(numbers(10 + i, p.numel(), 0.125).view(p.shape))
x = numbers(1, SAMPLES * HEIGHT * WIDTH * CHANNELS).view(SAMPLES, HEIGHT, WIDTH, CHANNELS).permute(0, 3, 1, 2)
labels = torch.arange(SAMPLES) % 3
rule = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
losses = []
for step in range(STEPS):
    rule.zero_grad()
    loss = nn.functional.cross_entropy(model(x * (1 + step / 16)), labels)
    loss.backward()
    rule.step()
    losses.append(loss.item())
model.eval()
with torch.no_grad():
    evaluated = model(x)

print(f"""// Made by make_batch_norm.py with PyTorch {torch.__version__} in float32 on {platform.machine()}. Do not edit.
// clang-format off
#pragma once

#include <vector>

namespace lockstep {{

/// {STEPS} steps on one batch of {SAMPLES} samples, in step s times 1 + s / 16.
struct BatchNormReference {{
  std::vector<float> losses = {floats(torch.tensor(losses))};
  /// After the last step: running mean and variance of both layers.
  std::vector<std::vector<float>> statistics = {{{floats(model[0].running_mean)},
    {floats(model[0].running_var)},
    {floats(model[2].running_mean)},
    {floats(model[2].running_var)}}};
  /// Predictions with these.
  std::vector<float> evaluated = {floats(evaluated)};
}};

}}  // namespace lockstep""")
