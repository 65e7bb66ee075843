#include "lockstep/train/trainer.hpp"

#include <algorithm>
#include <cmath>

#include "lockstep/base/error.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/comm/agreement.hpp"
#include "lockstep/comm/node_barriers.hpp"
#include "lockstep/optim/norm.hpp"

namespace lockstep {
namespace {

bool is_useful(const StepResult& result, double loss_limit) {
  const double loss = result.loss();
  return result.changed.empty() && std::isfinite(loss) && loss <= loss_limit &&
         (!result.gradient_norm || std::isfinite(*result.gradient_norm));
}

// A rank that finds no memory tells the others.
template <typename Make>
auto made(const Topology& topology, const Make& make) {
  std::optional<decltype(make())> result;
  fail_together(topology.ranks(), [&] { result.emplace(make()); });
  return std::move(*result);
}

// Gradients that travel to other nodes while backpropagation goes on must become final layer by
// layer, so there all threads of a rank work on the same layer.
AccumulationPlan rounds_of(const Topology& topology, const Network& network, MicrobatchRange share,
                           const TrainerOptions& options) {
  const bool together = topology.nodes() > 1 && options.overlap;
  const Index wanted =
      together && thread_count() > 1 ? std::max<Index>(options.rounds, 1) : options.rounds;
  return plan_accumulation(network, share, options.batch, options.microbatches, wanted,
                           network.parameters().size(), together ? 1 : thread_count());
}

}  // namespace

Trainer::Trainer(const Topology& topology, const Network& network, const Loss& loss,
                 const Optimizer& optimizer, const Samples& samples, const TrainerOptions& options)
    : topology_(topology),
      network_(network),
      loss_(loss),
      samples_(samples),
      options_(options),
      rounds_(rounds_of(
          topology, network,
          microbatches_of(topology.ranks().rank(), topology.ranks().size(), options.microbatches),
          options)),
      sampler_(options.seed, samples.size(), options.batch, options.shuffle,
               samples.data->describe().blocks),
      reducer_(topology,
               BucketLayout(network.parameters().size(), options.bucket, topology.ranks().size()),
               options.microbatches, options.overlap),
      accumulator_(made(topology, [&] { return GradientAccumulator(reducer_.blocks(), rounds_); })),
      consensus_(topology, options.microbatches),
      norm_(topology, reducer_.layout(), network.parameters()),
      optimizer_(topology, network.parameters(), optimizer, reducer_.layout(),
                 {.decay_all = options.decay_all, .ema = options.ema, .guarded = options.guarded}),
      replicas_(topology, reducer_.layout(), options.ema > 0, options.guarded),
      workers_(made(topology,
                    [&] {
                      return make_workers(network, rounds_, options.batch, options.microbatches,
                                          true);
                    })),
      monitor_(topology.heartbeat(), topology.node().size()) {
  network.parameters().initialize(options.seed, replicas_.parameters(), topology.node().rank(),
                                  topology.node().size());
  topology.barrier().arrive_and_wait(0);
  Updater& updater = optimizer_.mine();
  if (options.ema > 0) replicas_.take_shard(parameters(), updater.state().back().span());
  updater.record_checksums(parameters());
  replicas_.reset_checksums();
}

StepResult Trainer::step(double learning_rate, Votes votes, bool want_norm, double loss_limit) {
  monitor_.lap(Part::other);
  StepResult result = batch_of(steps_done_);
  samples_.require(sampler_, result.batch);
  consensus_.vote(votes, optimizer_.mine().corrupted() || replicas_.corrupted());
  for (Index round = 0; round < std::ssize(rounds_); ++round) forward_backward(result, round);

  reducer_.finish();
  const std::span<const Real* const> gradient = reducer_.slice_begins();
  consensus_.exchange(result);
  monitor_.lap(Part::exposed, reducer_.times().wait);

  const bool clip = options_.clip_norm > 0;
  if (clip || want_norm) result.gradient_norm = norm_.of(gradient, monitor_);
  result.applied = is_useful(result, loss_limit);
  if (result.applied) {
    const double scale = clip ? clip_scale(*result.gradient_norm, options_.clip_norm) : 1;
    optimizer_.step(
        replicas_.parameters(), gradient,
        {.step = steps_done_ + 1, .learning_rate = learning_rate, .gradient_scale = scale},
        result.batch.size, monitor_);
  }
  replicas_.check();
  monitor_.lap(Part::update);

  replicas_.all_gather();
  monitor_.lap(Part::exposed, topology_.barrier().arrive_and_wait(0));
  ++steps_done_;
  return result;
}

// The batch of a step, and what of it counts.
StepResult Trainer::batch_of(std::uint64_t step) const {
  StepResult result;
  result.batch = sampler_.batch(step);
  result.ignored = samples_.ignored(sampler_, result.batch);
  result.counted = samples_.counted(result.batch.size, result.ignored);
  return result;
}

// For one round of the microbatches of this rank.
void Trainer::forward_backward(const StepResult& step, Index round) {
  const std::span<const Real> parameters = replicas_.parameters();
  const std::vector<MicrobatchRange>& parts = rounds_[static_cast<std::size_t>(round)];
  for_each_worker(workers_, parts,
                  [&](std::size_t i) { read(workers_[i], step.batch, steps_done_, parts[i]); });
  monitor_.lap(Part::data);
  monitor_.enter(Phase::forward);

  for_each_worker(workers_, parts, [&](std::size_t i) {
    workers_[i].forward(parameters);
    workers_[i].loss(loss_, step.weight());
  });
  for (std::size_t i = 0; i < parts.size(); ++i) {
    consensus_.add_loss(parts[i], workers_[i].sums());
  }
  monitor_.lap(Part::forward);
  monitor_.enter(Phase::backward);

  accumulator_.begin(round);
  for_each_worker(workers_, parts, [&](std::size_t i) {
    workers_[i].backward(parameters, accumulator_.blocks(round, i), [this, round](Index offset) {
      if (workers_.size() == 1) gradients_ready(round, offset);
    });
  });
  if (workers_.size() > 1) gradients_ready(round, 0);
  monitor_.lap(Part::backward, is_last(round) ? reducer_.times().hidden : 0, Part::hidden);
}

void Trainer::gradients_ready(Index round, Index offset) {
  accumulator_.ready_from(offset);
  if (is_last(round)) reducer_.ready_from(offset);
}

void Trainer::read(Worker& worker, const BatchRange& batch, std::uint64_t step,
                   MicrobatchRange share) {
  const BatchPart part{share, batch.size, options_.microbatches};
  const Index first = batch.first + part.first();
  worker.read(samples_, batch.epoch, part,
              {.seed = options_.seed,
               .purpose = RandomPurpose::layer,
               .a = static_cast<std::uint32_t>(step)},
              [&](Index row) { return sampler_.sample(batch.epoch, first + row); });
}

}  // namespace lockstep
