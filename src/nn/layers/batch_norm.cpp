#include <algorithm>
#include <cassert>
#include <cmath>
#include <string>

#include "lockstep/base/error.hpp"
#include "lockstep/base/ordered_sum.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/base/scratch.hpp"
#include "lockstep/nn/layers.hpp"
#include "nn/inputs.hpp"
#include "nn/memory.hpp"

// x, y: rows = samples * positions, columns = C channels. M microbatches; of one: n rows, mean,
// inverse = 1 / sqrt(variance + epsilon), xhat = (x - mean) inverse.

namespace lockstep {
namespace {

constexpr Index kTileRows = 64;  // sums over rows are summed within tiles of these first
enum BatchNormParameter : unsigned { kWeight, kBias, kRunningMean, kRunningVar, kParameters };

// Where the tiles of rows of a pass lie: each within one microbatch, counted from its first row.
class RowTiles {
 public:
  RowTiles(const Pass& pass, Index positions) : microbatches_(pass.microbatches) {
    for (const Microbatch& m : microbatches_) {
      most_ = std::max(most_, pieces_of(m.rows * positions, kTileRows));
    }
    positions_ = positions;
  }

  struct Tile {
    Index slot;        ///< a number of its own, below capacity()
    Index microbatch;  ///< within the pass
    Range rows;        ///< of the pass
  };

  /// More tiles than these no pass up to `capacity` has.
  static Index capacity(const Capacity& capacity, Index positions) {
    return capacity.samples * positions / kTileRows + capacity.microbatches;
  }

  [[nodiscard]] Index rows(Index microbatch) const { return at(microbatch).rows * positions_; }
  [[nodiscard]] Range slots(Index microbatch) const {
    const Index first = at(microbatch).first_row * positions_ / kTileRows + microbatch;
    return {first, first + pieces_of(rows(microbatch), kTileRows)};
  }

  /// Calls body(tile) for each tile, in parallel.
  template <typename Body>
  void for_each(const Body& body) const {
    parallel_for(static_cast<Index>(microbatches_.size()) * most_, [&](Index i) {
      const Index m = i / most_;
      const Index begin = i % most_ * kTileRows;
      if (begin >= rows(m)) return;
      const Index first = at(m).first_row * positions_;
      body(Tile{slots(m).begin + i % most_,
                m,
                {first + begin, first + std::min(begin + kTileRows, rows(m))}});
    });
  }

 private:
  [[nodiscard]] const Microbatch& at(Index microbatch) const {
    return microbatches_[static_cast<std::size_t>(microbatch)];
  }

  std::span<const Microbatch> microbatches_;
  Index positions_ = 1;
  Index most_ = 0;
};

// The sums of one microbatch from those of its tiles, `stride` apart, in their order.
double sum_of_tiles(const Real* tiles, Range slots, Index stride, Index column) {
  double sum = 0;
  for (Index s = slots.begin; s < slots.end; ++s) sum += double{tiles[s * stride + column]};
  return sum;
}

/// The memory of backward; forward needs less.
struct BatchNormScratch {
  BatchNormScratch(Scratch& s, Index tiles, Index microbatches, Index channels)
      : partial(s.take<Real>(tiles * 2 * channels).data()),
        sums(s.take<Real>(microbatches * 2 * channels).data()),
        stack(s.take<Real>(OrderedSum::memory_for(microbatches, kParameters * channels))) {}

  Real* partial;          ///< by tile: the sums of dy and of dy xhat
  Real* sums;             ///< the same by microbatch
  std::span<Real> stack;  ///< for the gradients of the parameters
};

class BatchNorm final : public Layer {
 public:
  explicit BatchNorm(const BatchNormOptions& options) : options_(options) {
    if (!(options.momentum > 0 && options.momentum <= 1)) {
      throw Error(ExitCode::config, "batch_norm: momentum must be in (0, 1], found " +
                                        std::to_string(options.momentum) + "; 0.1 is usual");
    }
    if (!(options.epsilon > 0 && std::isfinite(options.epsilon))) {
      throw Error(ExitCode::config, "batch_norm: epsilon must be above 0 and finite, found " +
                                        std::to_string(options.epsilon) + "; 1e-5 is usual");
    }
  }

  std::string_view type() const override { return "batch_norm"; }

  LayerPlan plan(std::span<const Shape> inputs, const Capacity& capacity) const override {
    LayerPlan plan;
    plan.output = only_input(type(), inputs);
    plan.causal = true;
    plan.channels = Channels::kept;
    plan.reads_output = false;
    const Index channels = plan.output.channels;
    const auto add = [&](const char* name, Real initial, double averaging) {
      plan.parameters.push_back({.name = name,
                                 .shape = {channels},
                                 .file_axes = {0},
                                 .output_axis = 0,
                                 .initializer = {.value = initial},
                                 .averaging = averaging});
    };
    add("weight", 1, 0);
    add("bias", 0, 0);
    add("running_mean", 0, options_.momentum);
    add("running_var", 1, options_.momentum);
    const Index tiles = RowTiles::capacity(capacity, plan.output.positions());
    plan.saved = capacity.microbatches * 3 * channels;
    plan.scratch = Scratch::size_of<BatchNormScratch>(tiles, capacity.microbatches, channels);
    return plan;
  }

  void forward(const LayerForward& f) const override {
    const ConstTensor x = f.inputs[0];
    const RowTiles tiles(f.pass, x.shape.positions());
    if (f.pass.training) {
      measure(x, tiles, f);
      normalize(x, tiles, f, f.saved.data(), 3 * x.shape.channels);
    } else {
      use_running(f);
      normalize(x, tiles, f, f.scratch.data(), 0);
    }
  }

  void backward(const LayerBackward& b) const override {
    assert(b.pass.training);
    const RowTiles tiles(b.pass, b.inputs[0].shape.positions());
    const Capacity capacity = capacity_of(b.pass);
    const Shape& shape = b.inputs[0].shape;
    Scratch memory(b.scratch);
    const BatchNormScratch room(memory, RowTiles::capacity(capacity, shape.positions()),
                                capacity.microbatches, shape.channels);
    sum_gradients(b, tiles, room.partial, room.sums);
    if (b.input_gradients[0].data != nullptr) input_gradient(b, tiles, room.sums);
    parameter_gradients(b, room.sums, room.stack);
  }

 private:
  // Saves mean, inverse and unbiased variance of each microbatch.
  void measure(ConstTensor x, const RowTiles& tiles, const LayerForward& f) const {
    const Index C = x.shape.channels;
    Real* const partial = f.scratch.data();
    const auto microbatches = static_cast<Index>(f.pass.microbatches.size());
    tiles.for_each([&](const RowTiles::Tile& tile) {
      Real* const sum = partial + tile.slot * C;
      std::fill_n(sum, C, Real{0});
      for (Index r = tile.rows.begin; r < tile.rows.end; ++r) {
        const Real* const row = x.data + r * C;
        for (Index c = 0; c < C; ++c) sum[c] += row[c];
      }
    });
    parallel_for(microbatches, [&](Index m) {
      const double n = static_cast<double>(std::max<Index>(tiles.rows(m), 1));
      Real* const mean = f.saved.data() + m * 3 * C;
      for (Index c = 0; c < C; ++c) {
        mean[c] = static_cast<Real>(sum_of_tiles(partial, tiles.slots(m), C, c) / n);
      }
    });
    tiles.for_each([&](const RowTiles::Tile& tile) {
      const Real* const mean = f.saved.data() + tile.microbatch * 3 * C;
      Real* const sum = partial + tile.slot * C;
      std::fill_n(sum, C, Real{0});
      for (Index r = tile.rows.begin; r < tile.rows.end; ++r) {
        const Real* const row = x.data + r * C;
        for (Index c = 0; c < C; ++c) sum[c] += (row[c] - mean[c]) * (row[c] - mean[c]);
      }
    });
    parallel_for(microbatches, [&](Index m) {
      const Index n = tiles.rows(m);
      Real* const inverse = f.saved.data() + (m * 3 + 1) * C;
      for (Index c = 0; c < C; ++c) {
        const double squares = sum_of_tiles(partial, tiles.slots(m), C, c);
        const double variance = squares / static_cast<double>(std::max<Index>(n, 1));
        inverse[c] = static_cast<Real>(1 / std::sqrt(variance + options_.epsilon));
        inverse[C + c] =
            static_cast<Real>(squares / static_cast<double>(std::max<Index>(n - 1, 1)));
      }
    });
  }

  // Mean and inverse from the running statistics.
  void use_running(const LayerForward& f) const {
    const Index C = f.output.shape.channels;
    std::ranges::copy(f.parameters[kRunningMean], f.scratch.begin());
    for (Index c = 0; c < C; ++c) {
      const double variance = double{f.parameters[kRunningVar][static_cast<std::size_t>(c)]};
      f.scratch[static_cast<std::size_t>(C + c)] =
          static_cast<Real>(1 / std::sqrt(variance + options_.epsilon));
    }
  }

  // y = (x - mean) (inverse weight) + bias; the statistics of microbatch m stand m * stride on.
  void normalize(ConstTensor x, const RowTiles& tiles, const LayerForward& f,
                 const Real* statistics, Index stride) const {
    const Index C = x.shape.channels;
    const Real* const weight = f.parameters[kWeight].data();
    const Real* const bias = f.parameters[kBias].data();
    tiles.for_each([&](const RowTiles::Tile& tile) {
      const Real* const mean = statistics + tile.microbatch * stride;
      const Real* const inverse = mean + C;
      for (Index r = tile.rows.begin; r < tile.rows.end; ++r) {
        const Real* const row = x.data + r * C;
        Real* const y = f.output.data + r * C;
        for (Index c = 0; c < C; ++c) {
          y[c] = (row[c] - mean[c]) * (inverse[c] * weight[c]) + bias[c];
        }
      }
    });
  }

  // Of each microbatch: the sums over its rows of dy, then of dy xhat.
  void sum_gradients(const LayerBackward& b, const RowTiles& tiles, Real* partial,
                     Real* sums) const {
    const Index C = b.inputs[0].shape.channels;
    tiles.for_each([&](const RowTiles::Tile& tile) {
      const Real* const mean = b.saved.data() + tile.microbatch * 3 * C;
      const Real* const inverse = mean + C;
      Real* const sum = partial + tile.slot * 2 * C;
      Real* const product = sum + C;
      std::fill_n(sum, 2 * C, Real{0});
      for (Index r = tile.rows.begin; r < tile.rows.end; ++r) {
        const Real* const x = b.inputs[0].data + r * C;
        const Real* const dy = b.output_gradient.data + r * C;
        for (Index c = 0; c < C; ++c) {
          sum[c] += dy[c];
          product[c] += dy[c] * ((x[c] - mean[c]) * inverse[c]);
        }
      }
    });
    parallel_for(static_cast<Index>(b.pass.microbatches.size()), [&](Index m) {
      for (Index c = 0; c < 2 * C; ++c) {
        sums[m * 2 * C + c] = static_cast<Real>(sum_of_tiles(partial, tiles.slots(m), 2 * C, c));
      }
    });
  }

  // dx = inverse weight (dy - mean(dy) - xhat mean(dy xhat)), means over the microbatch.
  void input_gradient(const LayerBackward& b, const RowTiles& tiles, const Real* sums) const {
    const Index C = b.inputs[0].shape.channels;
    const Real* const weight = b.parameters[kWeight].data();
    tiles.for_each([&](const RowTiles::Tile& tile) {
      const Real* const mean = b.saved.data() + tile.microbatch * 3 * C;
      const Real* const inverse = mean + C;
      const Real* const sum = sums + tile.microbatch * 2 * C;
      const Real* const product = sum + C;
      const Real share = Real{1} / static_cast<Real>(tiles.rows(tile.microbatch));
      for (Index r = tile.rows.begin; r < tile.rows.end; ++r) {
        const Real* const x = b.inputs[0].data + r * C;
        const Real* const dy = b.output_gradient.data + r * C;
        Real* const dx = b.input_gradients[0].data + r * C;
        for (Index c = 0; c < C; ++c) {
          const Real xhat = (x[c] - mean[c]) * inverse[c];
          dx[c] = (dy[c] - share * sum[c] - xhat * (share * product[c])) * (inverse[c] * weight[c]);
        }
      }
    });
  }

  // Gradients of weight and bias and, for the running statistics, what was measured times the
  // samples that it was measured on; on the tree over the microbatches of each block.
  void parameter_gradients(const LayerBackward& b, const Real* sums, std::span<Real> memory) const {
    const Index C = b.inputs[0].shape.channels;
    OrderedSum sum(memory, kParameters * C);
    for (std::size_t block = 0; block < b.gradients.size(); ++block) {
      sum.clear();
      for (Index i = 0; i < b.gradients[block].block.count; ++i) {
        const Index index = b.gradients[block].block.first + i;
        const Index m = index - b.pass.microbatches.front().index;
        const auto samples =
            static_cast<Real>(b.pass.microbatches[static_cast<std::size_t>(m)].rows);
        const Real* const saved = b.saved.data() + m * 3 * C;
        Real* const leaf = sum.next().data();
        std::copy_n(sums + (m * 2 + 1) * C, C, leaf + kWeight * C);
        std::copy_n(sums + m * 2 * C, C, leaf + kBias * C);
        for (Index c = 0; c < C; ++c) {
          leaf[kRunningMean * C + c] = samples * saved[c];
          leaf[kRunningVar * C + c] = samples * saved[2 * C + c];
        }
        sum.push({index, 1});
      }
      const std::span<const Real> total = sum.finish();
      for (std::size_t p = 0; p < kParameters; ++p) {
        std::copy_n(total.begin() + static_cast<Index>(p) * C, C, b.gradient(block, p).begin());
      }
    }
  }

  BatchNormOptions options_;
};

}  // namespace

std::unique_ptr<Layer> batch_norm(const BatchNormOptions& options) {
  return std::make_unique<BatchNorm>(options);
}

}  // namespace lockstep
