#pragma once

#include <filesystem>
#include <optional>

namespace lockstep::cli {

/// The processors' worth of time that the control groups of this process grant, as in 1.5; nothing
/// if they set no limit. `membership` is /proc/self/cgroup, `root` where the groups are mounted;
/// both versions of control groups are read.
[[nodiscard]] std::optional<double> cpu_quota(
    const std::filesystem::path& membership = "/proc/self/cgroup",
    const std::filesystem::path& root = "/sys/fs/cgroup");

}  // namespace lockstep::cli
