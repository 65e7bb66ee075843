#include "config/problems.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace lockstep::config {
namespace {

/// File positions first, then what concerns the file as a whole, then options as they were given.
auto order(const Problem& problem) {
  const bool option = problem.place.origin == Place::Origin::option;
  return std::tuple(option, problem.place.line == 0, problem.place.line, problem.place.column);
}

}  // namespace

Error Problems::error() const {
  std::vector<Problem> sorted = list_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Problem& a, const Problem& b) { return order(a) < order(b); });
  std::string text;
  for (std::size_t i = 0; i < std::min(sorted.size(), kShown); ++i) {
    text += diagnostic(sorted[i].place, sorted[i].message, sorted[i].hint) + '\n';
  }
  if (sorted.size() > kShown) text += fmt::format("... and {} more\n", sorted.size() - kShown);
  text += fmt::format("trainer: {} error{}, nothing started", sorted.size(),
                      sorted.size() == 1 ? "" : "s");
  const std::string& explain = sorted.front().explain;
  if (!explain.empty()) text += fmt::format(" (see: trainer config explain {})", explain);
  return {ExitCode::config, text};
}

}  // namespace lockstep::config
