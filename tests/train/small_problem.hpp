#pragma once

#include <memory>

#include "lockstep/nn/layers.hpp"
#include "lockstep/optim/optimizer.hpp"
#include "lockstep/train/trainer.hpp"

namespace lockstep {

/// A classification problem that is trained in milliseconds: 203 samples, a size that no batch
/// divides.
struct SmallProblem {
  static constexpr Index kSamples = 203;

  SmallProblem() {
    const RandomKey key{.seed = 17};
    std::uint64_t element = 0;
    for (float& x : data.float_inputs()) x = static_cast<float>(random_normal(key, element++));
    for (Index i = 0; i < kSamples; ++i) {
      const float* x = data.float_inputs().data() + i * 12;
      data.labels()[static_cast<std::size_t>(i)] = x[0] > 0 ? (x[1] > 0 ? 0 : 1) : 2;
    }
    network.add(batch_norm(), "norm1");
    network.add(linear(40), "fc1");
    network.add(batch_norm(), "norm2");
    network.add(gelu());
    network.add(linear(30), "fc2");
    network.add(lockstep::tanh());
    network.add(linear(3), "fc3");
  }

  Dataset data{"small", {.shape = {.channels = 12}, .size = kSamples}};
  Normalization identity;
  Samples samples{&data, Subset::whole(kSamples), &identity, &identity};
  Network network{Shape{.channels = 12}};
  std::unique_ptr<Loss> loss = cross_entropy();
};

}  // namespace lockstep
