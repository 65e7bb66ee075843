#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>

#include "lockstep/base/error.hpp"
#include "lockstep/base/ordered_sum.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/nn/layers.hpp"
#include "nn/inputs.hpp"
#include "nn/memory.hpp"
#include "nn/sinusoid.hpp"

// Names: T positions, D numbers of a row.

namespace lockstep {
namespace {

constexpr Index kMostExact = 1 << 24;  // whole numbers up to it are exact as float
constexpr Index kSymbolTile = 16;
constexpr Index kRowTile = 64;

void add(const Real* from, Index count, Real* to) {
  for (Index d = 0; d < count; ++d) to[d] += from[d];
}

/// The rows of one gradient block in which each symbol stands, in ascending order, as linked lists.
class Occurrences {
 public:
  static constexpr Index kNone = -1;

  Occurrences(Scratch& s, Index symbols, Index rows)
      : first_(s.take<Index>(symbols)), next_(s.take<Index>(rows)) {}

  [[nodiscard]] Index first(Index symbol) const { return first_[static_cast<std::size_t>(symbol)]; }
  [[nodiscard]] Index next(Index row) const { return next_[static_cast<std::size_t>(row)]; }

  void clear() { std::ranges::fill(first_, kNone); }
  void put_in_front(Index symbol, Index row) {
    next_[static_cast<std::size_t>(row)] = first_[static_cast<std::size_t>(symbol)];
    first_[static_cast<std::size_t>(symbol)] = row;
  }

 private:
  std::span<Index> first_;  ///< by symbol
  std::span<Index> next_;   ///< by row
};

/// The memory of backward.
struct EmbeddingScratch {
  EmbeddingScratch(Scratch& s, const EmbeddingOptions& options, Index positions,
                   const Capacity& capacity)
      : occurrences(s, options.symbols, capacity.samples * positions),
        own(s.take_for_threads(capacity.threads,
                               OrderedSum::memory_for(capacity.microbatches, options.dim))) {}

  Occurrences occurrences;
  std::span<Real> own;  ///< of each thread: of its sums
};

/// The sum of the rows of one symbol on the tree of OrderedSum, of which only the microbatches
/// where the symbol stands are visited: the others would add 0.
struct SymbolSum {
  std::span<const Microbatch> microbatches;  ///< of the share
  Index positions;
  const Occurrences& occurrences;
  ConstMatrix dy;

  /// Sets `out` to the sum over `block` and takes `row` beyond it; false if no row lies there.
  /// `room` has a row for each level of the tree.
  bool sum(MicrobatchRange block, Index& row, Real* out, Real* room) const {
    const Index end = end_of(block);
    if (row == Occurrences::kNone || row >= end) return false;
    if (block.count == 1) {
      std::fill_n(out, dy.columns, Real{0});
      for (; row != Occurrences::kNone && row < end; row = occurrences.next(row)) {
        add(dy.row(row).data(), dy.columns, out);
      }
      return true;
    }
    const auto half = static_cast<Index>(std::bit_floor(static_cast<std::size_t>(block.count - 1)));
    const bool left = sum({block.first, half}, row, out, room);
    const bool right = sum({block.first + half, block.count - half}, row, left ? room : out,
                           left ? room + aligned<Real>(dy.columns) : room);
    if (left && right) add(room, dy.columns, out);
    return left || right;
  }

  [[nodiscard]] Index end_of(MicrobatchRange block) const {
    const Microbatch& last =
        microbatches[static_cast<std::size_t>(block.end() - 1 - microbatches.front().index)];
    return (last.first_row + last.rows) * positions;
  }
  [[nodiscard]] Index begin_of(MicrobatchRange block) const {
    const Microbatch& first =
        microbatches[static_cast<std::size_t>(block.first - microbatches.front().index)];
    return first.first_row * positions;
  }
};

class Embedding final : public Layer {
 public:
  explicit Embedding(const EmbeddingOptions& options) : options_(options) {
    check("symbols", options.symbols);
    check("dim", options.dim);
  }

  std::string_view type() const override { return "embedding"; }

  LayerPlan plan(std::span<const Shape> inputs, const Capacity& capacity) const override {
    const Shape input = sequence_of(only_input(type(), inputs));
    const Initializer normal{.kind = Initializer::Kind::normal, .value = options_.deviation};
    LayerPlan plan;
    plan.output = {input.height, input.width, options_.dim};
    plan.reads_output = false;
    plan.causal = true;
    plan.axes = Axes::channels_last;
    plan.symbols = options_.symbols;
    plan.parameters.push_back({.name = "weight",
                               .shape = {options_.symbols, options_.dim},
                               .file_axes = {0, 1},
                               .initializer = normal});
    if (options_.positions == Positions::learned) {
      plan.parameters.push_back({.name = "positions",
                                 .shape = {input.positions(), options_.dim},
                                 .file_axes = {0, 1},
                                 .initializer = normal});
    }
    const Index forward = input.positions() * options_.dim;
    plan.scratch = std::max(
        forward, Scratch::size_of<EmbeddingScratch>(options_, input.positions(), capacity));
    return plan;
  }

  void forward(const LayerForward& f) const override {
    const Index positions = f.output.shape.positions();
    const Real* const added = positions_of(f, {0, positions});
    parallel_for_tiles(f.pass.samples() * positions, kRowTile, [&](Index begin, Index end) {
      for (Index row = begin; row < end; ++row) {
        embed(f, row, added == nullptr ? nullptr : added + row % positions * options_.dim);
      }
    });
  }

  void step(const LayerForward& f, Index position) const override {
    embed(f, position, positions_of(f, {position, position + 1}));
  }

  void backward(const LayerBackward& b) const override {
    const Index positions = b.output.shape.positions();
    const Index rows = b.pass.samples() * positions;
    const ConstMatrix dy{b.output_gradient.data, rows, options_.dim};
    Scratch memory(b.scratch);
    auto [occurrences, scratch] =
        EmbeddingScratch(memory, options_, positions, capacity_of(b.pass));
    const SymbolSum symbol_sum{b.pass.microbatches, positions, occurrences, dy};
    for (std::size_t i = 0; i < b.gradients.size(); ++i) {
      const MicrobatchRange block = b.gradients[i].block;
      occurrences.clear();
      for (Index row = symbol_sum.end_of(block) - 1; row >= symbol_sum.begin_of(block); --row) {
        const Index symbol = symbol_of(b.inputs[0].data[row]);
        if (symbol >= 0) occurrences.put_in_front(symbol, row);
      }
      weight_gradient(symbol_sum, block, b.gradient(i, 0), scratch);
      if (options_.positions == Positions::learned) {
        position_gradient(symbol_sum, block, b.gradient(i, 1), scratch);
      }
    }
    const Tensor& dx = b.input_gradients[0];
    if (dx.data != nullptr) std::fill_n(dx.data, rows, Real{0});
  }

 private:
  static void check(const std::string& what, Index count) {
    if (count >= 1 && count <= kMostExact) return;
    throw Error(ExitCode::config, "embedding: " + what +
                                      " must be at least 1 and at most 2^24, found " +
                                      std::to_string(count) + "; set " + what + " to 1 or more");
  }

  /// The positions of an input, one number each.
  static Shape sequence_of(const Shape& input) {
    if (input.channels == 1) return input;
    if (input.positions() == 1) return {input.channels, 1, 1};
    throw Error(ExitCode::config,
                "embedding: expected a sequence (T, 1, 1) or a vector of the numbers of symbols, "
                "found " +
                    std::to_string(input.positions()) + " positions of " +
                    std::to_string(input.channels) + " channels; give it 1 channel");
  }

  /// The symbol nearest to x; -1 if there is none.
  [[nodiscard]] Index symbol_of(Real x) const {
    const Real nearest = std::round(x);
    return nearest >= 0 && nearest < static_cast<Real>(options_.symbols)
               ? static_cast<Index>(nearest)
               : Index{-1};
  }

  /// Sets one row of the output to that of its symbol, plus `added` unless that is null.
  void embed(const LayerForward& f, Index row, const Real* added) const {
    const Index dim = options_.dim;
    Real* const y = f.output.data + row * dim;
    const Index symbol = symbol_of(f.inputs[0].data[row]);
    if (symbol < 0) {
      std::fill_n(y, dim, std::numeric_limits<Real>::quiet_NaN());
      return;
    }
    std::copy_n(f.parameters[0].data() + symbol * dim, dim, y);
    if (added != nullptr) add(added, dim, y);
  }

  /// The rows that are added at these positions, or null.
  [[nodiscard]] const Real* positions_of(const LayerForward& f, Range positions) const {
    const Index dim = options_.dim;
    if (options_.positions == Positions::none) return nullptr;
    if (options_.positions == Positions::learned) {
      return f.parameters[1].data() + positions.begin * dim;
    }
    parallel_for(pieces_of(dim, 2), [&](Index pair) {
      const double wave =
          elementary::wave_number(static_cast<double>(2 * pair) / static_cast<double>(dim));
      for (Index t = positions.begin; t < positions.end; ++t) {
        const auto value = elementary::sine_cosine(static_cast<double>(t) * wave);
        Real* const to = f.scratch.data() + (t - positions.begin) * dim + 2 * pair;
        to[0] = static_cast<Real>(value.sine);
        if (2 * pair + 1 < dim) to[1] = static_cast<Real>(value.cosine);
      }
    });
    return f.scratch.data();
  }

  void weight_gradient(const SymbolSum& symbol_sum, MicrobatchRange block, std::span<Real> gradient,
                       std::span<Real> scratch) const {
    parallel_for_tiles(options_.symbols, kSymbolTile, [&](Index begin, Index end) {
      Real* const own = scratch_of_thread(scratch).data();
      for (Index symbol = begin; symbol < end; ++symbol) {
        Real* const out = gradient.data() + symbol * options_.dim;
        Index row = symbol_sum.occurrences.first(symbol);
        if (!symbol_sum.sum(block, row, out, own)) std::fill_n(out, options_.dim, Real{0});
      }
    });
  }

  /// The rows of one position, summed over the samples of each microbatch, then over these.
  void position_gradient(const SymbolSum& sums, MicrobatchRange block, std::span<Real> gradient,
                         std::span<Real> scratch) const {
    const Index dim = options_.dim;
    parallel_for(sums.positions, [&](Index t) {
      OrderedSum sum(scratch_of_thread(scratch), dim);
      for (Index m = block.first; m < block.end(); ++m) {
        Real* const total = sum.next().data();
        std::fill_n(total, dim, Real{0});
        for (Index row = sums.begin_of({m, 1}); row < sums.end_of({m, 1}); row += sums.positions) {
          add(sums.dy.row(row + t).data(), dim, total);
        }
        sum.push({m, 1});
      }
      std::copy_n(sum.finish().data(), dim, gradient.data() + t * dim);
    });
  }

  EmbeddingOptions options_;
};

}  // namespace

std::unique_ptr<Layer> embedding(const EmbeddingOptions& options) {
  return std::make_unique<Embedding>(options);
}

}  // namespace lockstep
