#include "cli/assignments.hpp"

namespace lockstep::cli {

void add_assignments(CLI::App& app, std::vector<std::string>& assignments) {
  app.add_option(
         "--set", assignments,
         "Override a value of the file, as in optimizer.lr=0.05; may be repeated (default: none)")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

std::vector<config::Override> overrides_of(const std::vector<std::string>& assignments) {
  std::vector<config::Override> overrides;
  for (const std::string& assignment : assignments) overrides.push_back({assignment});
  return overrides;
}

}  // namespace lockstep::cli
