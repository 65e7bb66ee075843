#include "cli/launch/launch_verdict.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <span>
#include <sstream>

#include "lockstep/base/error.hpp"
#include "lockstep/io/file.hpp"
#include "lockstep/run/checkpoint_store.hpp"
#include "lockstep/run/run_files.hpp"

namespace lockstep::cli {
namespace {

/// Enough for the last lines of metrics.jsonl.
constexpr Index kTail = Index{64} << 10;
constexpr Index kStatus = 4096;

constexpr std::array kFinal = {
    ExitCode::ok,       ExitCode::interrupted, ExitCode::usage,         ExitCode::bad_data,
    ExitCode::no_input, ExitCode::unavailable, ExitCode::cannot_create, ExitCode::no_permission,
    ExitCode::config,   ExitCode::diverged,    ExitCode::by_sigint};

/// The end of a file; nothing of one that is missing or no regular file.
std::istringstream end_of(const std::filesystem::path& path, Index most) {
  try {
    std::string text(static_cast<std::size_t>(most), '\0');
    const Index size = look_at_end_of_file(path, std::as_writable_bytes(std::span(text)));
    text.resize(static_cast<std::size_t>(std::min(size, most)));
    return std::istringstream(text);
  } catch (const Error&) {
    return {};
  }
}

std::optional<std::uint64_t> newest_checkpoint(const std::filesystem::path& directory) {
  try {
    return CheckpointStore(Directory(directory), 1).newest_step();
  } catch (const Error&) {
    return {};
  }
}

/// The step of the last line about one; 0 if there is none.
std::uint64_t last_logged_step(const std::filesystem::path& metrics) {
  std::istringstream file = end_of(metrics, kTail);
  std::uint64_t step = 0;
  for (std::string line; std::getline(file, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, false);  // the first may be cut off
    if (!json.is_object() || !json.contains("t") || json["t"] != "step") continue;
    if (json.contains("step") && json["step"].is_number_unsigned()) step = json["step"];
  }
  return step;
}

}  // namespace

RunRecord read_record(const std::filesystem::path& directory) {
  RunRecord record;
  struct stat info {};
  if (::stat((directory / kStatusFile).c_str(), &info) == 0) {
    record.time = std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
  }
  std::istringstream status = end_of(directory / kStatusFile, kStatus);
  std::getline(status, record.status);
  record.step = last_logged_step(directory / kMetricsFile);
  record.checkpoint = newest_checkpoint(directory / kCheckpointFolder);
  record.step = std::max(record.step, record.checkpoint.value_or(0));
  return record;
}

int verdict(const RunRecord& before, const RunRecord& after, int launcher_code) {
  std::istringstream words(after.status);
  std::string word;
  int code = 0;
  if (after.is_newer_than(before) && words >> word >> code) return code;
  // The run began and did not end, or did not begin.
  const bool says_nothing = launcher_code == 0 || is_launchers_own(launcher_code);
  return says_nothing ? static_cast<int>(ExitCode::system) : launcher_code;
}

bool is_launchers_own(int code) { return code == 1 || code == 127 || code == 255; }

bool may_do_better(int code) {
  return std::ranges::none_of(kFinal,
                              [code](ExitCode known) { return static_cast<int>(known) == code; });
}

}  // namespace lockstep::cli
