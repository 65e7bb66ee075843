#pragma once

#include <mpi.h>

#include <cstddef>
#include <span>
#include <vector>

namespace lockstep {

/// One message under way. Move-only; whoever holds it waits for it before the memory of the message
/// is touched.
class [[nodiscard]] Request {
 public:
  Request() = default;
  explicit Request(MPI_Request handle) : handle_(handle) {}
  Request(Request&& other) noexcept : handle_(other.release()) {}
  Request& operator=(Request&& other) noexcept;
  ~Request();

  void wait();
  /// True once the message is complete; lets MPI make progress.
  [[nodiscard]] bool test();
  /// Hands the message to the caller.
  [[nodiscard]] MPI_Request release();

 private:
  MPI_Request handle_ = MPI_REQUEST_NULL;
};

/// Messages under way that are waited for together. Its memory is taken once, for `capacity` of
/// them.
class RequestSet {
 public:
  explicit RequestSet(std::size_t capacity);

  /// Adds a message; `label` comes back when it is complete.
  void add(Request request, int label);
  [[nodiscard]] bool empty() const { return pending_ == 0; }
  /// Lets MPI make progress, without waiting; returns the labels of the messages completed by it,
  /// valid until the next call.
  std::span<const int> test_some();
  /// Waits until at least one message is complete; returns the labels as above. Empty if none is
  /// under way.
  std::span<const int> wait_some();
  /// Waits for all.
  void wait_all();

 private:
  std::span<const int> completed(int count);

  std::vector<MPI_Request> requests_;
  std::vector<int> labels_;
  std::vector<int> indices_;
  std::vector<int> done_;
  std::size_t used_ = 0;
  std::size_t pending_ = 0;
};

/// A group of ranks that exchange messages. A failure of MPI itself aborts the job.
class Communicator {
 public:
  explicit Communicator(MPI_Comm handle);
  Communicator(Communicator&& other) noexcept;
  Communicator& operator=(Communicator&&) = delete;
  ~Communicator();

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }

  /// The ranks that give the same colour, ordered by `key`.
  [[nodiscard]] Communicator split(int color, int key) const;
  /// The ranks that share memory with this one.
  [[nodiscard]] Communicator split_by_node() const;

  void barrier() const;
  /// True on all ranks if `mine` is true on any.
  [[nodiscard]] bool any(bool mine) const;
  [[nodiscard]] int minimum(int mine) const;
  /// Copies the bytes of `root` to all ranks, of any length, in chunks.
  void broadcast(std::span<std::byte> bytes, int root) const;
  /// Gives all ranks what each has: the counts[r] numbers of rank r go to all[starts[r]] and on.
  void all_gather(std::span<const double> mine, std::span<const int> counts,
                  std::span<const int> starts, std::span<double> all) const;

  Request send(std::span<const std::byte> bytes, int to, int tag) const;
  Request receive(std::span<std::byte> bytes, int from, int tag) const;

 private:
  MPI_Comm handle_;
  bool owned_ = true;
  int rank_ = 0;
  int size_ = 1;
};

}  // namespace lockstep
