#pragma once

#include <string>
#include <vector>

#include "lockstep/config/place.hpp"

namespace lockstep::config {

/// Something wrong with the configuration.
struct Problem {
  Place place;
  std::string message;
  std::string hint{};
  std::string explain{};  ///< what `trainer config explain` shows about it; empty if nothing
};

/// Collects what is wrong, so that the user sees everything at once.
class Problems {
 public:
  void add(Problem problem) { list_.push_back(std::move(problem)); }
  [[nodiscard]] bool empty() const { return list_.empty(); }

  /// All of them in the order of the file, those of options last, at most kShown, and a closing
  /// line.
  [[nodiscard]] Error error() const;

 private:
  static constexpr std::size_t kShown = 20;
  std::vector<Problem> list_;
};

}  // namespace lockstep::config
