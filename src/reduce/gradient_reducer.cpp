#include "lockstep/reduce/gradient_reducer.hpp"

#include <algorithm>
#include <cassert>

#include "lockstep/base/clock.hpp"
#include "lockstep/base/ordered_sum.hpp"
#include "lockstep/base/parallel.hpp"

namespace lockstep {
namespace {

constexpr int kReportLabel = -1;
constexpr int kSentLabel = -2;
constexpr int kReportTag = 0;

int bucket_tag(int bucket) { return 1 + bucket % 30000; }

std::size_t most_requests(const Communicator& communicator, const BucketLayout& layout,
                          Index microbatches) {
  // Every block of the job is received, and every block of ours sent, once per bucket and rank.
  const auto ranks = static_cast<std::size_t>(communicator.size());
  const auto blocks = static_cast<std::size_t>(microbatches) + 2 * ranks;
  return static_cast<std::size_t>(layout.buckets() + 1) * blocks * 2 + 2 * ranks;
}

}  // namespace

GradientReducer::GradientReducer(const Communicator& communicator, const BucketLayout& layout,
                                 Index microbatches, Index report_size, bool overlap)
    : communicator_(communicator),
      layout_(layout),
      overlap_(overlap),
      reports_(communicator.size() * aligned<double>(report_size)),
      report_stride_(aligned<double>(report_size)),
      report_size_(report_size),
      requests_(most_requests(communicator, layout, microbatches)) {
  for (int rank = 0; rank < communicator.size(); ++rank) {
    for (const Share& b : aligned_blocks(share_of(rank, communicator.size(), microbatches))) {
      all_blocks_.push_back(b);
      owner_of_block_.push_back(rank);
      if (rank == communicator.rank()) blocks_.push_back({b, {}});
    }
  }
  const Index stride = aligned<Real>(layout.size());
  gradients_ = Buffer<Real>(stride * static_cast<Index>(blocks_.size()));
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    blocks_[i].values = gradients_.span(static_cast<Index>(i) * stride, layout.size());
  }
  scratch_per_thread_ = OrderedSum::memory_for(microbatches, BucketLayout::kGranule);
  scratch_ = Buffer<Real>(thread_count() * scratch_per_thread_);
  plan_buckets();
}

void GradientReducer::plan_buckets() {
  const Index owned = layout_.owned(communicator_.rank());
  const auto foreign = static_cast<Index>(all_blocks_.size() - blocks_.size());
  received_ = Buffer<Real>(foreign * owned);
  const bool needs_sum = all_blocks_.size() > 1;
  sums_ = Buffer<Real>(needs_sum ? owned : 0);

  Real* receive_at = received_.data();
  Real* sum_at = sums_.data();
  for (int b = 0; b < layout_.buckets(); ++b) {
    Bucket bucket;
    bucket.mine = layout_.slice(b, communicator_.rank());
    std::size_t own = 0;
    for (std::size_t i = 0; i < all_blocks_.size(); ++i) {
      if (owner_of_block_[i] == communicator_.rank()) {
        bucket.sources.push_back(blocks_[own++].values.data() + bucket.mine.begin);
      } else {
        bucket.sources.push_back(receive_at);
        receive_at += bucket.mine.size();
        if (bucket.mine.size() > 0) ++bucket.expected;
      }
    }
    if (bucket.mine.size() > 0) {
      const Real* values = needs_sum ? sum_at : bucket.sources.front();
      slices_.push_back({bucket.mine, {values, static_cast<std::size_t>(bucket.mine.size())}});
      bucket.sum = needs_sum ? sum_at : nullptr;
      sum_at += needs_sum ? bucket.mine.size() : 0;
    }
    buckets_.push_back(std::move(bucket));
  }
}

std::span<double> GradientReducer::report() {
  return reports_.span(communicator_.rank() * report_stride_, report_size_);
}

std::span<const double> GradientReducer::report_of(int rank) const {
  return reports_.span(rank * report_stride_, report_size_);
}

// Posts all receives of a step, so that messages go straight to their place.
void GradientReducer::begin() {
  under_way_ = true;
  next_bucket_ = layout_.buckets() - 1;
  for (int b = next_bucket_; b >= 0; --b) {
    Bucket& bucket = buckets_[static_cast<std::size_t>(b)];
    bucket.missing = bucket.expected;
    bucket.sent = false;
    if (bucket.expected == 0) continue;
    for (std::size_t i = 0; i < all_blocks_.size(); ++i) {
      if (owner_of_block_[i] == communicator_.rank()) continue;
      // Received memory is ours; the sources are const for everyone else.
      Real* const to = received_.data() + (bucket.sources[i] - received_.data());
      const std::span values(to, static_cast<std::size_t>(bucket.mine.size()));
      requests_.add(
          communicator_.receive(std::as_writable_bytes(values), owner_of_block_[i], bucket_tag(b)),
          b);
    }
  }
}

void GradientReducer::send_bucket(int index) {
  Bucket& bucket = buckets_[static_cast<std::size_t>(index)];
  bucket.sent = true;
  for (int step = 1; step < communicator_.size(); ++step) {
    const int to = (communicator_.rank() + step) % communicator_.size();
    const Range slice = layout_.slice(index, to);
    if (slice.size() == 0) continue;
    for (const Block& block : blocks_) {
      const auto values = block.values.subspan(static_cast<std::size_t>(slice.begin),
                                               static_cast<std::size_t>(slice.size()));
      requests_.add(communicator_.send(std::as_bytes(values), to, bucket_tag(index)), kSentLabel);
    }
  }
  sum_if_complete(index);
}

void GradientReducer::ready_from(Index offset) {
  if (!under_way_) begin();
  if (!overlap_ && offset > 0) return;
  while (next_bucket_ >= 0 && layout_.bucket(next_bucket_).begin >= offset) {
    send_bucket(next_bucket_--);
  }
  take(requests_.test_some());  // MPI advances only inside its calls
}

std::span<const GradientReducer::Slice> GradientReducer::finish() {
  ready_from(0);
  for (int step = 1; step < communicator_.size(); ++step) {
    const int peer = (communicator_.rank() + step) % communicator_.size();
    requests_.add(communicator_.receive(
                      std::as_writable_bytes(reports_.span(peer * report_stride_, report_size_)),
                      peer, kReportTag),
                  kReportLabel);
    requests_.add(communicator_.send(std::as_bytes(report()), peer, kReportTag), kReportLabel);
  }
  exposed_seconds_ = 0;
  while (!requests_.empty()) {
    const double start = now_seconds();
    const std::span<const int> arrived = requests_.wait_some();
    exposed_seconds_ += now_seconds() - start;
    take(arrived);
  }
  under_way_ = false;
  return slices_;
}

void GradientReducer::take(std::span<const int> arrived) {
  for (const int label : arrived) {
    if (label < 0) continue;
    --buckets_[static_cast<std::size_t>(label)].missing;
    sum_if_complete(label);
  }
}

void GradientReducer::sum_if_complete(int index) {
  Bucket& bucket = buckets_[static_cast<std::size_t>(index)];
  if (bucket.sent && bucket.missing == 0 && bucket.sum != nullptr) sum_slice(bucket);
}

// Granule by granule, so that the partial sums stay in the first-level cache.
void GradientReducer::sum_slice(Bucket& bucket) {
  parallel_for_tiles(bucket.mine.size(), BucketLayout::kGranule, [&](Index begin, Index end) {
    OrderedSum sum(scratch_.span(thread_number() * scratch_per_thread_, scratch_per_thread_),
                   end - begin);
    for (std::size_t i = 0; i < all_blocks_.size(); ++i) {
      std::copy(bucket.sources[i] + begin, bucket.sources[i] + end, sum.next().begin());
      sum.push(all_blocks_[i]);
    }
    std::ranges::copy(sum.finish(), bucket.sum + begin);
  });
}

}  // namespace lockstep
