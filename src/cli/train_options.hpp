#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "lockstep/run/run.hpp"

namespace lockstep::cli {

/// The options of `train`, which `launch train` takes, too.
class TrainOptions {
 public:
  void add_to(CLI::App& app);
  /// What they ask for, after they were read; --max-time counts from now on.
  /// Errors: usage.
  [[nodiscard]] RunRequest request(const std::vector<std::string>& command_line) const;

 private:
  RunRequest request_;
  std::vector<std::string> assignments_;
  std::string max_time_;
  std::string seed_;
  std::string threads_;
  std::string ranks_per_node_;
};

/// The words less the options of these names, each with its value: "--x V" or "--x=V".
[[nodiscard]] std::vector<std::string> without_options(const std::vector<std::string>& words,
                                                       const std::vector<std::string_view>& names);

}  // namespace lockstep::cli
