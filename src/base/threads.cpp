#include "lockstep/base/threads.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "lockstep/base/blocked_signals.hpp"
#include "lockstep/base/parallel.hpp"

namespace lockstep {
namespace {

/// Threads that wait until all of them are there.
class Crowd {
 public:
  ~Crowd() {
    {
      const std::scoped_lock guard(mutex_);
      done_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  void add() {
    threads_.emplace_back([this] {
      std::unique_lock guard(mutex_);
      changed_.wait(guard, [this] { return done_; });
    });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

void require_threads(int count) {
  const BlockedSignals blocked;
  Crowd crowd;
  for (int thread = 0; thread < count; ++thread) crowd.add();
}

void start_threads(int count) {
  require_threads(count - 1);
  set_thread_count(count);
  parallel_for(count, [](Index) {});
}

}  // namespace lockstep
