#include "cli/train_options.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/assignments.hpp"
#include "cli/counts.hpp"
#include "lockstep/base/clock.hpp"

namespace lockstep::cli {
namespace {

double seconds_of(const std::string& text) {
  const auto interval = config::parse_interval(text);
  if (!interval || interval->unit != config::Interval::Unit::seconds || interval->value <= 0) {
    throw Error(ExitCode::usage,
                fmt::format("--max-time: '{}' is not a duration; examples: 90s, 45m, 1h50m", text));
  }
  return interval->value;
}

}  // namespace

void TrainOptions::add_to(CLI::App& app) {
  app.add_option("CONFIG", request_.config_file, "Configuration file")
      ->type_name("FILE")
      ->required();
  add_assignments(app, assignments_);
  app.add_option("--run-dir", request_.run_directory,
                 "Directory of the run (default: runs/NAME, or runs/NAME-2 ... if taken)")
      ->type_name("DIR");
  app.add_option("--resume", request_.resume,
                 "Checkpoint to resume from; auto: the newest valid one in the run directory, or a "
                 "fresh start if there is none (default: fresh start)")
      ->type_name("auto|FILE");
  app.add_option("--max-steps", request_.max_steps,
                 "Save a checkpoint and stop after this many steps (default: no limit)")
      ->type_name("N")
      ->check(whole_number(1));
  app.add_option("--max-time", max_time_,
                 "Save a checkpoint and stop after this time, as in 1h50m (default: no limit)")
      ->type_name("DURATION");
  app.add_option("--seed", seed_, "Same as --set run.seed=N (default: from the file)")
      ->type_name("N");
  app.add_option("--threads", threads_,
                 "Threads per rank, same as --set parallel.threads=N (default: from the file)")
      ->type_name("N");
  app.add_option("--ranks-per-node", ranks_per_node_,
                 "Treat every N ranks of a machine as a separate node, to try multi-node "
                 "communication on one machine; sizes may differ, as in 3,5; does not change the "
                 "result (default: one node per machine)")
      ->type_name("N,...");
  app.add_flag("--dry-run", request_.dry_run,
               "Check everything, show the plan of the run and exit (default: off)");
}

RunRequest TrainOptions::request(const std::vector<std::string>& command_line) const {
  RunRequest request = request_;
  request.started = now_seconds();
  request.command_line = command_line;
  request.overrides = overrides_of(assignments_);
  if (!seed_.empty()) request.overrides.push_back({"run.seed=" + seed_, "--seed"});
  if (!threads_.empty()) {
    request.overrides.push_back({"parallel.threads=" + threads_, "--threads"});
  }
  if (!ranks_per_node_.empty()) {
    request.ranks_per_node = counts_of("--ranks-per-node", ranks_per_node_);
  }
  if (!max_time_.empty()) request.max_seconds = seconds_of(max_time_);
  return request;
}

std::vector<std::string> without_options(const std::vector<std::string>& words,
                                         const std::vector<std::string_view>& names) {
  std::vector<std::string> kept;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string option = words[i].substr(0, words[i].find('='));
    if (std::ranges::find(names, option) == names.end()) {
      kept.push_back(words[i]);
    } else if (option == words[i]) {
      ++i;  // its value
    }
  }
  return kept;
}

}  // namespace lockstep::cli
