#include <algorithm>
#include <cassert>

#include "lockstep/base/scratch.hpp"
#include "lockstep/comm/tags.hpp"
#include "lockstep/reduce/block_sum.hpp"
#include "lockstep/reduce/inter_node_reduce_scatter.hpp"

namespace lockstep {
namespace {

class PairwiseExchange final : public InterNodeReduceScatter {
 public:
  PairwiseExchange(const Topology& topology, const BucketLayout& layout, Index microbatches)
      : topology_(topology),
        layout_(layout),
        rank_(topology.ranks().rank()),
        proxied_ranks_(topology.proxied_ranks()),
        own_blocks_(blocks_of(topology.my_node(), microbatches)),
        sum_(microbatches),
        requests_(topology.ranks(), plan(microbatches)) {}

  [[nodiscard]] std::span<const MicrobatchRange> blocks() const override { return own_blocks_; }

  [[nodiscard]] std::span<Real> part(int bucket, std::size_t proxied_rank,
                                     std::size_t block) override {
    return part_of(buckets_[static_cast<std::size_t>(bucket)], proxied_rank, block);
  }

  void start(int bucket) override {
    Bucket& b = buckets_[static_cast<std::size_t>(bucket)];
    b.started = true;
    b.missing = b.expected;
    for (const Incoming& in : b.incoming) {
      requests_.receive(std::as_writable_bytes(in.values), in.from, bucket_tag(bucket), bucket);
    }
    for (std::size_t w = 0; w < proxied_ranks_.size(); ++w) {
      if (proxied_ranks_[w] == rank_ || layout_.slice(bucket, proxied_ranks_[w]).size() == 0)
        continue;
      for (std::size_t k = 0; k < own_blocks_.size(); ++k) {
        requests_.send(std::as_bytes(part_of(b, w, k)), proxied_ranks_[w], bucket_tag(bucket),
                       kSent);
      }
    }
    sum_if_complete(b);
  }

  void advance() override { take(requests_.test_some()); }

  void finish() override {
    while (!requests_.empty()) take(requests_.wait_some());
  }

  [[nodiscard]] std::span<const Real> sum(int bucket) const override {
    return buckets_[static_cast<std::size_t>(bucket)].sum;
  }

 private:
  struct Incoming {
    int from;
    std::span<Real> values;
  };
  struct Bucket {
    std::vector<std::span<Real>> parts;  ///< by proxied rank, then block of this node
    std::vector<Incoming> incoming;
    std::vector<BlockSum::Source> sources;  ///< of all nodes, in order
    std::span<Real> sum;
    int expected = 0;  ///< messages
    int missing = 0;
    bool started = false;
  };

  std::vector<MicrobatchRange> blocks_of(int node, Index microbatches) const {
    return aligned_blocks(share_of_node(topology_, node, microbatches));
  }

  [[nodiscard]] std::span<Real> part_of(const Bucket& b, std::size_t proxied_rank,
                                        std::size_t block) const {
    return b.parts[proxied_rank * own_blocks_.size() + block];
  }

  // Takes all memory; returns the largest number of messages under way.
  std::size_t plan(Index microbatches) {
    Scratch count = Scratch::counting();
    plan_buckets(microbatches, count);
    memory_ = Buffer<Real>(count.size());
    Scratch memory(memory_.span());
    return plan_buckets(microbatches, memory);
  }

  std::size_t plan_buckets(Index microbatches, Scratch& memory) {
    std::size_t messages = 0;
    buckets_.assign(static_cast<std::size_t>(layout_.buckets()), {});
    for (int b = 0; b < layout_.buckets(); ++b) messages += plan_bucket(b, microbatches, memory);
    return messages;
  }

  std::size_t plan_bucket(int index, Index microbatches, Scratch& memory) {
    Bucket& bucket = buckets_[static_cast<std::size_t>(index)];
    std::size_t messages = 0;
    const auto pieces = [&](Index numbers) {
      return topology_.ranks().pieces(static_cast<std::size_t>(numbers) * sizeof(Real));
    };
    for (const int proxied_rank : proxied_ranks_) {
      const Index size = layout_.slice(index, proxied_rank).size();
      for (std::size_t k = 0; k < own_blocks_.size(); ++k) {
        bucket.parts.push_back(memory.take<Real>(size));
        messages += static_cast<std::size_t>(pieces(size));
      }
    }
    const Index mine = layout_.slice(index, rank_).size();
    bucket.sum = memory.take<Real>(mine);
    const auto self =
        static_cast<std::size_t>(std::ranges::find(proxied_ranks_, rank_) - proxied_ranks_.begin());
    for (int node = 0; node < topology_.nodes(); ++node) {
      const std::vector<MicrobatchRange> blocks = blocks_of(node, microbatches);
      for (std::size_t k = 0; k < blocks.size(); ++k) {
        if (node == topology_.my_node()) {
          bucket.sources.push_back({blocks[k], part_of(bucket, self, k).data()});
          continue;
        }
        const std::span<Real> values = memory.take<Real>(mine);
        bucket.sources.push_back({blocks[k], values.data()});
        if (mine == 0) continue;
        bucket.incoming.push_back({topology_.proxy_on(node, rank_), values});
        bucket.expected += pieces(mine);
        messages += static_cast<std::size_t>(pieces(mine));
      }
    }
    return messages;
  }

  void take(std::span<const int> arrived) {
    for (const int bucket : arrived) {
      if (bucket == kSent) continue;
      Bucket& b = buckets_[static_cast<std::size_t>(bucket)];
      --b.missing;
      sum_if_complete(b);
    }
  }

  void sum_if_complete(Bucket& b) {
    if (!b.started || b.missing > 0) return;
    b.started = false;
    sum_(b.sources, 0, std::ssize(b.sum), b.sum.data());
  }

  const Topology& topology_;
  BucketLayout layout_;
  int rank_;
  std::vector<int> proxied_ranks_;
  std::vector<MicrobatchRange> own_blocks_;
  BlockSum sum_;
  Buffer<Real> memory_;
  std::vector<Bucket> buckets_;
  RequestSet requests_;
};

}  // namespace

MicrobatchRange share_of_node(const Topology& topology, int node, Index microbatches) {
  const int ranks = topology.ranks().size();
  const MicrobatchRange first = microbatches_of(topology.first_rank(node), ranks, microbatches);
  const MicrobatchRange last =
      microbatches_of(topology.first_rank(node + 1) - 1, ranks, microbatches);
  return {first.first, last.end() - first.first};
}

std::unique_ptr<InterNodeReduceScatter> pairwise_exchange(const Topology& topology,
                                                          const BucketLayout& layout,
                                                          Index microbatches) {
  return std::make_unique<PairwiseExchange>(topology, layout, microbatches);
}

}  // namespace lockstep
