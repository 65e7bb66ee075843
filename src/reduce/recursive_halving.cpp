#include <bit>
#include <cassert>

#include "lockstep/base/buffer.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/comm/tags.hpp"
#include "lockstep/reduce/inter_node_reduce_scatter.hpp"

namespace lockstep {
namespace {

// The number whose `bits` lowest bits are those of `value` in reverse.
int reversed(int value, int bits) {
  int result = 0;
  for (int i = 0; i < bits; ++i) result |= (value >> i & 1) << (bits - 1 - i);
  return result;
}

/// The slices of the proxied ranks, one per node, lie in the order of their nodes' numbers read
/// backwards: then what a node keeps in each round is one half of what it holds.
class RecursiveHalving final : public InterNodeReduceScatter {
 public:
  RecursiveHalving(const Topology& topology, const BucketLayout& layout, Index microbatches)
      : topology_(topology),
        layout_(layout),
        proxied_ranks_(topology.proxied_ranks()),
        rounds_(std::countr_zero(static_cast<unsigned>(topology.nodes()))),
        block_(share_of_node(topology, topology.my_node(), microbatches)),
        requests_(topology.ranks(), plan()) {
    finished_rounds_.reserve(buckets_.size());
  }

  [[nodiscard]] std::span<const MicrobatchRange> blocks() const override { return {&block_, 1}; }

  [[nodiscard]] std::span<Real> part(int bucket, std::size_t proxied_rank, std::size_t) override {
    return slice(buckets_[static_cast<std::size_t>(bucket)],
                 reversed(static_cast<int>(proxied_rank), rounds_), 1);
  }

  void start(int bucket) override {
    Bucket& b = buckets_[static_cast<std::size_t>(bucket)];
    b.round = 0;
    b.first = 0;
    exchange(bucket);
  }

  void advance() override { take(requests_.test_some()); }

  void finish() override {
    while (!requests_.empty()) take(requests_.wait_some());
  }

  [[nodiscard]] std::span<const Real> sum(int bucket) const override {
    return slice(buckets_[static_cast<std::size_t>(bucket)], reversed(topology_.my_node(), rounds_),
                 1);
  }

 private:
  struct Bucket {
    std::span<Real> values;     ///< the slices, one after the other
    std::vector<Index> starts;  ///< of the slices, and the end
    std::span<Real> received;
    int round = 0;
    int first = 0;    ///< slices [first, first + nodes / 2^round) are still held
    int missing = 0;  ///< messages of this round
  };

  [[nodiscard]] static std::span<Real> slice(const Bucket& b, int first, int count) {
    const auto begin = static_cast<std::size_t>(b.starts[static_cast<std::size_t>(first)]);
    const auto end = static_cast<std::size_t>(b.starts[static_cast<std::size_t>(first + count)]);
    return b.values.subspan(begin, end - begin);
  }

  [[nodiscard]] std::size_t pieces(Index numbers) const {
    const std::size_t bytes = static_cast<std::size_t>(numbers) * sizeof(Real);
    return static_cast<std::size_t>(topology_.ranks().pieces(bytes));
  }

  // Takes all memory; returns the largest number of messages under way.
  std::size_t plan() {
    Index size = 0;
    std::size_t messages = 0;
    for (int b = 0; b < layout_.buckets(); ++b) {
      Bucket bucket;
      bucket.starts.push_back(0);
      for (int i = 0; i < topology_.nodes(); ++i) {
        const int proxied_rank = proxied_ranks_[static_cast<std::size_t>(reversed(i, rounds_))];
        bucket.starts.push_back(bucket.starts.back() + layout_.slice(b, proxied_rank).size());
      }
      size += 2 * aligned<Real>(bucket.starts.back());
      messages += 2 * static_cast<std::size_t>(rounds_) * pieces(bucket.starts.back());
      buckets_.push_back(std::move(bucket));
    }
    memory_ = Buffer<Real>(size);
    Index at = 0;
    for (Bucket& bucket : buckets_) {
      const Index numbers = bucket.starts.back();
      bucket.values = memory_.span(at, numbers);
      bucket.received = memory_.span(at + aligned<Real>(numbers), numbers);
      at += 2 * aligned<Real>(numbers);
    }
    return messages;
  }

  // Starts the running round: the other node of the pair gets the half that it keeps.
  void exchange(int bucket) {
    Bucket& b = buckets_[static_cast<std::size_t>(bucket)];
    if (b.round == rounds_) return;
    const int half = topology_.nodes() >> (b.round + 1);
    const bool keep_upper = (topology_.my_node() >> b.round & 1) != 0;
    const int away = keep_upper ? b.first : b.first + half;
    b.first = keep_upper ? b.first + half : b.first;
    const int peer =
        topology_.proxy_on(topology_.my_node() ^ (1 << b.round), topology_.ranks().rank());
    const std::span<Real> kept = slice(b, b.first, half);
    b.missing = static_cast<int>(pieces(std::ssize(kept)));
    requests_.receive(std::as_writable_bytes(b.received.first(kept.size())), peer,
                      bucket_tag(bucket), bucket);
    requests_.send(std::as_bytes(slice(b, away, half)), peer, bucket_tag(bucket), kSent);
  }

  void take(std::span<const int> arrived) {
    for (const int bucket : arrived) {
      if (bucket == kSent) continue;
      Bucket& b = buckets_[static_cast<std::size_t>(bucket)];
      if (--b.missing > 0) continue;
      const std::span<Real> kept = slice(b, b.first, topology_.nodes() >> (b.round + 1));
      const Real* other = b.received.data();
      // Which of the two comes first on the tree does not matter: a + b = b + a.
      parallel_for_tiles(std::ssize(kept), kElementTile, [&](Index begin, Index end) {
        for (Index i = begin; i < end; ++i) kept[static_cast<std::size_t>(i)] += other[i];
      });
      ++b.round;
      finished_rounds_.push_back(bucket);
    }
    // Not within the loop: starting messages would invalidate what it walks over.
    for (const int bucket : finished_rounds_) exchange(bucket);
    finished_rounds_.clear();
  }

  const Topology& topology_;
  BucketLayout layout_;
  std::vector<int> proxied_ranks_;
  int rounds_;
  MicrobatchRange block_;
  Buffer<Real> memory_;
  std::vector<Bucket> buckets_;
  std::vector<int> finished_rounds_;
  RequestSet requests_;
};

}  // namespace

bool can_halve(const Topology& topology, Index microbatches) {
  const int nodes = topology.nodes();
  if (!std::has_single_bit(static_cast<unsigned>(nodes))) return false;
  for (int node = 0; node < nodes; ++node) {
    const MicrobatchRange share = share_of_node(topology, node, microbatches);
    if (topology.node_size(node) != topology.node_size(0) || share.count * nodes != microbatches ||
        !std::has_single_bit(static_cast<std::size_t>(share.count))) {
      return false;
    }
  }
  return true;
}

std::unique_ptr<InterNodeReduceScatter> recursive_halving(const Topology& topology,
                                                          const BucketLayout& layout,
                                                          Index microbatches) {
  assert(can_halve(topology, microbatches));
  return std::make_unique<RecursiveHalving>(topology, layout, microbatches);
}

}  // namespace lockstep
