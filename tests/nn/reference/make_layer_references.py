"""Runs single layers, alone and for some steps between two linear ones, in PyTorch and writes what they do to layer_references.hpp, for
layer_reference_test.cpp.

    python3 make_layer_references.py > layer_references.hpp

Inputs, parameters and output gradients are not stored: both sides make them by the same formula, number by number in the
order of our rows (NHWC) or of the parameter in files. All are multiples of 1/64, so that both start from equal bits.
"""

import torch
from pytorch_layers import fill, floats, numbers
from torch import nn

torch.set_default_dtype(torch.float64)
SAMPLES, STEPS_SAMPLES, STEPS, CLASSES = 3, 12, 20, 3


def rows(stream, shape):
    """Numbers of a tensor that is NCHW in PyTorch, in the order of our rows."""
    n, h, w, c = shape
    return numbers(stream, n * h * w * c).view(n, h, w, c).permute(0, 3, 1, 2).contiguous()


def sequence(layer):
    """A layer over (N, C, T), given (N, C, T, 1)."""
    class Sequence(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = layer

        def forward(self, x):
            return self.layer(x.squeeze(3)).unsqueeze(3)
    return Sequence()


def positions(layer):
    """A layer over the last axis, given channels on the second."""
    class Positions(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = layer

        def forward(self, x):
            return self.layer(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    return Positions()


class RMSNorm(nn.Module):
    """torch.nn.RMSNorm of later versions."""
    def __init__(self, channels, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.eps = eps

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weight


# name, ours, shape of a sample (H, W, C), PyTorch's
LAYERS = [
    ("conv2d", "conv2d(5)", (5, 4, 3), nn.Conv2d(3, 5, 3, padding=1)),
    ("conv2d_wide", "conv2d(35, {.kernel = 3, .padding = 0})", (3, 5, 2), nn.Conv2d(2, 35, 3)),
    ("conv2d_strided", "conv2d(4, {.kernel = 3, .stride = 2, .padding = 1})", (5, 6, 2),
     nn.Conv2d(2, 4, 3, stride=2, padding=1)),
    ("conv2d_even", "conv2d(3, {.kernel = 4, .stride = 3, .padding = 2, .bias = false})", (5, 7, 2),
     nn.Conv2d(2, 3, 4, stride=3, padding=2, bias=False)),
    ("conv2d_dilated", "conv2d(3, {.kernel = 3, .stride = 2, .dilation = 2, .padding = 3})", (6, 5, 2),
     nn.Conv2d(2, 3, 3, stride=2, dilation=2, padding=3)),
    ("conv2d_groups", "conv2d(6, {.kernel = 3, .padding = 1, .groups = 2})", (4, 3, 4),
     nn.Conv2d(4, 6, 3, padding=1, groups=2)),
    ("conv2d_winograd", "conv2d(16, {.kernel = 3, .padding = 1})", (2, 4, 16), nn.Conv2d(16, 16, 3, padding=1)),
    ("conv2d_depthwise", "conv2d(8, {.kernel = 3, .stride = 2, .padding = 1, .groups = 4})", (5, 3, 4),
     nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=4)),
    ("conv1d", "conv1d(4, {.kernel = 3, .stride = 2, .padding = 1})", (8, 1, 3),
     sequence(nn.Conv1d(3, 4, 3, stride=2, padding=1))),
    ("max_pool2d", "max_pool2d({.kernel = 3, .stride = 2, .padding = 1})", (5, 6, 3),
     nn.MaxPool2d(3, stride=2, padding=1)),
    ("max_pool1d", "max_pool1d({.kernel = 2})", (7, 1, 3), sequence(nn.MaxPool1d(2))),
    ("avg_pool2d", "avg_pool2d({.kernel = 3, .stride = 2, .padding = 1})", (5, 6, 3),
     nn.AvgPool2d(3, stride=2, padding=1)),
    ("avg_pool1d", "avg_pool1d({.kernel = 2})", (7, 1, 3), sequence(nn.AvgPool1d(2))),
    ("global_avg_pool", "global_avg_pool()", (3, 4, 5), nn.AdaptiveAvgPool2d(1)),
    ("leaky_relu", "leaky_relu(0.125f)", (2, 1, 9), nn.LeakyReLU(0.125)),
    ("elu", "elu(0.75f)", (2, 1, 9), nn.ELU(0.75)),
    ("silu", "silu()", (2, 1, 9), nn.SiLU()),
    ("softmax", "softmax()", (2, 2, 5), nn.Softmax(1)),
    ("layer_norm", "layer_norm()", (2, 2, 7), positions(nn.LayerNorm(7))),
    ("rms_norm", "rms_norm(1e-3)", (2, 2, 5), positions(RMSNorm(5, 1e-3))),
    ("group_norm", "group_norm(2)", (3, 2, 6), nn.GroupNorm(2, 6)),
]


def run_layer(name, ours, shape, model):
    fill(model)
    h, w, c = shape
    x = rows(1, (SAMPLES, h, w, c)).requires_grad_()
    y = model(x)
    n, co, ho, wo = y.shape
    y.backward(rows(2, (n, ho, wo, co)))
    print(f"""    {{"{name}", [] {{ return {ours}; }}, {{{h}, {w}, {c}}},
     {floats(y.permute(0, 2, 3, 1))},
     {floats(x.grad.permute(0, 2, 3, 1))},
     {{{", ".join(floats(p.grad) for p in model.parameters())}}},
     {losses(shape, model)}}},""")


class Between(nn.Module):
    """linear, the layer, flatten, linear; with the rows of a batch in our order."""

    def __init__(self, shape, layer):
        super().__init__()
        h, w, c = shape
        self.first, self.layer = nn.Linear(c, c), layer
        outputs = self.rows(torch.zeros(1, h, w, c)).shape[1]
        self.head = nn.Linear(outputs, CLASSES)

    def rows(self, x):
        y = self.layer(self.first(x).permute(0, 3, 1, 2))
        return y.permute(0, 2, 3, 1).flatten(1)

    def forward(self, x):
        return self.head(self.rows(x))


def losses(shape, layer):
    """Before each step of gradient descent with momentum."""
    model = Between(shape, layer)
    fill(model)
    h, w, c = shape
    x = numbers(1, STEPS_SAMPLES * h * w * c).view(STEPS_SAMPLES, h, w, c)
    labels = torch.tensor([i % CLASSES for i in range(STEPS_SAMPLES)])
    rule = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    found = []
    for _ in range(STEPS):
        rule.zero_grad()
        loss = nn.functional.cross_entropy(model(x), labels)
        loss.backward()
        rule.step()
        found.append(loss.item())
    return floats(torch.tensor(found))


print(f"""// Made by make_layer_references.py with PyTorch {torch.__version__} in float64. Do not edit.
// clang-format off
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lockstep/nn/layers.hpp"

namespace lockstep {{

/// What a layer makes of {SAMPLES} samples; numbers in the order of our rows, gradients in the order of files. And {STEPS}
/// steps with rate 0.05 and momentum 0.9 of linear(channels), the layer, flatten, linear({CLASSES}) on {STEPS_SAMPLES} samples.
struct LayerReference {{
  std::string name;
  std::function<std::unique_ptr<Layer>()> make;
  Shape input;
  std::vector<float> output;
  std::vector<float> input_gradient;
  std::vector<std::vector<float>> parameter_gradients;
  std::vector<float> losses;  ///< before each step
}};

inline constexpr Index kReferenceSamples = {SAMPLES};

inline std::vector<LayerReference> layer_references() {{
  return {{""")
for row in LAYERS:
    run_layer(*row)
print("""  };
}

}  // namespace lockstep""")
