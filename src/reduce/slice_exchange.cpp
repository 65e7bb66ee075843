#include "lockstep/reduce/slice_exchange.hpp"

#include <algorithm>

namespace lockstep {
namespace {

constexpr int kTag = 31000;

template <typename T>
std::span<T> part(std::span<T> flat, Range range) {
  return flat.subspan(static_cast<std::size_t>(range.begin),
                      static_cast<std::size_t>(range.size()));
}

}  // namespace

SliceExchange::SliceExchange(const Communicator& communicator, const BucketLayout& layout)
    : communicator_(communicator),
      layout_(layout),
      requests_(static_cast<std::size_t>(2 * layout.buckets() * communicator.size())) {}

void SliceExchange::all_gather(std::span<Real> flat) {
  const int me = communicator_.rank();
  for (int step = 1; step < communicator_.size(); ++step) {
    receive_slices((me + step) % communicator_.size(), flat);
  }
  for (int b = 0; b < layout_.buckets(); ++b) {
    const Range mine = layout_.slice(b, me);
    if (mine.size() == 0) continue;
    for (int step = 1; step < communicator_.size(); ++step) {
      const int to = (me + step) % communicator_.size();
      requests_.add(communicator_.send(std::as_bytes(part(flat, mine)), to, kTag), b);
    }
  }
  requests_.wait_all();
}

void SliceExchange::gather(std::span<const Real> mine, std::span<Real> flat) {
  Index at = 0;
  for (const Range& range : layout_.slices(communicator_.rank())) {
    const auto slice = part(mine, Range{at, at + range.size()});
    at += range.size();
    if (communicator_.rank() == 0) {
      std::ranges::copy(slice, part(flat, range).begin());
    } else {
      requests_.add(communicator_.send(std::as_bytes(slice), 0, kTag), 0);
    }
  }
  if (communicator_.rank() == 0) {
    for (int peer = 1; peer < communicator_.size(); ++peer) receive_slices(peer, flat);
  }
  requests_.wait_all();
}

void SliceExchange::pick(std::span<const Real> flat, std::span<Real> mine) const {
  Index at = 0;
  for (const Range& range : layout_.slices(communicator_.rank())) {
    std::ranges::copy(part(flat, range), part(mine, Range{at, at + range.size()}).begin());
    at += range.size();
  }
}

void SliceExchange::receive_slices(int from, std::span<Real> flat) {
  for (int b = 0; b < layout_.buckets(); ++b) {
    const Range theirs = layout_.slice(b, from);
    if (theirs.size() == 0) continue;
    requests_.add(communicator_.receive(std::as_writable_bytes(part(flat, theirs)), from, kTag), b);
  }
}

}  // namespace lockstep
