#include "comm/time_slices.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace lockstep {
namespace {

constexpr std::uint64_t kNanoseconds = 30'000'000;

// struct sched_attr of the kernel, in its first version; the C library has neither it nor the
// calls.
struct SchedulingAttributes {
  std::uint32_t size = 48;
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;  ///< of ordinary threads: how long a turn is
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};
static_assert(sizeof(SchedulingAttributes) == 48);

}  // namespace

void request_long_time_slices() {
#if defined(SYS_sched_getattr) && defined(SYS_sched_setattr)
  SchedulingAttributes now;
  if (::syscall(SYS_sched_getattr, 0, &now, sizeof now, 0) != 0) return;
  constexpr std::uint32_t kOrdinary = 0;  // SCHED_OTHER; whoever chose another knows why
  if (now.policy != kOrdinary) return;
  now.runtime = kNanoseconds;
  static_cast<void>(::syscall(SYS_sched_setattr, 0, &now, 0));
#endif
}

}  // namespace lockstep
