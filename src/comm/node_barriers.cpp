#include "lockstep/comm/node_barriers.hpp"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <climits>
#include <ctime>
#include <exception>
#include <new>
#include <string>

#include "lockstep/base/clock.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/comm/environment.hpp"

namespace lockstep {
namespace {

using Word = std::atomic<std::uint32_t>;
static_assert(Word::is_always_lock_free && sizeof(Word) == 4);

/// How long a rank sleeps before it looks whether those it waits for still live.
constexpr double kCheckSeconds = 0.25;

// Futexes of the private kind, as in std::atomic::wait, do not reach other processes.
bool sleep_while(const Word& word, std::uint32_t value, double seconds) {
  timespec limit{};
  limit.tv_sec = static_cast<std::time_t>(seconds);
  limit.tv_nsec = static_cast<long>((seconds - static_cast<double>(limit.tv_sec)) * 1e9);
  return ::syscall(SYS_futex, &word, FUTEX_WAIT, value, &limit, nullptr, 0) == 0 ||
         errno != ETIMEDOUT;
}

void wake_all(const Word& word) {
  ::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace

struct alignas(kAlignment) NodeBarriers::Gate {
  Word arrivals = 0;          ///< in the running round
  Word opened = 0;            ///< rounds, modulo 2^32
  std::atomic<int> last = 0;  ///< the rank that opened it
};

/// Held by its rank for as long as that lives. The kernel lets go of a robust mutex whose owner has
/// ended, however it ended, and says so to the next who asks; a process number could be another's.
struct alignas(kAlignment) NodeBarriers::Life {
  pthread_mutex_t mutex;
};

NodeBarriers::NodeBarriers(const Communicator& all, const Communicator& node, int gates)
    : node_(node),
      whole_(node.size() == all.size()),
      heartbeat_(all.heartbeat()),
      memory_(std::make_unique<SharedMemory>(
          all, node,
          static_cast<Index>(sizeof(Life) + (node.rank() == 0
                                                 ? sizeof(Gate) * static_cast<std::size_t>(gates)
                                                 : 0)))),
      rounds_(static_cast<std::size_t>(gates), 0) {
  if (node.rank() == 0) {
    for (int g = 0; g < gates; ++g) new (&gate(g)) Gate;
  }
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  Life& mine = life(node.rank());
  pthread_mutex_init(&mine.mutex, &attributes);
  pthread_mutexattr_destroy(&attributes);
  pthread_mutex_lock(&mine.mutex);
  node.barrier();
}

NodeBarriers::~NodeBarriers() {
  // While an error ends this process, others may not be here; then nobody waits for them.
  if (std::uncaught_exceptions() == 0) node_.barrier();
  pthread_mutex_unlock(&life(node_.rank()).mutex);
}

NodeBarriers::Life& NodeBarriers::life(int rank) const {
  return *reinterpret_cast<Life*>(memory_->segment(rank).data());
}

NodeBarriers::Gate& NodeBarriers::gate(int index) const {
  std::byte* const gates = memory_->segment(0).data() + sizeof(Life);
  return reinterpret_cast<Gate*>(gates)[index];
}

void NodeBarriers::arrive(int index) {
  Gate& g = gate(index);
  ++rounds_[static_cast<std::size_t>(index)];
  if (static_cast<int>(g.arrivals.fetch_add(1, std::memory_order_acq_rel)) + 1 < node_.size())
    return;
  g.arrivals.store(0, std::memory_order_relaxed);
  g.last.store(node_.rank(), std::memory_order_relaxed);
  g.opened.fetch_add(1, std::memory_order_release);
  if (node_.size() > 1) wake_all(g.opened);
}

bool NodeBarriers::is_open(int index) const {
  return gate(index).opened.load(std::memory_order_acquire) ==
         rounds_[static_cast<std::size_t>(index)];
}

std::optional<Wait> NodeBarriers::wait(int index, std::optional<double> seconds) {
  const Gate& g = gate(index);
  if (is_open(index)) return Wait{0, g.last.load(std::memory_order_relaxed)};
  const double start = now_seconds();
  const Waiting waiting(heartbeat_);
  for (;;) {
    const std::uint32_t before = g.opened.load(std::memory_order_acquire);
    if (before == rounds_[static_cast<std::size_t>(index)]) break;
    const double waited = now_seconds() - start;
    const double left = seconds ? *seconds - waited : kCheckSeconds;
    if (left <= 0) return std::nullopt;
    const double most = std::min(left, node_.traffic().longest_sleep(waited));
    assert(most <= Traffic::kLongestNap || node_.traffic().open_messages() == 0);
    if (!sleep_while(g.opened, before, most)) {
      node_.traffic().drive();
      check_now_and_then(index);
    }
  }
  heartbeat_.beat();
  return Wait{now_seconds() - start, g.last.load(std::memory_order_relaxed)};
}

Wait NodeBarriers::arrive_and_wait(int index) {
  assert(node_.traffic().open_messages() == 0);
  arrive(index);
  const Wait result = *wait(index);
  if (whole_) node_.traffic().settle();
  return result;
}

void NodeBarriers::check_now_and_then(int index) {
  const double now = now_seconds();
  if (now - last_check_ < kCheckSeconds) return;
  last_check_ = now;
  for (int rank = 0; rank < node_.size(); ++rank) {
    if (rank == node_.rank()) continue;
    const int held = pthread_mutex_trylock(&life(rank).mutex);
    if (held == EBUSY) continue;
    // Whoever has opened the gate may go, as one that leaves with an error does at once; a life
    // that is not held is not to be kept from the next who asks.
    if (is_open(index)) {
      pthread_mutex_unlock(&life(rank).mutex);
      return;
    }
    if (heartbeat_.over()) throw Error(ExitCode::stalled, "");  // its watchdog has said why
    throw Error(ExitCode::system, "a process on " + node_name() + " (rank " + std::to_string(rank) +
                                      " of the node) has ended while others wait for it");
  }
}

}  // namespace lockstep
