#include "lockstep/comm/communicator.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace lockstep {
namespace {

// MPI counts are ints: longer messages travel in chunks of this many bytes.
constexpr std::size_t kChunk = std::size_t{1} << 30;

int count_of(std::size_t bytes) {
  assert(bytes <= kChunk);
  return static_cast<int>(bytes);
}

}  // namespace

Request& Request::operator=(Request&& other) noexcept {
  assert(handle_ == MPI_REQUEST_NULL);
  handle_ = other.release();
  return *this;
}

Request::~Request() { assert(handle_ == MPI_REQUEST_NULL); }

void Request::wait() { MPI_Wait(&handle_, MPI_STATUS_IGNORE); }

bool Request::test() {
  int done = 0;
  MPI_Test(&handle_, &done, MPI_STATUS_IGNORE);
  return done != 0;
}

MPI_Request Request::release() { return std::exchange(handle_, MPI_REQUEST_NULL); }

RequestSet::RequestSet(std::size_t capacity)
    : requests_(capacity, MPI_REQUEST_NULL),
      labels_(capacity),
      indices_(capacity),
      done_(capacity) {}

void RequestSet::add(Request request, int label) {
  if (pending_ == 0) used_ = 0;
  assert(used_ < requests_.size());
  requests_[used_] = request.release();
  labels_[used_] = label;
  ++used_;
  ++pending_;
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
  MPI_Waitsome(static_cast<int>(used_), requests_.data(), &count, indices_.data(),
               MPI_STATUSES_IGNORE);
  return completed(count);
}

void RequestSet::wait_all() {
  MPI_Waitall(static_cast<int>(used_), requests_.data(), MPI_STATUSES_IGNORE);
  pending_ = 0;
}

std::span<const int> RequestSet::completed(int count) {
  if (count == MPI_UNDEFINED) return {};
  const auto n = static_cast<std::size_t>(count);
  for (std::size_t i = 0; i < n; ++i) done_[i] = labels_[static_cast<std::size_t>(indices_[i])];
  pending_ -= n;
  return {done_.data(), n};
}

Communicator::Communicator(MPI_Comm handle)
    : handle_(handle), owned_(handle != MPI_COMM_WORLD && handle != MPI_COMM_SELF) {
  MPI_Comm_rank(handle_, &rank_);
  MPI_Comm_size(handle_, &size_);
}

Communicator::Communicator(Communicator&& other) noexcept
    : handle_(other.handle_),
      owned_(std::exchange(other.owned_, false)),
      rank_(other.rank_),
      size_(other.size_) {}

Communicator::~Communicator() {
  if (owned_) MPI_Comm_free(&handle_);
}

Communicator Communicator::split(int color, int key) const {
  MPI_Comm part = MPI_COMM_NULL;
  MPI_Comm_split(handle_, color, key, &part);
  return Communicator(part);
}

Communicator Communicator::split_by_node() const {
  MPI_Comm node = MPI_COMM_NULL;
  MPI_Comm_split_type(handle_, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &node);
  return Communicator(node);
}

void Communicator::barrier() const { MPI_Barrier(handle_); }

bool Communicator::any(bool mine) const {
  int in = mine ? 1 : 0;
  int out = 0;
  MPI_Allreduce(&in, &out, 1, MPI_INT, MPI_MAX, handle_);
  return out != 0;
}

int Communicator::minimum(int mine) const {
  int out = 0;
  MPI_Allreduce(&mine, &out, 1, MPI_INT, MPI_MIN, handle_);
  return out;
}

void Communicator::broadcast(std::span<std::byte> bytes, int root) const {
  for (std::size_t at = 0; at < bytes.size(); at += kChunk) {
    const std::size_t length = std::min(kChunk, bytes.size() - at);
    MPI_Bcast(bytes.data() + at, count_of(length), MPI_BYTE, root, handle_);
  }
}

void Communicator::all_gather(std::span<const double> mine, std::span<const int> counts,
                              std::span<const int> starts, std::span<double> all) const {
  assert(static_cast<int>(counts.size()) == size_ && counts.size() == starts.size());
  MPI_Allgatherv(mine.data(), static_cast<int>(mine.size()), MPI_DOUBLE, all.data(), counts.data(),
                 starts.data(), MPI_DOUBLE, handle_);
}

Request Communicator::send(std::span<const std::byte> bytes, int to, int tag) const {
  MPI_Request handle = MPI_REQUEST_NULL;
  MPI_Isend(bytes.data(), count_of(bytes.size()), MPI_BYTE, to, tag, handle_, &handle);
  return Request(handle);
}

Request Communicator::receive(std::span<std::byte> bytes, int from, int tag) const {
  MPI_Request handle = MPI_REQUEST_NULL;
  MPI_Irecv(bytes.data(), count_of(bytes.size()), MPI_BYTE, from, tag, handle_, &handle);
  return Request(handle);
}

}  // namespace lockstep
