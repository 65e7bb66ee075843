"""Trains small networks with PyTorch and writes what they do to trajectories.hpp, for trajectory_test.cpp.

    python3 make_trajectories.py > trajectories.hpp
"""

import platform

import torch
from torch import nn

SAMPLES, INPUTS, STEPS = 12, 6, 20
LAYERS = {"tanh": nn.Tanh, "relu": nn.ReLU, "gelu": nn.GELU, "sigmoid": nn.Sigmoid}

# name, activations, outputs, optimizer, its options, norm of clipping, regression
CASES = [
    ("sgd", ("tanh", "relu"), 3, torch.optim.SGD, dict(lr=0.2), 0, False),
    ("momentum", ("gelu", "tanh"), 3, torch.optim.SGD, dict(lr=0.05, momentum=0.9), 0, False),
    ("nesterov", ("sigmoid", "gelu"), 3, torch.optim.SGD,
     dict(lr=0.05, momentum=0.9, nesterov=True), 0, False),
    ("sgd_decay", ("relu", "sigmoid"), 3, torch.optim.SGD,
     dict(lr=0.1, momentum=0.5, weight_decay=0.05), 0, False),
    ("adamw", ("tanh", "gelu"), 3, torch.optim.AdamW, dict(lr=0.01, weight_decay=0.1), 0, False),
    ("adamw_clipped", ("gelu", "relu"), 3, torch.optim.AdamW,
     dict(lr=0.01, betas=(0.8, 0.99)), 0.5, False),
    ("adam", ("gelu", "tanh"), 3, torch.optim.Adam, dict(lr=0.01, weight_decay=0.1), 0, False),
    ("rmsprop", ("tanh", "relu"), 3, torch.optim.RMSprop, dict(lr=0.005, weight_decay=0.05), 0, False),
    ("rmsprop_momentum", ("sigmoid", "tanh"), 3, torch.optim.RMSprop,
     dict(lr=0.002, alpha=0.9, momentum=0.8), 0, False),
    ("adagrad", ("gelu", "sigmoid"), 3, torch.optim.Adagrad, dict(lr=0.05, weight_decay=0.05), 0, False),
    ("regression", ("tanh", "sigmoid"), 2, torch.optim.SGD, dict(lr=0.1, momentum=0.9), 1.0, True),
]


def floats(tensor):
    return "{" + ", ".join(f"{x:.9g}f" if "." in f"{x:.9g}" or "e" in f"{x:.9g}" else f"{x:.9g}"
                           for x in tensor.detach().flatten().tolist()) + "}"


def parameters(model):
    return "{" + ",\n     ".join(floats(p) for p in model.parameters()) + "}"


def options(optimizer, chosen):
    if optimizer is torch.optim.SGD:
        flag = "true" if chosen.get("nesterov") else "false"
        return (f"sgd({{.momentum = {chosen.get('momentum', 0)}, .nesterov = {flag}, "
                f".weight_decay = {chosen.get('weight_decay', 0)}}})")
    decay = f".weight_decay = {chosen.get('weight_decay', 0)}"
    if optimizer is torch.optim.RMSprop:
        return (f"rmsprop({{.alpha = {chosen.get('alpha', 0.99)}, .momentum = {chosen.get('momentum', 0)}, {decay}}})")
    if optimizer is torch.optim.Adagrad:
        return f"adagrad({{{decay}}})"
    if optimizer is torch.optim.Adam:
        return f"adam({{{decay}}})"
    beta1, beta2 = chosen.get("betas", (0.9, 0.999))
    return (f"adamw({{.beta1 = {beta1}, .beta2 = {beta2}, .epsilon = 1e-8, "
            f".weight_decay = {chosen.get('weight_decay', 0.01)}}})")


def train(case):
    name, activations, outputs, optimizer, chosen, clip, regression = case
    torch.manual_seed(len(name))
    model = nn.Sequential(nn.Linear(INPUTS, 8), LAYERS[activations[0]](), nn.Linear(8, 5),
                          LAYERS[activations[1]](), nn.Linear(5, outputs))
    initial = parameters(model)
    inputs = torch.randn(SAMPLES, INPUTS)
    labels = torch.randint(outputs, (SAMPLES,))
    values = torch.randn(SAMPLES, outputs)
    rule = optimizer(model.parameters(), **chosen)
    losses = []
    for _ in range(STEPS):
        rule.zero_grad()
        prediction = model(inputs)
        loss = (nn.functional.mse_loss(prediction, values) if regression
                else nn.functional.cross_entropy(prediction, labels))
        loss.backward()
        if clip:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        rule.step()
        losses.append(loss.item())
    print(f"""    {{"{name}",
     {{{activations[0]}, {activations[1]}}},
     [] {{ return {options(optimizer, chosen)}; }},
     {chosen['lr']},
     {clip},
     {initial},
     {floats(inputs)},
     {{{', '.join(map(str, [] if regression else labels.tolist()))}}},
     {floats(values) if regression else "{}"},
     {floats(torch.tensor(losses))},
     {parameters(model)}}},""")


torch.set_num_threads(1)
print(f"""// Made by make_trajectories.py with PyTorch {torch.__version__} in float32 on {platform.machine()}. Do not edit.
// clang-format off
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lockstep/nn/layers.hpp"
#include "lockstep/optim/optimizer.hpp"

namespace lockstep {{

/// {STEPS} steps of a network {INPUTS}-8-5-outputs on one batch of {SAMPLES} samples.
struct Trajectory {{
  std::string name;
  std::array<std::unique_ptr<Layer> (*)(), 2> activations;
  std::function<std::unique_ptr<Optimizer>()> optimizer;
  double learning_rate;
  double clip_norm;                            ///< 0: no clipping
  std::vector<std::vector<float>> initial;     ///< weight (out, in), bias of each layer
  std::vector<float> inputs;
  std::vector<std::int32_t> labels;            ///< of a classification
  std::vector<float> values;                   ///< of a regression
  std::vector<float> losses;                   ///< of each step, before its update
  std::vector<std::vector<float>> trained;     ///< laid out like `initial`
}};

inline std::vector<Trajectory> trajectories() {{
  return {{""")
for c in CASES:
    train(c)
print("""  };
}

}  // namespace lockstep""")
