#include "lockstep/nn/layer.hpp"

namespace lockstep {

void Layer::step(const LayerForward& f, Index position) const {
  std::vector<ConstTensor> inputs;
  for (const ConstTensor& input : f.inputs) {
    const Index channels = input.shape.channels;
    inputs.push_back({input.data + position * channels, {.channels = channels}});
  }
  const Index channels = f.output.shape.channels;
  forward({.pass = f.pass,
           .random = f.random,
           .inputs = inputs,
           .output = {f.output.data + position * channels, {.channels = channels}},
           .parameters = f.parameters,
           .saved = f.saved,
           .scratch = f.scratch});
}

}  // namespace lockstep
