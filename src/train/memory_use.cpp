#include "lockstep/train/memory_use.hpp"

#include <algorithm>
#include <fstream>
#include <string>

namespace lockstep {
namespace {

// The number behind `name` in one of the system's tables about this process, which are in kB.
Index bytes_in(const char* table, const std::string& name) {
  std::ifstream file(table);
  for (std::string word; file >> word;) {
    Index kilobytes = 0;
    if (word == name && file >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

}  // namespace

ProcessMemory process_memory() {
  const Index now = bytes_in("/proc/self/smaps_rollup", "Pss:");
  if (now == 0) return {};
  const Index resident = bytes_in("/proc/self/status", "VmRSS:");
  const Index peak = bytes_in("/proc/self/status", "VmHWM:");
  return {.now = now, .most = now + std::max<Index>(peak - resident, 0)};
}

}  // namespace lockstep
