#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <string>

namespace lockstep {

/// Counts the files of a set of which one thing is to be said.
class FileTally {
 public:
  void add(const std::string& file) {
    if (count_++ == 0) first_ = file;
  }
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] const std::string& first() const { return first_; }
  /// "3 of 20 images", or "all 20 images".
  [[nodiscard]] std::string of(std::size_t all, const char* what) const {
    return count_ == all && all > 1 ? fmt::format("all {} {}", all, what)
                                    : fmt::format("{} of {} {}", count_, all, what);
  }

 private:
  std::size_t count_ = 0;
  std::string first_;
};

}  // namespace lockstep
