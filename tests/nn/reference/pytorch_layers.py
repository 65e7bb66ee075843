"""What several scripts build networks of in PyTorch: modules that behave like layers and blocks of ours, with the same
names of parameters."""

import torch
from torch import nn


class Residual(nn.Module):
    """A residual_block."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        main = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(main + (self.shortcut(x) if hasattr(self, "shortcut") else x))


class CausalLayer(nn.TransformerEncoderLayer):
    """A transformer_block with causal = true."""

    def __init__(self, channels, heads, hidden):
        super().__init__(channels, heads, hidden, 0, "gelu", batch_first=True, norm_first=True)

    def forward(self, x):
        ahead = torch.triu(torch.ones(x.shape[1], x.shape[1], dtype=torch.bool), diagonal=1)
        return super().forward(x, src_mask=ahead)


class Embedding(nn.Embedding):
    """Adds learned or sinusoidal positions."""

    def __init__(self, symbols, channels, positions, learned):
        super().__init__(symbols, channels)
        if learned:
            self.positions = nn.Parameter(torch.randn(positions, channels))
            return
        t = torch.arange(positions)[:, None].double()
        wave = 10000.0 ** (-torch.arange(0, channels, 2).double() / channels)
        self.positions = torch.stack((torch.sin(t * wave), torch.cos(t * wave)), dim=2).reshape(positions, channels)
        self.positions = self.positions.to(torch.get_default_dtype())

    def forward(self, x):
        return super().forward(x) + self.positions


class Outputs(nn.Module):
    """The outputs of a recurrent layer, or that of its last position."""

    def __init__(self, last):
        super().__init__()
        self.last = last

    def forward(self, outputs_and_state):
        return outputs_and_state[0][:, -1] if self.last else outputs_and_state[0]


class Mean(nn.Module):
    """global_avg_pool, of all axes behind the channels."""

    def forward(self, x):
        return x.flatten(2).mean(2)


def named(**layers):
    model = nn.Sequential()
    for name, layer in layers.items():
        model.add_module(name, layer)
    return model


def layers(*lines):
    """[[layer]] sections: "NAME TYPE KEY=VALUE ..."."""
    text = ""
    for line in lines:
        name, kind, *keys = line.split()
        text += f'[[layer]]\nname = "{name}"\ntype = "{kind}"\n' + "".join(key + "\n" for key in keys)
    return text


def floats(tensor):
    """A list of C++."""
    return "{" + ", ".join(f"{x:.9g}f" if "." in f"{x:.9g}" or "e" in f"{x:.9g}" else f"{x:.9g}"
                           for x in tensor.detach().flatten().tolist()) + "}"


def numbers(stream, count, scale=1.0):
    """Numbers that both sides make by the same formula; multiples of 1/64, so that they start from equal bits."""
    return torch.tensor([((i * 97 + stream * 31) % 199 - 99) / 64 * scale for i in range(count)])


def fill(model):
    with torch.no_grad():
        for i, p in enumerate(model.parameters()):
            p.copy_(numbers(10 + i, p.numel(), 0.125).view(p.shape))
