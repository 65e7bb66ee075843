#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "lockstep/base/error.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/nn/layers.hpp"
#include "nn/inputs.hpp"
#include "nn/memory.hpp"
#include "nn/projection.hpp"
#include "nn/rows.hpp"

namespace lockstep {

/// One position of one sample, forward. Every pointer is a row of `units` numbers, or of that for
/// each gate.
struct CellForward {
  Index units;
  Real* gates;              ///< in: x W_ih + b_ih; out: what the gates let through
  const Real* hidden;       ///< h W_hh + b_hh of the state h before
  const Real* state;        ///< h before
  const Real* kept_before;  ///< of the position before, zero at the first
  Real* kept;               ///< for backward
  Real* next;               ///< h after
};

/// The same backward.
struct CellBackward {
  Index units;
  const Real* gates;
  const Real* state;
  const Real* kept_before;
  const Real* kept;
  const Real* dnext;
  Real* carried;  ///< what goes to the position before without passing W_hh; in and out
  Real* dgates;   ///< gradient of x W_ih + b_ih
  Real* dhidden;  ///< gradient of h W_hh + b_hh; the same row if they are equal
};

/// A layer that goes through the positions of a sample one by one and hands a state on. The
/// products of all inputs are one; those of the states are one for each position, over all samples:
/// every element is one chain of multiply-adds, so that its bits do not depend on the other
/// samples. `Cell` states its name, the formulas of one position, and:
///
///     static constexpr Index kGates;
///     static constexpr bool kEqualGradients;  // dhidden = dgates
///     static constexpr bool kCarriesState;    // `carried` belongs to dh of the position before
template <typename Cell>
class Recurrent final : public Layer {
 public:
  Recurrent(Index units, const RecurrentOptions& options) : units_(units), options_(options) {
    if (units < 1 || units > (1 << 20)) {
      throw Error(ExitCode::config, std::string(Cell::kType) +
                                        ": units must be at least 1 and at most 2^20, found " +
                                        std::to_string(units) + "; set units to 1 or more");
    }
  }

  std::string_view type() const override { return Cell::kType; }

  LayerPlan plan(std::span<const Shape> inputs, const Capacity& capacity) const override {
    const Shape input = only_input(type(), inputs);
    require_sequence(type(), input, 2);
    const Index rows = capacity.samples * input.positions();
    const Projection from_input = input_projection(input);
    const Projection from_state = state_projection();
    LayerPlan plan;
    plan.output = options_.last ? Shape{1, 1, units_} : Shape{input.height, input.width, units_};
    plan.reads_output = false;
    plan.causal = !options_.last;
    plan.channels = Channels::mixed;
    plan.axes = Axes::channels_last;
    plan.parameters = {from_input.weight_spec("weight_ih_l0", options_.weights),
                       from_state.weight_spec("weight_hh_l0", options_.weights),
                       from_input.bias_spec("bias_ih_l0"), from_state.bias_spec("bias_hh_l0")};
    plan.parameters.front().input_axis = 0;
    for (ParameterSpec& spec : plan.parameters) spec.initializer.fan_out = units_;
    plan.saved = Scratch::size_of<Saved>(rows, *this);
    plan.scratch = std::max(Scratch::size_of<Gradients>(*this, input, capacity),
                            Scratch::size_of<GroupScratch>(*this, 1, capacity.threads));
    plan.multiply_adds = static_cast<double>(input.positions()) * static_cast<double>(gates()) *
                         static_cast<double>(input.channels + units_);
    return plan;
  }

  void forward(const LayerForward& f) const override {
    const Shape& shape = f.inputs[0].shape;
    const Index samples = f.pass.samples();
    const Index positions = shape.positions();
    Scratch memory(f.saved);
    const Saved saved(memory, samples * positions, *this);
    input_projection(shape).forward(f.parameters, f.inputs[0].matrix(samples), saved.gates,
                                    f.scratch);
    for_groups(samples, f.scratch,
               [&](Range group, std::span<Real> own) { go_ahead(f, saved, group, own); });
  }

  /// The state before the position is the one that forward or step has saved.
  void step(const LayerForward& f, Index position) const override {
    const Shape& shape = f.inputs[0].shape;
    Scratch memory(f.saved);
    const Saved saved(memory, shape.positions(), *this);
    const Matrix state = row_of(saved.states, position);
    if (position == 0) std::ranges::fill(span_of(state), Real{0});
    const Matrix own = row_of(saved.gates, position);
    input_projection(shape).forward(f.parameters, row_of(f.inputs[0].matrix(1), position), own,
                                    f.scratch);
    Scratch scratch(f.scratch);
    const GroupScratch room(scratch, *this, 1, thread_count());
    std::ranges::fill(room.zeros, Real{0});
    state_projection().forward(f.parameters, state, room.gates, room.product);
    const Matrix next = row_of(f.output.matrix(1), position);
    Cell::forward(
        {.units = units_,
         .gates = own.data,
         .hidden = room.gates.data,
         .state = state.data,
         .kept_before = position == 0 ? room.zeros.data() : saved.kept.row(position - 1).data(),
         .kept = saved.kept.row(position).data(),
         .next = next.data});
    if (position + 1 < shape.positions()) {
      std::ranges::copy(next.row(0), saved.states.row(position + 1).data());
    }
  }

  void backward(const LayerBackward& b) const override {
    const Shape& shape = b.inputs[0].shape;
    const Index samples = b.pass.samples();
    const Index positions = shape.positions();
    Scratch memory(b.saved);
    const Saved saved(memory, samples * positions, *this);
    Scratch scratch(b.scratch);
    const Gradients own(scratch, *this, shape, capacity_of(b.pass));
    for_groups(samples, own.scratch, [&](Range group, std::span<Real> room) {
      go_back(b, saved, own.dgates, own.dhidden, group, room);
    });

    input_projection(shape).parameter_gradients(b, positions, b.inputs[0].matrix(samples),
                                                own.dgates, own.scratch);
    state_projection().parameter_gradients(b, positions, saved.states, own.dhidden, own.scratch);
    const Tensor& dx = b.input_gradients[0];
    if (dx.data != nullptr) {
      input_projection(shape).input_gradient(b.parameters, own.dgates, dx.matrix(samples),
                                             own.scratch);
    }
  }

 private:
  /// What is kept from forward to backward; a row for each position of each sample.
  struct Saved {
    Saved(Scratch& s, Index rows, const Recurrent& layer)
        : gates(take_matrix(s, rows, layer.gates())),
          states(take_matrix(s, rows, layer.units_)),
          kept(take_matrix(s, rows, layer.units_)) {}

    Matrix gates;
    Matrix states;  ///< before the position
    Matrix kept;
  };

  /// Samples that a thread takes through the positions together: then a weight, read from the
  /// second-level cache, is used often enough.
  static constexpr Index kGroup = 64;

  /// In which a group of samples is taken through the positions.
  struct GroupScratch {
    GroupScratch(Scratch& s, const Recurrent& layer, Index samples, int threads = 1)
        : gates(take_matrix(s, samples, layer.gates())),
          state(take_matrix(s, samples, layer.units_)),
          carried(take_matrix(s, samples, layer.units_)),
          zeros(s.take<Real>(layer.units_)),
          product(s.take<Real>(layer.state_projection().scratch(
              samples, {.microbatches = 1, .threads = threads}))) {}

    Matrix gates;
    Matrix state;
    Matrix carried;  ///< backward only
    std::span<Real> zeros;
    std::span<Real> product;
  };

  /// The memory of backward.
  struct Gradients {
    Gradients(Scratch& s, const Recurrent& layer, const Shape& input, const Capacity& capacity)
        : dgates(take_matrix(s, capacity.samples * input.positions(), layer.gates())),
          dhidden(Cell::kEqualGradients ? dgates : take_matrix(s, dgates.rows, layer.gates())),
          scratch(s.take<Real>(
              std::max({layer.input_projection(input).scratch(dgates.rows, capacity),
                        layer.state_projection().scratch(dgates.rows, capacity),
                        capacity.threads * Scratch::size_of<GroupScratch>(layer, kGroup)}))) {}

    Matrix dgates;
    Matrix dhidden;
    std::span<Real> scratch;  ///< of the products, or of the groups
  };

  [[nodiscard]] Index gates() const { return Cell::kGates * units_; }
  [[nodiscard]] Projection input_projection(const Shape& input) const {
    return {{input.channels, gates()}, 0, 2};
  }
  [[nodiscard]] Projection state_projection() const { return {{units_, gates()}, 1, 3}; }

  static std::span<Real> span_of(Matrix m) { return {m.data, static_cast<std::size_t>(m.size())}; }

  /// Calls body(group, room) for consecutive groups of at most kGroup samples. Each thread goes
  /// through all positions on its own: threads that waited for each other at every position would
  /// wait more than they work.
  template <typename Body>
  void for_groups(Index samples, std::span<Real> scratch, const Body& body) const {
    const Index threads = thread_count();
    const Index groups = std::min(samples, std::max(threads, pieces_of(samples, kGroup)));
    const auto each = static_cast<std::size_t>(Scratch::size_of<GroupScratch>(*this, kGroup));
    parallel_for_alone(groups, [&](Index g, int thread) {
      body(piece_of(samples, g, groups),
           scratch.subspan(each * static_cast<std::size_t>(thread), each));
    });
  }

  /// From the first position to the last: what is saved, and the outputs.
  void go_ahead(const LayerForward& f, const Saved& saved, Range group,
                std::span<Real> scratch) const {
    const Index positions = f.inputs[0].shape.positions();
    Scratch memory(scratch);
    const GroupScratch room(memory, *this, group.size());
    const Matrix hidden = room.gates;
    const Matrix state = room.state;
    std::ranges::fill(room.zeros, Real{0});
    std::ranges::fill(span_of(state), Real{0});
    for (Index t = 0; t < positions; ++t) {
      state_projection().forward(f.parameters, state, hidden, room.product);
      for (Index s = 0; s < group.size(); ++s) {
        const Index sample = group.begin + s;
        const Index row = sample * positions + t;
        std::ranges::copy(state.row(s), saved.states.row(row).data());
        Cell::forward({.units = units_,
                       .gates = saved.gates.row(row).data(),
                       .hidden = hidden.row(s).data(),
                       .state = saved.states.row(row).data(),
                       .kept_before = t == 0 ? room.zeros.data() : saved.kept.row(row - 1).data(),
                       .kept = saved.kept.row(row).data(),
                       .next = state.row(s).data()});
        if (options_.last && t + 1 < positions) continue;
        std::ranges::copy(state.row(s), f.output.data + (options_.last ? sample : row) * units_);
      }
    }
  }

  /// From the last position to the first: dgates and dhidden.
  void go_back(const LayerBackward& b, const Saved& saved, Matrix dgates, Matrix dhidden,
               Range group, std::span<Real> scratch) const {
    const Index positions = b.inputs[0].shape.positions();
    Scratch memory(scratch);
    const GroupScratch room(memory, *this, group.size());
    const Matrix step = room.gates;
    const Matrix dstate = room.state;
    const Matrix carried = room.carried;
    std::ranges::fill(room.zeros, Real{0});
    std::ranges::fill(span_of(dstate), Real{0});
    std::ranges::fill(span_of(carried), Real{0});
    for (Index t = positions - 1; t >= 0; --t) {
      for (Index s = 0; s < group.size(); ++s) {
        const Index sample = group.begin + s;
        const Index row = sample * positions + t;
        Real* const dh = dstate.row(s).data();
        if (Cell::kCarriesState) add(carried.row(s).data(), dh);
        if (!options_.last || t + 1 == positions) {
          add(b.output_gradient.data + (options_.last ? sample : row) * units_, dh);
        }
        Cell::backward({.units = units_,
                        .gates = saved.gates.row(row).data(),
                        .state = saved.states.row(row).data(),
                        .kept_before = t == 0 ? room.zeros.data() : saved.kept.row(row - 1).data(),
                        .kept = saved.kept.row(row).data(),
                        .dnext = dh,
                        .carried = carried.row(s).data(),
                        .dgates = dgates.row(row).data(),
                        .dhidden = dhidden.row(row).data()});
        std::ranges::copy(dhidden.row(row), step.row(s).data());
      }
      if (t > 0) state_projection().input_gradient(b.parameters, step, dstate, room.product);
    }
  }

  void add(const Real* from, Real* to) const {
    for (Index u = 0; u < units_; ++u) to[u] += from[u];
  }

  Index units_;
  RecurrentOptions options_;
};

}  // namespace lockstep
