#include "cli/launch/processors.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>

#include "cli/launch/cpu_quota.hpp"

namespace lockstep::cli {
namespace {

/// The hardware threads of the core of a CPU, as in "0,4"; its own number where nobody says.
std::string core_of(int cpu) {
  std::ifstream file(
      fmt::format("/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", cpu));
  std::string siblings;
  return std::getline(file, siblings) ? siblings : std::to_string(cpu);
}

}  // namespace

Processors find_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return {};
  std::set<std::string> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cores.insert(core_of(cpu));
  }
  int usable = CPU_COUNT(&set);
  if (const auto quota = cpu_quota()) usable = std::clamp(static_cast<int>(*quota), 1, usable);
  const bool whole_machine = usable == ::sysconf(_SC_NPROCESSORS_ONLN);
  return {.usable = usable, .bindable = whole_machine ? static_cast<int>(cores.size()) : 0};
}

}  // namespace lockstep::cli
