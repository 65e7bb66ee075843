#include "lockstep/comm/communicator.hpp"

#include <algorithm>
#include <cassert>
#include <climits>
#include <exception>
#include <utility>

#include "lockstep/comm/node_barriers.hpp"

namespace lockstep {
namespace {

int count_of(std::size_t bytes) {
  assert(bytes <= INT_MAX);
  return static_cast<int>(bytes);
}

}  // namespace

RequestSet::RequestSet(const Communicator& communicator, std::size_t capacity)
    : communicator_(communicator),
      requests_(capacity, MPI_REQUEST_NULL),
      labels_(capacity),
      indices_(capacity),
      done_(capacity) {}

RequestSet::~RequestSet() {
  assert((empty() || std::uncaught_exceptions() > 0) && "messages are left open");
}

void RequestSet::send(std::span<const std::byte> bytes, int to, int tag, int label) {
  std::size_t at = 0;
  do {
    const auto piece =
        bytes.subspan(at, std::min(communicator_.message_limit(), bytes.size() - at));
    MPI_Isend(piece.data(), count_of(piece.size()), MPI_BYTE, to, tag, communicator_.handle(),
              add(label));
    at += piece.size();
  } while (at < bytes.size());
}

void RequestSet::receive(std::span<std::byte> bytes, int from, int tag, int label) {
  std::size_t at = 0;
  do {
    const auto piece =
        bytes.subspan(at, std::min(communicator_.message_limit(), bytes.size() - at));
    MPI_Irecv(piece.data(), count_of(piece.size()), MPI_BYTE, from, tag, communicator_.handle(),
              add(label));
    at += piece.size();
  } while (at < bytes.size());
}

MPI_Request* RequestSet::add(int label) {
  if (pending_ == 0) used_ = 0;
  assert(used_ < requests_.size());
  labels_[used_] = label;
  ++pending_;
  communicator_.traffic().open();
  return &requests_[used_++];
}

std::span<const int> RequestSet::test_some() {
  if (pending_ == 0) return {};
  int count = 0;
  MPI_Testsome(static_cast<int>(used_), requests_.data(), &count, indices_.data(),
               MPI_STATUSES_IGNORE);
  return completed(count);
}

std::span<const int> RequestSet::wait_some() {
  if (pending_ == 0) return {};
  int count = 0;
  const Waiting waiting(communicator_.heartbeat());
  MPI_Waitsome(static_cast<int>(used_), requests_.data(), &count, indices_.data(),
               MPI_STATUSES_IGNORE);
  return completed(count);
}

void RequestSet::wait_all() {
  const Waiting waiting(communicator_.heartbeat());
  MPI_Waitall(static_cast<int>(used_), requests_.data(), MPI_STATUSES_IGNORE);
  communicator_.heartbeat().beat();
  communicator_.traffic().close(std::exchange(pending_, 0));
}

std::span<const int> RequestSet::completed(int count) {
  if (count == MPI_UNDEFINED) return {};
  const auto n = static_cast<std::size_t>(count);
  for (std::size_t i = 0; i < n; ++i) done_[i] = labels_[static_cast<std::size_t>(indices_[i])];
  pending_ -= n;
  communicator_.traffic().close(n);
  if (n > 0) communicator_.heartbeat().beat();
  return {done_.data(), n};
}

Communicator::Communicator(MPI_Comm handle)
    : handle_(handle),
      owned_(handle != MPI_COMM_WORLD && handle != MPI_COMM_SELF),
      own_traffic_(std::make_unique<Traffic>()),
      traffic_(own_traffic_.get()) {
  MPI_Comm_rank(handle_, &rank_);
  MPI_Comm_size(handle_, &size_);
}

Communicator::Communicator(MPI_Comm handle, const Communicator& whole)
    : handle_(handle),
      heartbeat_(whole.heartbeat_),
      limit_(whole.limit_),
      traffic_(whole.traffic_) {
  MPI_Comm_rank(handle_, &rank_);
  MPI_Comm_size(handle_, &size_);
}

Communicator::Communicator(Communicator&& other) noexcept
    : handle_(other.handle_),
      rendezvous_(other.rendezvous_),
      heartbeat_(other.heartbeat_),
      limit_(other.limit_),
      owned_(std::exchange(other.owned_, false)),
      rank_(other.rank_),
      size_(other.size_),
      own_traffic_(std::move(other.own_traffic_)),
      traffic_(other.traffic_) {}

Communicator::~Communicator() {
  if (owned_) MPI_Comm_free(&handle_);
}

Communicator Communicator::split(int color, int key) const {
  MPI_Comm part = MPI_COMM_NULL;
  traffic_->stir();
  MPI_Comm_split(handle_, color, key, &part);
  return {part, *this};
}

Communicator Communicator::split_by_node() const {
  MPI_Comm node = MPI_COMM_NULL;
  traffic_->stir();
  MPI_Comm_split_type(handle_, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &node);
  return {node, *this};
}

template <typename Call>
void Communicator::collectively(const Call& call) const {
  if (rendezvous_ != nullptr) rendezvous_->arrive_and_wait(0);
  const Waiting waiting(heartbeat_);
  traffic_->stir();
  call();
  heartbeat_.beat();
}

void Communicator::barrier() const {
  collectively([&] { MPI_Barrier(handle_); });
}

bool Communicator::any(bool mine) const {
  int in = mine ? 1 : 0;
  int out = 0;
  collectively([&] { MPI_Allreduce(&in, &out, 1, MPI_INT, MPI_MAX, handle_); });
  return out != 0;
}

int Communicator::minimum(int mine) const {
  int out = 0;
  collectively([&] { MPI_Allreduce(&mine, &out, 1, MPI_INT, MPI_MIN, handle_); });
  return out;
}

void Communicator::all_reduce(std::span<float> values) const {
  traffic_->stir();
  MPI_Allreduce(MPI_IN_PLACE, values.data(), count_of(values.size()), MPI_FLOAT, MPI_SUM, handle_);
}

void Communicator::broadcast(std::span<std::byte> bytes, int root) const {
  collectively([&] {
    for (std::size_t at = 0; at < bytes.size(); at += limit_) {
      const std::size_t length = std::min(limit_, bytes.size() - at);
      MPI_Bcast(bytes.data() + at, count_of(length), MPI_BYTE, root, handle_);
      heartbeat_.beat();
    }
  });
}

void Communicator::all_gather(std::span<const double> mine, std::span<const int> counts,
                              std::span<const int> starts, std::span<double> all) const {
  assert(static_cast<int>(counts.size()) == size_ && counts.size() == starts.size());
  collectively([&] {
    MPI_Allgatherv(mine.data(), static_cast<int>(mine.size()), MPI_DOUBLE, all.data(),
                   counts.data(), starts.data(), MPI_DOUBLE, handle_);
  });
}

void Communicator::all_gather(std::span<const double> mine, std::span<double> all) const {
  assert(all.size() == mine.size() * static_cast<std::size_t>(size_));
  const int count = count_of(mine.size());
  collectively([&] {
    MPI_Allgather(mine.data(), count, MPI_DOUBLE, all.data(), count, MPI_DOUBLE, handle_);
  });
}

void Communicator::all_gather(std::span<const std::byte> mine, std::span<std::byte> all) const {
  assert(all.size() == mine.size() * static_cast<std::size_t>(size_));
  const int count = count_of(mine.size());
  collectively(
      [&] { MPI_Allgather(mine.data(), count, MPI_BYTE, all.data(), count, MPI_BYTE, handle_); });
}

}  // namespace lockstep
