#include "lockstep/train/trainer.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "lockstep/base/error.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/comm/agreement.hpp"
#include "lockstep/comm/rendezvous.hpp"
#include "lockstep/optim/norm.hpp"

namespace lockstep {
namespace {

constexpr std::size_t kSumsPerMicrobatch = std::tuple_size_v<MetricSums>;
constexpr std::size_t kWishes = 3;

// The report of each rank: its wishes and whether its state was changed, then the sums of its
// microbatches.
std::vector<Index> report_sizes(int ranks, Index microbatches) {
  std::vector<Index> sizes;
  for (int rank = 0; rank < ranks; ++rank) {
    sizes.push_back(static_cast<Index>(kWishes) + share_of(rank, ranks, microbatches).count *
                                                      static_cast<Index>(kSumsPerMicrobatch));
  }
  return sizes;
}

// What is learned, in maximal parts.
std::vector<Range> learned_parts(const ParameterTable& table) {
  std::vector<Range> parts;
  for (const RoleRange& part : table.roles()) {
    if (!part.learned()) continue;
    if (!parts.empty() && parts.back().end == part.range.begin) {
      parts.back().end = part.range.end;
    } else {
      parts.push_back(part.range);
    }
  }
  return parts;
}

// Numbers of the state that are on their way at a time: few, for they take memory, but enough that
// the ranks do not meet too often.
Index part_of_state(const BucketLayout& layout) {
  constexpr Index kSize = Index{1} << 20;
  constexpr Index kMostParts = 32;
  return std::max<Index>({std::min(layout.size(), kSize), layout.size() / kMostParts, 1});
}

bool is_useful(const StepResult& result, double loss_limit) {
  const double loss = result.loss();
  return result.changed.empty() && std::isfinite(loss) && loss <= loss_limit &&
         (!result.gradient_norm || std::isfinite(*result.gradient_norm));
}

// A rank that finds no memory tells the others.
template <typename Make>
auto made(const Topology& topology, const Make& make) {
  std::optional<decltype(make())> result;
  together(topology.ranks(), [&] { result.emplace(make()); });
  return std::move(*result);
}

// Gradients that travel to other nodes while backpropagation goes on must become final layer by
// layer, so there all threads of a rank work on the same layer.
Rounds rounds_of(const Topology& topology, const Network& network, Share share,
                 const TrainerOptions& options) {
  const bool together = topology.nodes() > 1 && options.overlap;
  const Index wanted =
      together && thread_count() > 1 ? std::max<Index>(options.rounds, 1) : options.rounds;
  return plan_rounds(network, share, options.batch, options.microbatches, wanted,
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
      share_(share_of(topology.ranks().rank(), topology.ranks().size(), options.microbatches)),
      rounds_(rounds_of(topology, network, share_, options)),
      sampler_(options.seed, samples.size(), options.batch, options.shuffle,
               samples.data->describe().blocks),
      layout_(network.parameters().size(), options.bucket, topology.ranks().size()),
      reducer_(topology, layout_, options.microbatches, options.overlap),
      accumulator_(made(topology, [&] { return GradientAccumulator(reducer_.blocks(), rounds_); })),
      exchange_(topology, layout_),
      reports_(topology, report_sizes(topology.ranks().size(), options.microbatches)),
      norms_(layout_, topology.ranks().rank(), learned_parts(network.parameters())),
      square_sums_(topology, norms_.counts()),
      updater_(network.parameters(), optimizer, layout_, topology.ranks().rank(),
               {.decay_all = options.decay_all, .ema = options.ema, .guarded = options.guarded}),
      copies_(topology, layout_, options.guarded),
      workers_(made(topology,
                    [&] {
                      return make_workers(network, rounds_, options.batch, options.microbatches,
                                          true);
                    })),
      parameter_memory_(topology.ranks(), topology.node(),
                        topology.leads() ? layout_.size() * static_cast<Index>(sizeof(Real)) : 0),
      parameters_(
          parameter_memory_.segment_of<Real>(0).first(static_cast<std::size_t>(layout_.size()))),
      gathered_(topology.ranks(), topology.node(),
                topology.leads() ? part_of_state(layout_) * static_cast<Index>(sizeof(Real)) : 0),
      waited_for_(static_cast<std::size_t>(topology.node().size())) {
  network.parameters().initialize(options.seed, parameters_, topology.node().rank(),
                                  topology.node().size());
  topology.barrier().pass(0);
  if (optimizer.trust_ratio() != nullptr) lengths_.emplace(topology, updater_.counts());
  if (options.ema > 0) {
    average_memory_.emplace(
        topology.ranks(), topology.node(),
        topology.leads() ? layout_.size() * static_cast<Index>(sizeof(Real)) : 0);
    exchange_.pick(parameters_, updater_.state().back().span());
  }
  updater_.seal(parameters_);
  copies_.seal_anew(parameters_);
}

StepResult Trainer::step(double learning_rate, Wishes wishes, bool want_norm, double loss_limit) {
  clock_.lap(Part::other);
  StepResult result = batch_of(steps_done_);
  samples_.require(sampler_, result.batch);
  report(wishes);
  for (Index round = 0; round < std::ssize(rounds_); ++round) learn(result, round);

  const std::span<const Real* const> gradient = finish_gradient();
  reports_.exchange();
  clock_.lap(Part::exposed, note(reducer_.times().wait));
  collect_reports(result);

  const bool clip = options_.clip_norm > 0;
  if (clip || want_norm) result.gradient_norm = gradient_norm(gradient);
  result.applied = is_useful(result, loss_limit);
  if (result.applied) {
    update(gradient,
           {.step = steps_done_ + 1,
            .learning_rate = learning_rate,
            .gradient_scale = clip ? clip_scale(*result.gradient_norm, options_.clip_norm) : 1},
           result.batch.size);
  }
  copies_.check(parameters_);
  clock_.lap(Part::update);

  exchange_.exchange(parameters_);
  copies_.seal(parameters_);
  clock_.lap(Part::exposed, note(topology_.barrier().pass(0)));
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

// Predict, compare, send the error back: for one round of the share.
void Trainer::learn(const StepResult& step, Index round) {
  const BatchRange& batch = step.batch;
  const std::vector<Share>& parts = rounds_[static_cast<std::size_t>(round)];
  at_once(workers_, parts, [&](std::size_t i) { read(workers_[i], batch, steps_done_, parts[i]); });
  clock_.lap(Part::data);
  topology_.heartbeat().enter(Phase::forward);

  at_once(workers_, parts, [&](std::size_t i) {
    workers_[i].predict(parameters_);
    workers_[i].judge(loss_, step.weight());
  });
  for (std::size_t i = 0; i < parts.size(); ++i) report(parts[i], workers_[i].sums());
  clock_.lap(Part::forward);
  topology_.heartbeat().enter(Phase::backward);

  accumulator_.begin(round);
  at_once(workers_, parts, [&](std::size_t i) {
    workers_[i].send_back(parameters_, accumulator_.blocks(round, i), [this, round](Index offset) {
      if (workers_.size() == 1) gradients_ready(round, offset);
    });
  });
  if (workers_.size() > 1) gradients_ready(round, 0);
  clock_.lap(Part::backward, is_last(round) ? reducer_.times().hidden : 0, Part::hidden);
}

void Trainer::gradients_ready(Index round, Index offset) {
  accumulator_.ready_from(offset);
  if (is_last(round)) reducer_.ready_from(offset);
}

void Trainer::read(Worker& worker, const BatchRange& batch, std::uint64_t step, Share share) {
  const BatchPart part{share, batch.size, options_.microbatches};
  const Index first = batch.first + part.first();
  worker.read(samples_, batch.epoch, part,
              {.seed = options_.seed,
               .purpose = RandomPurpose::layer,
               .a = static_cast<std::uint32_t>(step)},
              [&](Index row) { return sampler_.sample(batch.epoch, first + row); });
}

double Trainer::note(const Wait& wait) {
  waited_for_[static_cast<std::size_t>(wait.rank)] += wait.seconds;
  return wait.seconds;
}

void Trainer::report(Wishes wishes) {
  const std::span<double> out = reports_.mine();
  out[0] = wishes.stop ? 1 : 0;
  out[1] = wishes.save ? 1 : 0;
  out[2] = updater_.found_changed() || copies_.found_changed() ? 1 : 0;
}

void Trainer::report(Share share, std::span<const MetricSums> sums) {
  const auto before = static_cast<std::size_t>(share.first - share_.first);
  auto at = reports_.mine().subspan(kWishes + before * kSumsPerMicrobatch).begin();
  for (const MetricSums& s : sums) at = std::ranges::copy(s, at).out;
}

// Microbatch by microbatch in their order, so that the sums do not depend on the number of ranks.
void Trainer::collect_reports(StepResult& result) const {
  const int ranks = topology_.ranks().size();
  for (int rank = 0; rank < ranks; ++rank) {
    const std::span<const double> report = reports_.of(rank);
    result.wishes.stop |= report[0] != 0;
    result.wishes.save |= report[1] != 0;
    if (report[2] != 0) result.changed.push_back(rank);
    const Share share = share_of(rank, ranks, options_.microbatches);
    for (std::size_t m = 0; m < static_cast<std::size_t>(share.count); ++m) {
      for (std::size_t i = 0; i < kSumsPerMicrobatch; ++i) {
        result.sums[i] += report[kWishes + m * kSumsPerMicrobatch + i];
      }
    }
  }
}

// Where the finished sum of each slice of this rank begins.
std::span<const Real* const> Trainer::finish_gradient() {
  gradient_.clear();
  for (const GradientReducer::Slice& slice : reducer_.finish()) {
    gradient_.push_back(slice.values.data());
  }
  return gradient_;
}

double Trainer::gradient_norm(std::span<const Real* const> gradient) {
  norms_.measure(0, gradient, square_sums_.mine());
  clock_.lap(Part::update);
  const Wait wait = topology_.barrier().pass(0);
  square_sums_.exchange();
  double sum = 0;
  for (std::size_t part = 0; part < norms_.parts(); ++part) {
    sum += norms_.square_sum(0, part, square_sums_.all());
  }
  clock_.lap(Part::exposed, note(wait));
  return std::sqrt(sum);
}

void Trainer::update(std::span<const Real* const> gradient, const Update& update, Index samples) {
  topology_.heartbeat().enter(Phase::update);
  if (!lengths_) return updater_.update(parameters_, gradient, update, samples, {});
  updater_.prepare(parameters_, gradient, update, lengths_->mine());
  clock_.lap(Part::update);
  const Wait wait = topology_.barrier().pass(0);
  lengths_->exchange();
  clock_.lap(Part::exposed, note(wait));
  updater_.update(parameters_, gradient, update, samples, lengths_->all());
}

}  // namespace lockstep
