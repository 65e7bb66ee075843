#include "lockstep/train/trainer.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <tuple>

#include "lockstep/base/clock.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/optim/norm.hpp"

namespace lockstep {
namespace {

static_assert(BucketLayout::kGranule == kNormBlock, "norm blocks must lie within one rank's slice");

constexpr std::size_t kSumsPerMicrobatch = std::tuple_size_v<MetricSums>;
constexpr std::size_t kWishes = 2;

// The report of a rank: its wishes, then the sums of its microbatches.
Index report_size(Index microbatches, int ranks) {
  const Index most = (microbatches + ranks - 1) / ranks;
  return static_cast<Index>(kWishes) + most * static_cast<Index>(kSumsPerMicrobatch);
}

Index blocks_in(Index size) { return (size + kNormBlock - 1) / kNormBlock; }

}  // namespace

Trainer::Trainer(const Communicator& communicator, const Network& network, const Loss& loss,
                 const Optimizer& optimizer, const Samples& samples, const TrainerOptions& options)
    : communicator_(communicator),
      network_(network),
      loss_(loss),
      optimizer_(optimizer),
      samples_(samples),
      options_(options),
      share_(share_of(communicator.rank(), communicator.size(), options.microbatches)),
      sampler_(options.seed, samples.size(), options.batch, options.shuffle),
      layout_(network.parameters().size(), options.bucket, communicator.size()),
      reducer_(communicator, layout_, options.microbatches,
               report_size(options.microbatches, communicator.size()), options.overlap),
      exchange_(communicator, layout_),
      workspace_(network,
                 {.samples = share_samples(share_, options.batch, options.microbatches) + 1,
                  .microbatches = share_.count,
                  .threads = thread_count()}),
      reader_(workspace_.capacity().samples, samples.data->describe().target_columns),
      parameters_(network.parameters().size()),
      microbatches_(static_cast<std::size_t>(share_.count)),
      sums_(static_cast<std::size_t>(share_.count)) {
  network.parameters().initialize(options.seed, parameters_.span());
  const Index owned = layout_.owned(communicator.rank());
  for (std::size_t slot = 0; slot < optimizer.slots().size(); ++slot) {
    optimizer_state_.emplace_back(owned);
    state_slices_.emplace_back();
  }
  for (const GradientReducer::Block& b : reducer_.blocks()) {
    gradient_blocks_.push_back({b.block, b.values});
  }
  square_sum_order_.resize(static_cast<std::size_t>(blocks_in(layout_.size())));
  Index position = 0;
  for (int rank = 0; rank < communicator.size(); ++rank) {
    const Index first = position;
    for (const Range& range : layout_.slices(rank)) {
      for (Index block = range.begin / kNormBlock; block < blocks_in(range.end); ++block) {
        square_sum_order_[static_cast<std::size_t>(block)] = position++;
      }
    }
    square_sum_starts_.push_back(static_cast<int>(first));
    square_sum_counts_.push_back(static_cast<int>(position - first));
  }
  square_sums_ = Buffer<double>(position);
  my_square_sums_ =
      Buffer<double>(square_sum_counts_[static_cast<std::size_t>(communicator.rank())]);
}

StepResult Trainer::step(double learning_rate, Wishes wishes, bool want_norm) {
  StepResult result;
  const double start = now_seconds();
  const BatchRange batch = sampler_.batch(steps_done_);
  cut_batch(share_, batch.size, options_.microbatches, microbatches_);
  const Pass pass{.microbatches = microbatches_,
                  .training = true,
                  .random = {.seed = options_.seed,
                             .purpose = RandomPurpose::layer,
                             .a = static_cast<std::uint32_t>(steps_done_)}};
  const Targets targets = read(batch, pass);
  const double have_data = now_seconds();

  network_.forward(parameters_.span(), pass, workspace_);
  evaluate_loss(loss_, pass, workspace_.output(), targets, Real{1} / static_cast<Real>(batch.size),
                workspace_.output_gradient(), sums_);
  report(sums_, wishes);
  network_.backward(parameters_.span(), pass, workspace_, gradient_blocks_,
                    [this](Index offset) { reducer_.ready_from(offset); });
  const double computed = now_seconds();

  const std::span<const GradientReducer::Slice> slices = reducer_.finish();
  const double reduced = now_seconds();
  result.batch = batch;
  collect_reports(result);

  const bool clip = options_.clip_norm > 0;
  if (clip || want_norm) result.gradient_norm = gradient_norm(slices);
  if (!std::isfinite(result.sums[0]) || (clip && !std::isfinite(*result.gradient_norm))) {
    throw Error(ExitCode::diverged,
                "the loss or the gradient of step " + std::to_string(steps_done_ + 1) +
                    " is not finite; try a smaller optimizer.lr, or optimizer.clip_norm = 1");
  }
  update(slices,
         {.step = steps_done_ + 1,
          .learning_rate = learning_rate,
          .gradient_scale = clip ? clip_scale(*result.gradient_norm, options_.clip_norm) : 1});
  exchange_.all_gather(parameters_.span());
  ++steps_done_;

  result.data_seconds = have_data - start;
  result.compute_seconds = computed - have_data;
  result.exposed_seconds = reduced - computed;
  result.update_seconds = now_seconds() - reduced;
  return result;
}

Targets Trainer::read(const BatchRange& batch, const Pass& pass) {
  const Index first =
      batch.first + microbatch_begin(batch.size, share_.first, options_.microbatches);
  return reader_.read(samples_, pass.samples(), workspace_.input(),
                      [&](Index row) { return sampler_.sample(batch.epoch, first + row); });
}

void Trainer::report(std::span<const MetricSums> sums, Wishes wishes) {
  const std::span<double> out = reducer_.report();
  out[0] = wishes.stop ? 1 : 0;
  out[1] = wishes.save ? 1 : 0;
  auto at = out.begin() + kWishes;
  for (const MetricSums& s : sums) at = std::ranges::copy(s, at).out;
}

// Microbatch by microbatch in their order, so that the sums do not depend on the number of ranks.
void Trainer::collect_reports(StepResult& result) const {
  for (int rank = 0; rank < communicator_.size(); ++rank) {
    const std::span<const double> report = reducer_.report_of(rank);
    result.wishes.stop |= report[0] != 0;
    result.wishes.save |= report[1] != 0;
    const Share share = share_of(rank, communicator_.size(), options_.microbatches);
    for (std::size_t m = 0; m < static_cast<std::size_t>(share.count); ++m) {
      for (std::size_t i = 0; i < kSumsPerMicrobatch; ++i) {
        result.sums[i] += report[kWishes + m * kSumsPerMicrobatch + i];
      }
    }
  }
}

double Trainer::gradient_norm(std::span<const GradientReducer::Slice> slices) {
  Index at = 0;
  for (const GradientReducer::Slice& slice : slices) {
    const Index blocks = blocks_in(slice.range.size());
    block_square_sums(slice.values, my_square_sums_.span(at, blocks));
    at += blocks;
  }
  communicator_.all_gather(my_square_sums_.span(), square_sum_counts_, square_sum_starts_,
                           square_sums_.span());
  double sum = 0;
  for (const Index position : square_sum_order_) sum += square_sums_.data()[position];
  return std::sqrt(sum);
}

void Trainer::update(std::span<const GradientReducer::Slice> slices, const Update& update) {
  Index at = 0;
  for (const GradientReducer::Slice& slice : slices) {
    const Index size = slice.range.size();
    for (std::size_t slot = 0; slot < optimizer_state_.size(); ++slot) {
      state_slices_[slot] = optimizer_state_[slot].span(at, size);
    }
    optimizer_.step(parameters_.span(slice.range.begin, size), slice.values, state_slices_, update);
    at += size;
  }
}

std::vector<Buffer<Real>> Trainer::gather_optimizer_state() {
  std::vector<Buffer<Real>> whole;
  for (const Buffer<Real>& slot : optimizer_state_) {
    whole.emplace_back(communicator_.rank() == 0 ? layout_.size() : 0);
    exchange_.gather(slot.span(), whole.back().span());
  }
  return whole;
}

void Trainer::restore(std::uint64_t steps_done, std::span<const Real> parameters,
                      std::span<const Buffer<Real>> optimizer_state) {
  assert(optimizer_state.size() == optimizer_state_.size());
  steps_done_ = steps_done;
  std::ranges::copy(parameters, parameters_.span().begin());
  for (std::size_t slot = 0; slot < optimizer_state_.size(); ++slot) {
    exchange_.pick(optimizer_state[slot].span(), optimizer_state_[slot].span());
  }
}

}  // namespace lockstep
