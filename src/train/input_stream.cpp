#include "lockstep/train/input_stream.hpp"

#include <algorithm>
#include <cassert>

#include <fmt/format.h>

#include "lockstep/base/blocked_signals.hpp"
#include "lockstep/base/current_error.hpp"
#include "lockstep/base/floating_point.hpp"
#include "lockstep/comm/agreement.hpp"
#include "lockstep/comm/environment.hpp"

namespace lockstep {
namespace {

Index window_bytes(const DatasetHeader& header) {
  return aligned<std::byte>(header.blocks.window * header.blocks.rows * header.row_bytes());
}

Index digest_bytes(const DatasetHeader& header) {
  return aligned<std::byte>(header.blocks.window * static_cast<Index>(sizeof(std::uint64_t)));
}

/// Of the windows in memory, one after the other.
Index memory_bytes(const DatasetHeader& header, std::size_t windows) {
  return static_cast<Index>(windows) * (window_bytes(header) + digest_bytes(header));
}

}  // namespace

InputStream::InputStream(const Topology& topology, Dataset& data, const Subset& subset)
    : topology_(topology),
      data_(data),
      subset_(subset),
      blocks_(data.describe().blocks),
      memory_(topology.ranks(), topology.node(),
              topology.leads() ? memory_bytes(data.describe(), kHeld) : 0),
      first_digests_(static_cast<std::size_t>(blocks_.window)) {
  const auto bytes = static_cast<std::size_t>(window_bytes(data.describe()));
  const std::span<std::uint64_t> digests = memory_.segment_of<std::uint64_t>(0).last(
      kHeld * static_cast<std::size_t>(digest_bytes(data.describe())) / sizeof(std::uint64_t));
  for (std::size_t i = 0; i < kHeld; ++i) {
    windows_[i].memory = memory_.segment(0).subspan(i * bytes, bytes);
    windows_[i].digests = digests.subspan(i * digests.size() / kHeld, digests.size() / kHeld);
    windows_[i].blocks.reserve(static_cast<std::size_t>(blocks_.window));
  }
  const BlockedSignals blocked;
  thread_ = std::thread([this] { work(); });
}

InputStream::~InputStream() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void InputStream::require(const Sampler& sampler, const BatchRange& batch) {
  const std::uint64_t before = batch.epoch * static_cast<std::uint64_t>(sampler.windows());
  const auto number = [&](Index position) {
    return before + static_cast<std::uint64_t>(sampler.window_of(position));
  };
  const std::uint64_t first = number(batch.first);
  const std::uint64_t last = number(batch.first + batch.size - 1);
  assert(last - first < kHeld);
  if (last < ready_ && begun_ == first + kHeld) return;

  topology_.heartbeat().enter(Phase::data);
  topology_.ranks().barrier();  // nobody uses the windows before `first` any more
  if (begun_ < first || begun_ > first + kHeld) {  // a run that begins, or went back
    if (begun_ != ready_) fail_together(topology_.ranks(), [this] { wait_for_thread(); });
    begun_ = ready_ = first;
  }
  while (true) {
    if (begun_ == ready_ && begun_ < first + kHeld) start(sampler, begun_++);
    if (last < ready_) return;
    fail_together(topology_.ranks(), [this] { wait_for_thread(); });
    compare_nodes(window(ready_));
    publish(ready_++);
  }
}

// Each node has read all blocks of the window, of its own copy of the files.
void InputStream::compare_nodes(const Window& here) {
  if (topology_.nodes() == 1) return;
  const std::size_t count = here.blocks.size();
  const auto differs = [&] {
    std::uint64_t digest = digest_of(std::as_bytes(here.digests.first(count))).low;
    const std::uint64_t own = digest;
    topology_.leaders().broadcast(std::as_writable_bytes(std::span(&digest, 1)), 0);
    return topology_.leads() && digest != own;
  };
  if (!topology_.ranks().any(differs())) return;
  const std::span<std::uint64_t> first = std::span(first_digests_).first(count);
  std::ranges::copy(here.digests.first(count), first.begin());
  topology_.ranks().broadcast(std::as_writable_bytes(first), 0);
  const std::string host = broadcast_text(topology_.ranks(), node_name());
  fail_together(topology_.ranks(), [&] {
    const auto wrong = std::ranges::mismatch(first, here.digests).in1;
    if (wrong == first.end()) return;
    const Index sample =
        here.blocks[static_cast<std::size_t>(wrong - first.begin())] * blocks_.rows;
    throw Error(ExitCode::bad_data,
                fmt::format("{}: from sample {} on other numbers are read by rank {} on {} than by "
                            "rank 0 on {}: every node must see the same files",
                            data_.file().part_of(sample).label(), sample, topology_.ranks().rank(),
                            node_name(), host));
  });
}

std::byte* InputStream::place_in(const Window& window, std::size_t i) const {
  return window.memory.data() + static_cast<Index>(i) * blocks_.rows * data_.describe().row_bytes();
}

void InputStream::start(const Sampler& sampler, std::uint64_t number) {
  const auto windows = static_cast<std::uint64_t>(sampler.windows());
  Window& next = window(number);
  // What was there before is gone, unless the window after it, of the next epoch, has it, too.
  for (std::size_t i = 0; i < next.blocks.size(); ++i) {
    const std::byte*& block = data_.blocks()[static_cast<std::size_t>(next.blocks[i])];
    if (block == place_in(next, i)) block = nullptr;
  }
  next.blocks.clear();
  const Index begin = static_cast<Index>(number % windows) * blocks_.window;
  const Index end = std::min(begin + blocks_.window, sampler.block_count());
  for (Index place = begin; place < end; ++place) {
    const Index sample = sampler.block(number / windows, place) * blocks_.rows;
    next.blocks.push_back(subset_[sample] / blocks_.rows);
  }
  {
    const std::scoped_lock lock(mutex_);
    wanted_ = &next;
  }
  changed_.notify_all();
}

void InputStream::wait_for_thread() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return wanted_ == nullptr; });
  if (failure_) throw Error(*failure_);
}

void InputStream::publish(std::uint64_t number) {
  const Window& here = window(number);
  for (std::size_t i = 0; i < here.blocks.size(); ++i) {
    data_.blocks()[static_cast<std::size_t>(here.blocks[i])] = place_in(here, i);
  }
}

// The other thread.
void InputStream::work() {
  set_floating_point_mode();  // numbers are converted here
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stop_ || wanted_ != nullptr; });
    if (stop_) return;
    const Window* const here = wanted_;
    lock.unlock();
    std::optional<Error> failure;
    try {
      read_part(*here);
    } catch (...) {
      failure = current_error();
    }
    lock.lock();
    failure_ = failure;
    wanted_ = nullptr;
    changed_.notify_all();
  }
}

void InputStream::read_part(const Window& here) {
  const DatasetHeader& header = data_.describe();
  const auto ranks = static_cast<std::size_t>(topology_.node().size());
  const auto rank = static_cast<std::size_t>(topology_.node().rank());
  for (std::size_t i = rank; i < here.blocks.size(); i += ranks) {
    {
      const std::scoped_lock lock(mutex_);
      if (stop_) return;
    }
    const Index first = here.blocks[i] * blocks_.rows;
    const Index count = std::min(blocks_.rows, header.size - first);
    const std::span<std::byte> bytes(place_in(here, i),
                                     static_cast<std::size_t>(count * header.row_bytes()));
    data_.file().read(first, count, bytes);
    if (topology_.nodes() > 1) here.digests[i] = digest_of(bytes).low;
  }
}

}  // namespace lockstep
