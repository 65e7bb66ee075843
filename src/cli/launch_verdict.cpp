#include "cli/launch_verdict.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "lockstep/base/error.hpp"
#include "lockstep/train/checkpoint_store.hpp"

namespace lockstep::cli {
namespace {

/// Enough for the last lines of metrics.jsonl.
constexpr std::streamoff kTail = 64 * 1024;

constexpr std::array kFinal = {
    ExitCode::ok,       ExitCode::interrupted, ExitCode::usage,         ExitCode::bad_data,
    ExitCode::no_input, ExitCode::unavailable, ExitCode::cannot_create, ExitCode::no_permission,
    ExitCode::config,   ExitCode::diverged,    ExitCode::by_sigint};

/// The step of the last line about one; 0 if there is none.
std::uint64_t last_logged_step(const std::filesystem::path& metrics) {
  std::ifstream file(metrics, std::ios::binary | std::ios::ate);
  if (!file) return 0;
  file.seekg(std::max<std::streamoff>(0, static_cast<std::streamoff>(file.tellg()) - kTail));
  std::uint64_t step = 0;
  for (std::string line; std::getline(file, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, false);  // the first may be cut off
    if (json.is_object() && json.value("t", "") == "step") step = json.value("step", step);
  }
  return step;
}

}  // namespace

RunRecord read_record(const std::filesystem::path& directory) {
  RunRecord record;
  struct stat info {};
  if (::stat((directory / "STATUS").c_str(), &info) == 0) {
    record.time = std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
  }
  std::ifstream file(directory / "STATUS");
  std::getline(file, record.status);
  record.step = last_logged_step(directory / "metrics.jsonl");
  record.checkpoint = CheckpointStore(directory / "checkpoints", 1).newest_step();
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
