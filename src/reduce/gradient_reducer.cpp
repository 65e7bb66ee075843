#include "lockstep/reduce/gradient_reducer.hpp"

#include <algorithm>
#include <cassert>

#include "lockstep/base/clock.hpp"
#include "lockstep/reduce/inter_node_reduce_scatter.hpp"

namespace lockstep {
namespace {

/// How long a rank sleeps at a gate at most while sums travel to other nodes: what has arrived is
/// to be added and sent on.
constexpr double kNapSeconds = 2e-4;

MicrobatchRange share_of_rank(const Topology& topology, int rank, Index microbatches) {
  return microbatches_of(rank, topology.ranks().size(), microbatches);
}

Index bytes_of_blocks(const Topology& topology, const BucketLayout& layout, Index microbatches) {
  const MicrobatchRange mine = share_of_rank(topology, topology.ranks().rank(), microbatches);
  return static_cast<Index>(aligned_blocks(mine).size()) * aligned<Real>(layout.size()) *
         static_cast<Index>(sizeof(Real));
}

std::unique_ptr<InterNodeReduceScatter> inter_node_reduce_scatter(const Topology& topology,
                                                                  const BucketLayout& layout,
                                                                  Index microbatches) {
  if (topology.nodes() == 1) return nullptr;
  return can_halve(topology, microbatches) ? recursive_halving(topology, layout, microbatches)
                                           : pairwise_exchange(topology, layout, microbatches);
}

}  // namespace

GradientReducer::GradientReducer(const Topology& topology, const BucketLayout& layout,
                                 Index microbatches, bool overlap)
    : topology_(topology),
      layout_(layout),
      proxied_ranks_(topology.proxied_ranks()),
      overlap_(overlap),
      memory_(topology.ranks(), topology.node(), bytes_of_blocks(topology, layout, microbatches)),
      gates_(topology.ranks(), topology.node(), std::max(layout.buckets(), 1)),
      sum_(microbatches),
      cross_(inter_node_reduce_scatter(topology, layout, microbatches)),
      next_final_(std::max(layout.buckets(), 1) - 1),
      next_sum_(next_final_) {
  const Index stride = aligned<Real>(layout.size());
  for (int local = 0; local < topology.node().size(); ++local) {
    const int rank = topology.first_rank(topology.my_node()) + local;
    const std::span<Real> all = memory_.segment_of<Real>(local);
    Index at = 0;
    for (const MicrobatchRange& block :
         aligned_blocks(share_of_rank(topology, rank, microbatches))) {
      const auto values =
          all.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(layout.size()));
      sources_.push_back({block, values.data()});
      if (rank == topology.ranks().rank()) blocks_.push_back({block, values});
      at += stride;
    }
  }
  plan_slices();
}

GradientReducer::~GradientReducer() = default;

// Without other nodes, the sum over a slice takes the place of this rank's own part of it, which
// nobody else reads.
void GradientReducer::plan_slices() {
  for (int b = 0; b < layout_.buckets(); ++b) {
    const Range mine = layout_.slice(b, topology_.ranks().rank());
    if (mine.size() == 0) continue;
    slices_.push_back(
        {mine, cross_ ? cross_->sum(b)
                      : blocks_.front().values.subspan(static_cast<std::size_t>(mine.begin),
                                                       static_cast<std::size_t>(mine.size()))});
    slice_begins_.push_back(slices_.back().values.data());
  }
}

void GradientReducer::ready_from(Index offset) {
  if (!overlap_ && offset > 0) return;
  const double start = now_seconds();
  if (!under_way_) begin();
  // Gate 0 opens even if there is nothing to sum: it also says that backpropagation is over.
  while (next_final_ > 0 && layout_.bucket(next_final_).begin >= offset) {
    topology_.heartbeat().reach(next_final_);
    gates_.arrive(next_final_--);
  }
  if (next_final_ == 0 && offset == 0) {
    topology_.heartbeat().reach(0);
    gates_.arrive(next_final_--);
  }
  // At offset 0 backpropagation is over: what is left to sum hides behind nothing.
  if (offset > 0) advance();
  times_.hidden += now_seconds() - start;
}

void GradientReducer::begin() {
  under_way_ = true;
  times_ = {};
  longest_wait_ = 0;
}

// Sums what is final on all ranks of the node, as far as it goes without waiting.
void GradientReducer::advance() {
  while (next_sum_ > next_final_ && gates_.is_open(next_sum_)) sum_bucket(next_sum_--);
  if (cross_) cross_->advance();
}

std::span<const GradientReducer::Slice> GradientReducer::finish() {
  const double start = now_seconds();
  const double hidden = under_way_ ? times_.hidden : 0;
  topology_.heartbeat().enter(Phase::exchange);
  if (next_final_ >= 0) ready_from(0);
  advance();
  while (next_sum_ >= 0) {
    await(next_sum_);
    advance();
  }
  if (cross_) cross_->finish();
  next_final_ = next_sum_ = std::max(layout_.buckets(), 1) - 1;
  under_way_ = false;
  times_.hidden = hidden;
  times_.exposed = now_seconds() - start - times_.wait.seconds;
  return slices_;
}

void GradientReducer::await(int bucket) {
  if (gates_.is_open(bucket)) return;
  topology_.heartbeat().reach(bucket);
  const double start = now_seconds();
  std::optional<Wait> wait;
  while (!(wait = gates_.wait(bucket, cross_ ? std::optional(kNapSeconds) : std::nullopt))) {
    cross_->advance();
  }
  const double seconds = now_seconds() - start;
  if (seconds > longest_wait_) times_.wait.rank = wait->rank;
  longest_wait_ = std::max(longest_wait_, seconds);
  times_.wait.seconds += seconds;
}

void GradientReducer::sum_bucket(int bucket) {
  if (layout_.buckets() == 0) return;
  if (!cross_) {
    const Range mine = layout_.slice(bucket, topology_.ranks().rank());
    if (sources_.size() > 1)
      sum_(sources_, mine.begin, mine.size(), blocks_.front().values.data() + mine.begin);
    return;
  }
  for (std::size_t w = 0; w < proxied_ranks_.size(); ++w) {
    const Range range = layout_.slice(bucket, proxied_ranks_[w]);
    auto first = sources_.begin();
    for (std::size_t k = 0; k < cross_->blocks().size(); ++k) {
      const auto end = std::ranges::find_if(first, sources_.end(), [&](const BlockSum::Source& s) {
        return s.block.first >= cross_->blocks()[k].end();
      });
      sum_({first, end}, range.begin, range.size(), cross_->part(bucket, w, k).data());
      first = end;
    }
  }
  cross_->start(bucket);
}

}  // namespace lockstep
