#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "lockstep/base/error.hpp"
#include "lockstep/comm/shared_memory.hpp"
#include "lockstep/comm/topology.hpp"
#include "lockstep/data/dataset.hpp"
#include "lockstep/data/sampler.hpp"
#include "lockstep/data/split.hpp"

namespace lockstep {

/// Brings the windows of a streamed data set into memory, once per node, in the order of a sampler:
/// while one window is used, a thread of every rank reads its part of the next one. Which samples
/// are read together changes no bit: the sampler alone says which sample comes when. Every node
/// reads its own copy of the files, and no window is used before all nodes have found the same
/// numbers in it.
class InputStream {
 public:
  /// For the samples of `subset`, whose blocks are those of `data`; both outlive the stream, which
  /// says in data.blocks() where they are, and no other stream reads these blocks. Collective.
  /// Errors: AgreedError(system) if a node lacks the memory for two windows.
  InputStream(const Topology& topology, Dataset& data, const Subset& subset);
  /// Waits for the block that is being read.
  ~InputStream();
  /// Of memory that the node shares.
  [[nodiscard]] Index bytes() const { return std::ssize(memory_.segment(0)); }

  /// Makes data.input() work for the samples of this batch, and no longer for those of windows
  /// before it; batches come in the order of the sampler, and none is larger than a window.
  /// Collective. Sleeps until the samples are there. Allocates nothing.
  /// Errors: AgreedError with what InputFile::read said on any rank, or bad_data, naming file,
  /// sample and hosts, if a node reads other numbers than the first.
  void require(const Sampler& sampler, const BatchRange& batch);

 private:
  static constexpr std::size_t kHeld = 2;  ///< windows in memory

  struct Window {
    std::vector<Index> blocks;         ///< of the data set, in their places
    std::span<std::byte> memory;       ///< of all of them
    std::span<std::uint64_t> digests;  ///< of each, in memory of the node
  };

  [[nodiscard]] Window& window(std::uint64_t number) { return windows_[number % kHeld]; }
  /// Where the i-th block of a window lies.
  [[nodiscard]] std::byte* place_in(const Window& window, std::size_t i) const;
  void start(const Sampler& sampler, std::uint64_t number);
  void wait_for_thread();
  void compare_nodes(const Window& window);
  void publish(std::uint64_t number);
  void work();
  void read_part(const Window& window);

  const Topology& topology_;
  Dataset& data_;
  Subset subset_;
  Blocks blocks_;
  SharedMemory memory_;
  std::vector<std::uint64_t> first_digests_;  ///< of a window, as the first node has read it
  Window windows_[kHeld];

  // Windows are counted over all epochs. Those below `begun_` are read or being read, those below
  // `ready_` can be used.
  std::uint64_t begun_ = 0;
  std::uint64_t ready_ = 0;

  // Between this thread and the reading one.
  std::mutex mutex_;
  std::condition_variable changed_;
  const Window* wanted_ = nullptr;  ///< null: the thread has nothing to do
  bool stop_ = false;
  std::optional<Error> failure_;
  std::thread thread_;
};

}  // namespace lockstep
