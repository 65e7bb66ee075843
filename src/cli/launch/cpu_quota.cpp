#include "cli/launch/cpu_quota.hpp"

#include <algorithm>
#include <fstream>
#include <string>

namespace lockstep::cli {
namespace {

namespace fs = std::filesystem;

/// Microseconds of time in each period; "max" or -1 stands for no limit.
std::optional<double> share(const std::string& quota, const std::string& period) {
  try {
    const double granted = std::stod(quota);
    const double of = std::stod(period);
    if (granted > 0 && of > 0) return granted / of;
  } catch (const std::exception&) {  // no limit, or no such file
  }
  return {};
}

std::string word(std::istream&& file) {
  std::string text;
  file >> text;
  return text;
}

std::optional<double> limit_of(const fs::path& group) {
  if (std::ifstream file(group / "cpu.max"); file) {
    std::string quota;
    std::string period;
    file >> quota >> period;
    return share(quota, period);
  }
  return share(word(std::ifstream(group / "cpu.cfs_quota_us")),
               word(std::ifstream(group / "cpu.cfs_period_us")));
}

}  // namespace

std::optional<double> cpu_quota(const fs::path& membership, const fs::path& root) {
  std::optional<double> least;
  std::ifstream file(membership);
  // "0::/PATH" in version 2, "3:cpu,cpuacct:/PATH" in version 1.
  for (std::string line; std::getline(file, line);) {
    const std::size_t names = line.find(':') + 1;
    const std::size_t path = line.find(':', names) + 1;
    if (names == 0 || path == 0) continue;
    const std::string controllers = "," + line.substr(names, path - 1 - names) + ",";
    const bool second = controllers == ",,";
    if (!second && controllers.find(",cpu,") == std::string::npos) continue;
    const fs::path top = second ? root : root / "cpu";
    // A group grants no more than those it is part of.
    for (fs::path group = fs::path(line.substr(path)).relative_path();;
         group = group.parent_path()) {
      const std::optional<double> limit = limit_of(top / group);
      if (limit) least = std::min(*limit, least.value_or(*limit));
      if (group.empty()) break;
    }
  }
  return least;
}

}  // namespace lockstep::cli
