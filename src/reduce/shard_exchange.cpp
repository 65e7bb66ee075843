#include "lockstep/reduce/shard_exchange.hpp"
#include "lockstep/comm/tags.hpp"

#include <algorithm>

namespace lockstep {
namespace {

constexpr int kNoLabel = 0;

template <typename T>
std::span<T> part(std::span<T> flat, Range range) {
  return flat.subspan(static_cast<std::size_t>(range.begin),
                      static_cast<std::size_t>(range.size()));
}

// Empty if they do not meet.
Range overlap(Range a, Range b) {
  const Index begin = std::max(a.begin, b.begin);
  return {begin, std::max(begin, std::min(a.end, b.end))};
}

// Every slice of the job at most once to be received, and each of ours sent to every node.
std::size_t most_requests(const Topology& topology, const BucketLayout& layout) {
  std::size_t pieces = 0;
  for (int b = 0; b < layout.buckets(); ++b) {
    const auto bytes = static_cast<std::size_t>(layout.bucket(b).size()) * sizeof(Real);
    pieces += static_cast<std::size_t>(topology.ranks().pieces(bytes)) + 1;
  }
  return pieces * static_cast<std::size_t>(topology.ranks().size() + topology.nodes());
}

}  // namespace

ShardExchange::ShardExchange(const Topology& topology, const BucketLayout& layout)
    : topology_(topology),
      layout_(layout),
      proxied_ranks_(topology.proxied_ranks()),
      requests_(topology.ranks(), most_requests(topology, layout)) {}

Wait ShardExchange::all_gather(std::span<Real> flat) {
  start_all_gather(flat);
  return topology_.barrier().arrive_and_wait(0);
}

void ShardExchange::start_all_gather(std::span<Real> flat) {
  const int me = topology_.ranks().rank();
  topology_.heartbeat().enter(Phase::exchange);
  for (const int proxied_rank : proxied_ranks_) {
    if (proxied_rank != me) receive_slices(proxied_rank, {0, layout_.size()}, flat);
  }
  for (int b = 0; b < layout_.buckets(); ++b) {
    const Range mine = layout_.slice(b, me);
    if (mine.size() == 0) continue;
    for (int step = 1; step < topology_.nodes(); ++step) {
      const int node = (topology_.my_node() + step) % topology_.nodes();
      requests_.send(std::as_bytes(part(flat, mine)), topology_.proxy_on(node, me), kSliceTag,
                     kNoLabel);
    }
  }
  requests_.wait_all();
}

void ShardExchange::gather(Range range, std::span<const Real> mine, std::span<Real> out) {
  bring(range, mine, out);
  if (topology_.ranks().rank() == 0) {
    for (int peer = topology_.first_rank(1); peer < topology_.ranks().size(); ++peer) {
      receive_slices(peer, range, out);
    }
  }
  requests_.wait_all();
  topology_.barrier().arrive_and_wait(0);
}

void ShardExchange::bring(Range range, std::span<const Real> mine, std::span<Real> out) {
  Index at = 0;
  for (const Range& slice : layout_.slices(topology_.ranks().rank())) {
    const Range here = overlap(slice, range);
    if (here.size() > 0) {
      const Index first = at + here.begin - slice.begin;
      const auto values = part(mine, {first, first + here.size()});
      if (at_root()) {
        std::ranges::copy(values, out.begin() + (here.begin - range.begin));
      } else {
        requests_.send(std::as_bytes(values), 0, kSliceTag, kNoLabel);
      }
    }
    at += slice.size();
  }
}

void ShardExchange::take_shard(std::span<const Real> flat, std::span<Real> mine) const {
  Index at = 0;
  for (const Range& range : layout_.slices(topology_.ranks().rank())) {
    std::ranges::copy(part(flat, range), part(mine, Range{at, at + range.size()}).begin());
    at += range.size();
  }
}

void ShardExchange::put_shard(std::span<const Real> mine, std::span<Real> flat) const {
  Index at = 0;
  for (const Range& range : layout_.slices(topology_.ranks().rank())) {
    std::ranges::copy(part(mine, Range{at, at + range.size()}), part(flat, range).begin());
    at += range.size();
  }
}

void ShardExchange::receive_slices(int owner, Range range, std::span<Real> out) {
  for (int b = 0; b < layout_.buckets(); ++b) {
    const Range theirs = overlap(layout_.slice(b, owner), range);
    if (theirs.size() == 0) continue;
    const Range place{theirs.begin - range.begin, theirs.end - range.begin};
    requests_.receive(std::as_writable_bytes(part(out, place)), owner, kSliceTag, kNoLabel);
  }
}

}  // namespace lockstep
