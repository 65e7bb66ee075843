"""Evaluates losses with PyTorch and trains one linear layer by each; writes losses.hpp, for loss_reference_test.cpp.

    python3 make_losses.py > losses.hpp
"""

import torch
from torch import nn
from torch.nn import functional as F

SAMPLES, INPUTS, STEPS, RATE = 6, 3, 20, 0.2
WEIGHTS = torch.tensor([0.5, 2.0, 1.0, 0.25], dtype=torch.float64)


def mean_over_columns(loss):
    return lambda z, t: loss(z, t, reduction="none").mean(1)


# name, how the test makes it, outputs, per-sample losses, kind of the answers
CASES = [
    ("cross_entropy", "cross_entropy()", 4, lambda z, t: F.cross_entropy(z, t, reduction="none"), "labels"),
    ("label_smoothing", "cross_entropy({.label_smoothing = 0.15f})", 4,
     lambda z, t: F.cross_entropy(z, t, reduction="none", label_smoothing=0.15), "labels"),
    ("class_weights", "cross_entropy({.class_weights = {0.5f, 2, 1, 0.25f}})", 4,
     lambda z, t: F.cross_entropy(z, t, WEIGHTS, reduction="none"), "labels"),
    ("smoothing_and_weights", "cross_entropy({.label_smoothing = 0.3f, .class_weights = {0.5f, 2, 1, 0.25f}})", 4,
     lambda z, t: F.cross_entropy(z, t, WEIGHTS, reduction="none", label_smoothing=0.3), "labels"),
    ("mse", "mean_squared_error()", 2, mean_over_columns(F.mse_loss), "values"),
    ("mae", "mean_absolute_error()", 2, mean_over_columns(F.l1_loss), "values"),
    ("huber", "huber(0.5f)", 2, lambda z, t: F.huber_loss(z, t, reduction="none", delta=0.5).mean(1), "values"),
    ("binary_cross_entropy", "binary_cross_entropy()", 3,
     mean_over_columns(F.binary_cross_entropy_with_logits), "probabilities"),
]


def floats(tensor):
    return "{" + ", ".join(f"{x:.9g}f" if "." in f"{x:.9g}" or "e" in f"{x:.9g}" else f"{x:.9g}"
                           for x in tensor.detach().flatten().tolist()) + "}"


def case(name, make, outputs, loss, kind):
    torch.manual_seed(len(name))
    inputs = torch.randn(SAMPLES, INPUTS).double()
    labels = torch.randint(outputs, (SAMPLES,))
    values = torch.rand(SAMPLES, outputs) if kind == "probabilities" else torch.randn(SAMPLES, outputs)
    answers = labels if kind == "labels" else values.double()
    z = (3 * torch.randn(SAMPLES, outputs)).double().requires_grad_()
    each = loss(z, answers)
    each.sum().backward()
    layer = nn.Linear(INPUTS, outputs).double()
    layer.weight.data, layer.bias.data = layer.weight.data.float().double(), layer.bias.data.float().double()
    initial = (layer.weight.clone(), layer.bias.clone())
    rule = torch.optim.SGD(layer.parameters(), lr=RATE)
    for _ in range(STEPS):
        rule.zero_grad()
        loss(layer(inputs), answers).mean().backward()
        rule.step()
    print(f"""    {{"{name}",
     [] {{ return {make}; }},
     {outputs},
     {{{', '.join(map(str, labels.tolist() if kind == "labels" else []))}}},
     {floats(values) if kind != "labels" else "{}"},
     {floats(z)},
     {floats(each)},
     {floats(z.grad)},
     {floats(inputs)},
     {{{floats(initial[0])}, {floats(initial[1])}}},
     {{{floats(layer.weight)}, {floats(layer.bias)}}}}},""")


print(f"""// Made by make_losses.py with PyTorch {torch.__version__} in float64. Do not edit.
// clang-format off
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lockstep/nn/loss.hpp"

namespace lockstep {{

/// A loss at {SAMPLES} samples, and {STEPS} steps at rate {RATE} of one linear layer that learns the same answers by it.
struct LossReference {{
  std::string name;
  std::function<std::unique_ptr<Loss>()> make;
  Index outputs;
  std::vector<std::int32_t> labels;
  std::vector<float> values;
  std::vector<float> prediction;
  std::vector<float> losses;                  ///< of each sample
  std::vector<float> gradient;                ///< of their sum
  std::vector<float> inputs;                  ///< of the linear layer
  std::vector<std::vector<float>> initial;    ///< weight (out, in), bias
  std::vector<std::vector<float>> trained;
}};

inline std::vector<LossReference> loss_references() {{
  return {{""")
for c in CASES:
    case(*c)
print("""  };
}

}  // namespace lockstep""")
