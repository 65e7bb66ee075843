#include "cli/facts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lockstep/base/types.hpp"
#include "lockstep/run/version.hpp"

namespace lockstep::cli {
namespace {

void add(const CLI::App& app, Facts& facts) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->count() == 0) continue;
    facts[option->get_name()] = fmt::format("{}", fmt::join(option->results(), " "));
  }
  for (const CLI::App* sub : app.get_subcommands()) {
    std::string& command = facts["command"];
    command += (command.empty() ? "" : " ") + sub->get_name();
    add(*sub, facts);
  }
}

}  // namespace

Facts facts_of(const CLI::App& app) {
  Facts facts = {{"program", version_line()},
                 {"numbers", fmt::format("{} bits", 8 * sizeof(Real))}};
  add(app, facts);
  return facts;
}

}  // namespace lockstep::cli
