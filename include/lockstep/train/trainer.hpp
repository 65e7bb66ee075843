#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <type_traits>
#include <vector>

#include "lockstep/base/buffer.hpp"
#include "lockstep/comm/topology.hpp"
#include "lockstep/data/sampler.hpp"
#include "lockstep/io/digest.hpp"
#include "lockstep/optim/optimizer.hpp"
#include "lockstep/reduce/gradient_accumulator.hpp"
#include "lockstep/reduce/gradient_reducer.hpp"
#include "lockstep/train/consensus.hpp"
#include "lockstep/train/gradient_norm.hpp"
#include "lockstep/train/memory_use.hpp"
#include "lockstep/train/replicas.hpp"
#include "lockstep/train/samples.hpp"
#include "lockstep/train/sharded_optimizer.hpp"
#include "lockstep/train/step_monitor.hpp"
#include "lockstep/train/step_result.hpp"
#include "lockstep/train/worker.hpp"

namespace lockstep {

/// Options of a Trainer.
struct TrainerOptions {
  std::uint64_t seed = 0;
  Index batch = 1;         ///< GLOBAL
  Index microbatches = 1;  ///< of every batch; at least the number of ranks
  bool shuffle = true;
  bool decay_all = true;  ///< weight decay pulls at all that is learned, not only at weights
  double clip_norm = 0;   ///< limit on the norm of the global gradient; 0: none
  double ema = 0;         ///< decay of the average of the weights, in [0, 1); 0: none
  Index rounds = 0;  ///< in which a rank computes its share; 0: as many as are fast; changes no bit
  Index bucket = Index{1} << 18;  ///< numbers per bucket of the exchange; changes no bit
  bool overlap = true;            ///< exchange while backpropagation goes on; changes no bit
  bool guarded = true;  ///< notice what changes the state between two updates; changes no bit
};

/// What one rank holds and computes, to be compared with the others.
struct AuditRecord {
  bool intact = true;  ///< what it owns, and copies for its node, is as the last step left it
  std::optional<Digest> parameters;  ///< of its node, if it leads one of several
  std::optional<Digest> gradient;    ///< of one microbatch of the last batch, and of its loss
};
static_assert(std::is_trivially_copyable_v<AuditRecord>, "ranks send each other its bytes");

/// Trains one network on all ranks: predict, compare, send the error back, adjust.
///
/// Parameters after any step are the same bits on every node and for every number of ranks, nodes
/// and threads. They exist once per node. Each rank computes its share of the microbatches, owns
/// the sum of its slices of the gradient, and updates those; the optimizer's state exists once in
/// the whole job.
class Trainer {
 public:
  /// Starts at step 0 with initial parameters. All arguments must outlive the trainer. Collective.
  /// Requires topology.ranks().size() <= options.microbatches and options.batch >= 1.
  /// Errors: AgreedError(system) if there is not enough memory.
  Trainer(const Topology& topology, const Network& network, const Loss& loss,
          const Optimizer& optimizer, const Samples& samples, const TrainerOptions& options);

  /// One synchronized step over one global batch. Collective. After the first step it allocates
  /// nothing. If the mean loss is not finite or above `loss_limit`, or a norm that was wanted or
  /// needed is not finite, or the state of a rank was found changed in the step before, the step is
  /// done without changing anything, on all ranks alike.
  StepResult step(double learning_rate, Votes votes, bool want_norm,
                  double loss_limit = std::numeric_limits<double>::infinity());

  /// With `recompute` the first microbatch of the last batch is computed again, on every rank: the
  /// same bits everywhere, or a memory or processor is faulty. Requires a step before, in this
  /// process. Not collective.
  [[nodiscard]] AuditRecord evidence(bool recompute);

  /// Whether all that this rank owns of the parameters and the optimizer's state is finite. Not
  /// collective.
  [[nodiscard]] bool finite() const { return optimizer_.mine().finite(parameters()); }

  /// Where the time of this rank goes; whoever works between steps laps it too.
  [[nodiscard]] StepClock& clock() { return monitor_.clock(); }
  /// Seconds that this rank has slept until each rank of its node was ready.
  [[nodiscard]] std::span<double> waited_for() { return monitor_.waited_for(); }

  /// Steps done since the start of the run.
  [[nodiscard]] std::uint64_t steps_done() const { return steps_done_; }
  [[nodiscard]] const Sampler& sampler() const { return sampler_; }
  [[nodiscard]] const Network& network() const { return network_; }
  [[nodiscard]] std::span<const Real> parameters() const { return replicas_.parameters(); }
  /// What is to be judged: the average of the weights with the running statistics, or without an
  /// average the parameters. Valid until the next step. Collective.
  [[nodiscard]] std::span<const Real> eval_parameters();
  [[nodiscard]] MemoryUse memory() const;

  /// Takes a part of the optimizer's state: numbers `range` of the flat buffer of a slot. The slot
  /// behind the optimizer's, if there is one, is the average of the weights.
  using TakeState =
      std::function<void(std::size_t slot, Range range, std::span<const Real> values)>;
  /// Brings the optimizer's state to rank 0, where `take` receives it, slot by slot, in the order
  /// of the buffers. `take` must not communicate, and not throw. Collective.
  void gather_state(const TakeState& take);
  /// Goes on from a state: flat buffers, the same on all ranks. Collective.
  void restore(std::uint64_t steps_done, std::span<const Real> parameters,
               std::span<const Buffer<Real>> optimizer_state);

 private:
  [[nodiscard]] StepResult batch_of(std::uint64_t step) const;
  void forward_backward(const StepResult& step, Index round);
  [[nodiscard]] bool is_last(Index round) const { return round + 1 == std::ssize(rounds_); }
  void gradients_ready(Index round, Index offset);
  void read(Worker& worker, const BatchRange& batch, std::uint64_t step, MicrobatchRange share);
  [[nodiscard]] Digest recomputed_gradient();

  const Topology& topology_;
  const Network& network_;
  const Loss& loss_;
  const Samples& samples_;
  TrainerOptions options_;
  AccumulationPlan rounds_;
  Sampler sampler_;
  GradientReducer reducer_;
  GradientAccumulator accumulator_;
  Consensus consensus_;
  GradientNorm norm_;
  ShardedOptimizer optimizer_;
  Replicas replicas_;
  std::vector<Worker> workers_;
  StepMonitor monitor_;
  std::uint64_t steps_done_ = 0;
};

}  // namespace lockstep
