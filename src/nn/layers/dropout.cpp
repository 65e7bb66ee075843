#include <algorithm>
#include <array>
#include <string>

#include "lockstep/base/error.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/nn/layers.hpp"
#include "nn/copy.hpp"
#include "nn/inputs.hpp"

namespace lockstep {
namespace {

constexpr auto kBlock = static_cast<Index>(kRandomBlock);
static_assert(kElementTile % kBlock == 0);

/// y = x factor, dx = dy factor, with a factor of 0 or 1 / (1 - rate): it multiplies, so that NaN
/// stays NaN. Each pass draws the factors anew: number e of microbatch m has word e of the blocks
/// that begin at counter m 2^32, and 2^34 numbers per microbatch are enough.
class Dropout final : public Layer {
 public:
  explicit Dropout(double rate)
      : dropped_below_(static_cast<std::uint32_t>(rate * 0x1p32)),
        factor_(static_cast<Real>(1 / (1 - rate))) {}

  std::string_view type() const override { return "dropout"; }

  LayerPlan plan(std::span<const Shape> inputs, const Capacity&) const override {
    LayerPlan plan;
    plan.output = only_input(type(), inputs);
    plan.causal = true;
    plan.channels = Channels::kept;
    plan.in_place = true;
    plan.reads_output = false;
    return plan;
  }

  void forward(const LayerForward& f) const override {
    scale(f.pass, f.random, f.output.shape.size(), f.inputs[0].data, f.output.data);
  }

  void backward(const LayerBackward& b) const override {
    if (b.input_gradients[0].data == nullptr) return;
    scale(b.pass, b.random, b.output.shape.size(), b.output_gradient.data,
          b.input_gradients[0].data);
  }

 private:
  // to = from * factor, for samples of `size` numbers.
  void scale(const Pass& pass, const RandomKey& key, Index size, const Real* from, Real* to) const {
    if (!pass.training || dropped_below_ == 0) {
      copy_numbers(from, to, pass.samples() * size);
      return;
    }
    Index most = 0;
    for (const Microbatch& m : pass.microbatches) most = std::max(most, m.rows * size);
    const Index tiles = pieces_of(most, kElementTile);
    parallel_for(static_cast<Index>(pass.microbatches.size()) * tiles, [=, this](Index i) {
      const Microbatch& m = pass.microbatches[static_cast<std::size_t>(i / tiles)];
      const Index begin = i % tiles * kElementTile;
      const Index end = std::min(begin + kElementTile, m.rows * size);
      const Index first = m.first_row * size;
      for (Index e = begin; e < end; e += kBlock) {
        const auto counter =
            static_cast<std::uint64_t>(m.index) << 32 | static_cast<std::uint64_t>(e / 4);
        scale_block(key, counter, from + first + e, to + first + e, std::min(kBlock, end - e));
      }
    });
  }

  void scale_block(const RandomKey& key, std::uint64_t counter, const Real* from, Real* to,
                   Index count) const {
    alignas(64) std::array<std::uint32_t, kRandomBlock> bits;
    random_block(key, counter, bits);
    const std::uint32_t dropped_below = dropped_below_;  // what is written cannot change it
    const Real factor = factor_;
    for (Index i = 0; i < count; ++i) {
      to[i] = from[i] * (bits[static_cast<std::size_t>(i)] < dropped_below ? Real{0} : factor);
    }
  }

  std::uint32_t dropped_below_;  ///< of the random bits
  Real factor_;
};

}  // namespace

std::unique_ptr<Layer> dropout(double rate) {
  if (!(rate >= 0 && rate < 1)) {
    throw Error(ExitCode::config, "dropout: rate must be at least 0 and below 1, found " +
                                      std::to_string(rate) + "; such as 0.1");
  }
  return std::make_unique<Dropout>(rate);
}

}  // namespace lockstep
