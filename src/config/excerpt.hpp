#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lockstep/config/place.hpp"

namespace lockstep::config {

/// A spot of the text: line and column from 1 in characters; the end is one past the last
/// character.
struct Region {
  Index line = 0;
  Index column = 0;
  Index end_line = 0;
  Index end_column = 0;
};

/// The text of a file, cut into lines and characters once, so that any spot of it can be quoted in
/// constant time.
class Lines {
 public:
  Lines(std::string file, std::string_view text);

  /// The spot with its source line: tabs as one space, control characters as '?', long lines cut
  /// around the spot.
  [[nodiscard]] Place place(const Region& region) const;
  /// The file as a whole.
  [[nodiscard]] Place whole() const;

 private:
  [[nodiscard]] std::string printable(std::size_t first, std::size_t last) const;

  std::string file_;
  std::string_view text_;
  std::vector<std::size_t> characters_;  ///< where each character starts, then the end of the text
  std::vector<std::size_t> lines_;       ///< the first character of each line, then the end
};

}  // namespace lockstep::config
