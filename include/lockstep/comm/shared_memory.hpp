#pragma once

#include <mpi.h>

#include <cstddef>
#include <span>
#include <vector>

#include "lockstep/base/buffer.hpp"
#include "lockstep/comm/communicator.hpp"

namespace lockstep {

/// Memory of the ranks of one node that each of them can read and write: a segment for each rank,
/// zero at first, aligned to kAlignment. It exists once, however many ranks look at it, and is gone
/// when the last of them ends, however it ends.
class SharedMemory {
 public:
  /// This rank brings a segment of `bytes`. Collective over `all`, of whose ranks `node` holds
  /// those of one node.
  /// Errors: AgreedError(system) on all ranks if a node lacks the space: containers often limit
  /// /dev/shm to 64 MB, and touching a page beyond the limit would end the process.
  SharedMemory(const Communicator& all, const Communicator& node, Index bytes);
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  /// The segment of a rank of the node.
  [[nodiscard]] std::span<std::byte> segment(int rank) const {
    return segments_[static_cast<std::size_t>(rank)];
  }
  template <typename T>
  [[nodiscard]] std::span<T> segment_of(int rank) const {
    const std::span<std::byte> bytes = segment(rank);
    return {reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T)};
  }

 private:
  Traffic& traffic_;
  Buffer<std::byte> alone_;  ///< of a node of one rank, which needs no window
  MPI_Win window_ = MPI_WIN_NULL;
  std::vector<std::span<std::byte>> segments_;
};

}  // namespace lockstep
