#pragma once

#include <mpi.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "lockstep/comm/heartbeat.hpp"
#include "lockstep/comm/traffic.hpp"

namespace lockstep {

class NodeBarriers;

/// A group of ranks that exchange messages. A failure of MPI itself aborts the job.
class Communicator {
 public:
  explicit Communicator(MPI_Comm handle);
  Communicator(Communicator&& other) noexcept;
  Communicator& operator=(Communicator&&) = delete;
  ~Communicator();

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }
  [[nodiscard]] MPI_Comm handle() const { return handle_; }
  /// What is under way here, and in all communicators that were split from the same one.
  [[nodiscard]] Traffic& traffic() const { return *traffic_; }

  /// From now on, collective calls let the ranks of a node sleep at gate 0 of `rendezvous` until
  /// all of them are there: MPI itself waits by polling, which eats the cores that late ranks need.
  void sleep_at(NodeBarriers* rendezvous) { rendezvous_ = rendezvous; }
  /// From now on, this rank's pulse tells when it waits here; communicators split from this one do
  /// the same.
  void beat_with(Heartbeat heartbeat) { heartbeat_ = heartbeat; }
  [[nodiscard]] Heartbeat heartbeat() const { return heartbeat_; }
  /// Longer messages travel in pieces of at most this many bytes; by default 1 GiB, for MPI counts
  /// are ints.
  void limit_messages(std::size_t bytes) { limit_ = bytes; }
  [[nodiscard]] std::size_t message_limit() const { return limit_; }
  /// The number of pieces that a message travels in.
  [[nodiscard]] int pieces(std::size_t bytes) const {
    return bytes == 0 ? 1 : static_cast<int>((bytes + limit_ - 1) / limit_);
  }

  /// The ranks that give the same colour, ordered by `key`.
  [[nodiscard]] Communicator split(int color, int key) const;
  /// The ranks that share memory with this one.
  [[nodiscard]] Communicator split_by_node() const;

  void barrier() const;
  /// True on all ranks if `mine` is true on any.
  [[nodiscard]] bool any(bool mine) const;
  [[nodiscard]] int minimum(int mine) const;
  /// The sum over all ranks, by MPI itself: to measure beside our own sums, for its bits depend on
  /// the number of ranks, and on how MPI chooses to add. At most 2^31 - 1 numbers.
  void all_reduce(std::span<float> values) const;
  /// Copies the bytes of `root` to all ranks, of any length, in chunks.
  void broadcast(std::span<std::byte> bytes, int root) const;
  /// Gives all ranks what each has: the counts[r] numbers of rank r go to all[starts[r]] and on.
  void all_gather(std::span<const double> mine, std::span<const int> counts,
                  std::span<const int> starts, std::span<double> all) const;
  /// The same for equally many numbers of each, rank by rank.
  void all_gather(std::span<const double> mine, std::span<double> all) const;
  /// The same for equally many bytes of each.
  void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) const;

 private:
  /// A part of `whole`.
  Communicator(MPI_Comm handle, const Communicator& whole);
  /// Runs one collective call of MPI once the ranks of the node are there.
  template <typename Call>
  void collectively(const Call& call) const;

  MPI_Comm handle_;
  NodeBarriers* rendezvous_ = nullptr;
  Heartbeat heartbeat_;
  std::size_t limit_ = std::size_t{1} << 30;
  bool owned_ = true;
  int rank_ = 0;
  int size_ = 1;
  std::unique_ptr<Traffic> own_traffic_;  ///< unless it was split from another
  Traffic* traffic_;
};

/// Messages of one communicator under way that are waited for together, and complete before the
/// set ends (see Traffic). Its memory is taken once, for `capacity` of them.
class RequestSet {
 public:
  RequestSet(const Communicator& communicator, std::size_t capacity);
  ~RequestSet();
  RequestSet(const RequestSet&) = delete;
  RequestSet& operator=(const RequestSet&) = delete;

  /// Starts a message of any length; its label comes back for each piece that it travels in, of
  /// which there are Communicator::pieces(bytes.size()).
  void send(std::span<const std::byte> bytes, int to, int tag, int label);
  void receive(std::span<std::byte> bytes, int from, int tag, int label);
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
  MPI_Request* add(int label);
  std::span<const int> completed(int count);

  const Communicator& communicator_;
  std::vector<MPI_Request> requests_;
  std::vector<int> labels_;
  std::vector<int> indices_;
  std::vector<int> done_;
  std::size_t used_ = 0;
  std::size_t pending_ = 0;
};

}  // namespace lockstep
