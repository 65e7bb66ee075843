#include "lockstep/train/trainer.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <tuple>

#include "lockstep/base/error.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/base/passes.hpp"
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

bool is_useful(const StepResult& result, double loss_limit) {
  const double loss = result.sums[0] / static_cast<double>(result.batch.size);
  return result.changed.empty() && std::isfinite(loss) && loss <= loss_limit &&
         (!result.gradient_norm || std::isfinite(*result.gradient_norm));
}

// A rank that finds no memory tells the others.
template <typename Made, typename... Arguments>
Made make(const Topology& topology, const Arguments&... arguments) {
  std::optional<Made> made;
  together(topology.ranks(), [&] { made.emplace(arguments...); });
  return std::move(*made);
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
      passes_(cut_for_passes(share_, options.passes)),
      sampler_(options.seed, samples.size(), options.batch, options.shuffle,
               samples.data->describe().blocks),
      layout_(network.parameters().size(), options.bucket, topology.ranks().size()),
      reducer_(topology, layout_, options.microbatches, options.overlap),
      accumulator_(make<GradientAccumulator>(topology, reducer_.blocks(), passes_)),
      exchange_(topology, layout_),
      reports_(topology, report_sizes(topology.ranks().size(), options.microbatches)),
      norms_(layout_, topology.ranks().rank(), learned_parts(network.parameters())),
      square_sums_(topology, norms_.counts()),
      updater_(network.parameters(), optimizer, layout_, topology.ranks().rank(),
               {.decay_all = options.decay_all, .ema = options.ema, .guarded = options.guarded}),
      copies_(topology, layout_, options.guarded),
      workspace_(make<Workspace>(
          topology, network,
          // Also the first microbatch, for an audit.
          Capacity{.samples = std::max(most_samples(passes_, options.batch, options.microbatches),
                                       pieces_of(options.batch, options.microbatches)),
                   .microbatches = most_microbatches(passes_),
                   .threads = thread_count()})),
      reader_(workspace_.capacity().samples, network.output_shape()),
      parameter_memory_(topology.ranks(), topology.node(),
                        topology.leads() ? layout_.size() * static_cast<Index>(sizeof(Real)) : 0),
      parameters_(
          parameter_memory_.segment_of<Real>(0).first(static_cast<std::size_t>(layout_.size()))),
      microbatches_(static_cast<std::size_t>(workspace_.capacity().microbatches)),
      sums_(microbatches_.size()),
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
  for (Index pass = 0; pass < accumulator_.passes(); ++pass) {
    gradient_blocks_.emplace_back();
    for (const GradientReducer::Block& b : accumulator_.blocks(pass)) {
      gradient_blocks_.back().push_back({b.block, b.values});
    }
  }
}

StepResult Trainer::step(double learning_rate, Wishes wishes, bool want_norm, double loss_limit) {
  StepResult result;
  clock_.lap(Part::other);
  result.batch = sampler_.batch(steps_done_);
  samples_.require(sampler_, result.batch);
  report(wishes);
  for (Index pass = 0; pass < accumulator_.passes(); ++pass) learn(result.batch, pass);

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

// Predict, compare, send the error back: for one part of the share.
void Trainer::learn(const BatchRange& batch, Index pass_number) {
  const Share share = passes_[static_cast<std::size_t>(pass_number)];
  const auto count = static_cast<std::size_t>(share.count);
  const std::span<Microbatch> microbatches = std::span(microbatches_).first(count);
  const std::span<MetricSums> sums = std::span(sums_).first(count);
  cut_batch(share, batch.size, options_.microbatches, microbatches);
  const Pass pass = pass_of(microbatches, steps_done_);
  const Targets targets = read(batch, pass);
  clock_.lap(Part::data);
  topology_.heartbeat().enter(Phase::forward);

  network_.forward(parameters_, pass, workspace_);
  evaluate_loss(loss_, pass, workspace_.output(), targets, 1 / static_cast<double>(batch.size),
                workspace_.output_gradient(), sums);
  report(share, sums);
  clock_.lap(Part::forward);
  topology_.heartbeat().enter(Phase::backward);

  network_.backward(parameters_, pass, workspace_,
                    gradient_blocks_[static_cast<std::size_t>(pass_number)],
                    [this, pass_number](Index offset) {
                      accumulator_.ready_from(pass_number, offset);
                      if (is_last(pass_number)) reducer_.ready_from(offset);
                    });
  clock_.lap(Part::backward, is_last(pass_number) ? reducer_.times().hidden : 0, Part::hidden);
}

Pass Trainer::pass_of(std::span<const Microbatch> microbatches, std::uint64_t step) const {
  return {.microbatches = microbatches,
          .training = true,
          .random = {.seed = options_.seed,
                     .purpose = RandomPurpose::layer,
                     .a = static_cast<std::uint32_t>(step)}};
}

Evidence Trainer::evidence(bool recompute) {
  Evidence evidence;
  evidence.intact = updater_.intact(parameters_) && copies_.intact(parameters_);
  if (topology_.nodes() > 1 && topology_.leads()) {
    evidence.parameters = digest_of(std::as_bytes(parameters()));
  }
  if (recompute && topology_.ranks().size() > 1) evidence.gradient = recomputed_gradient();
  return evidence;
}

Digest Trainer::recomputed_gradient() {
  assert(steps_done_ > 0);
  const std::uint64_t step = steps_done_ - 1;
  const BatchRange batch = sampler_.batch(step);
  const Share share{.first = 0, .count = 1};  // other samples in every step
  const std::span<Microbatch> microbatch = std::span(microbatches_).first(1);
  const std::span<MetricSums> sums = std::span(sums_).first(1);
  cut_batch(share, batch.size, options_.microbatches, microbatch);
  const Pass pass = pass_of(microbatch, step);
  const Targets targets = read(batch, pass);
  network_.forward(parameters_, pass, workspace_);
  evaluate_loss(loss_, pass, workspace_.output(), targets, 1 / static_cast<double>(batch.size),
                workspace_.output_gradient(), sums);
  // Nobody looks at the gradients of a rank between two steps.
  const GradientBlock gradient{share, reducer_.blocks().front().values};
  network_.backward(parameters_, pass, workspace_, std::span(&gradient, 1), [](Index) {});
  Digester digester;
  digester.update(std::as_bytes(std::span(sums)));
  digester.update(std::as_bytes(gradient.values));
  return digester.finish();
}

double Trainer::note(const Wait& wait) {
  waited_for_[static_cast<std::size_t>(wait.rank)] += wait.seconds;
  return wait.seconds;
}

Targets Trainer::read(const BatchRange& batch, const Pass& pass) {
  const Index first = batch.first + microbatch_begin(batch.size, pass.microbatches.front().index,
                                                     options_.microbatches);
  return reader_.read(samples_, batch.epoch, pass.samples(), workspace_.input(),
                      [&](Index row) { return sampler_.sample(batch.epoch, first + row); });
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

std::span<const Real> Trainer::judged_parameters() {
  if (!average_memory_) return parameters_;
  const std::span<Real> whole = average_memory_->segment_of<Real>(0).first(parameters_.size());
  exchange_.put(updater_.state().back().span(), whole);
  static_cast<void>(exchange_.share(whole));
  return whole;
}

MemoryUse Trainer::memory() const {
  const auto buffer = static_cast<Index>(parameters_.size_bytes());
  return {.activations = workspace_.bytes(),
          .gradients = static_cast<Index>(reducer_.blocks().size()) * buffer + accumulator_.bytes(),
          .parameters = (average_memory_ ? 2 : 1) * buffer};
}

std::vector<Buffer<Real>> Trainer::gather_optimizer_state() {
  std::vector<Buffer<Real>> whole;
  for (const Buffer<Real>& slot : updater_.state()) {
    whole.emplace_back(topology_.ranks().rank() == 0 ? layout_.size() : 0);
    exchange_.gather(slot.span(), whole.back().span());
  }
  return whole;
}

void Trainer::restore(std::uint64_t steps_done, std::span<const Real> parameters,
                      std::span<const Buffer<Real>> optimizer_state) {
  assert(optimizer_state.size() == updater_.state().size());
  steps_done_ = steps_done;
  if (topology_.leads()) std::ranges::copy(parameters, parameters_.begin());
  for (std::size_t slot = 0; slot < optimizer_state.size(); ++slot) {
    exchange_.pick(optimizer_state[slot].span(), updater_.state()[slot].span());
  }
  topology_.barrier().pass(0);
  updater_.seal(parameters_);
  copies_.seal_anew(parameters_);
}

}  // namespace lockstep
