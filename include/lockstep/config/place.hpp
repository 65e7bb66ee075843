#pragma once

#include <string>
#include <string_view>

#include "lockstep/base/error.hpp"
#include "lockstep/base/types.hpp"

namespace lockstep::config {

/// Where a value comes from: built in, a spot in the file, or an option of the command line.
struct Place {
  enum class Origin { builtin, file, option };

  Origin origin = Origin::builtin;
  std::string label;  ///< file: its name; option: "--seed"
  std::string
      excerpt;       ///< file: the source line, or the part of it that matters; option: KEY=VALUE
  Index line = 0;    ///< from 1; 0: the file as a whole
  Index column = 0;  ///< from 1, in characters
  Index caret = 0;   ///< characters of the excerpt before the spot
  Index width = 1;   ///< characters of the spot

  /// "default", "mlp.toml:7" or "--set".
  [[nodiscard]] std::string origin_text() const;
};

/// One problem as the user reads it, without the final line break:
///
///     mlp.toml:7:1: error: unknown key 'learing_rate' in [optimizer]
///         7 | learing_rate = 0.1
///           | ^~~~~~~~~~~~ did you mean 'lr'?
[[nodiscard]] std::string diagnostic(const Place& place, std::string_view message,
                                     std::string_view hint = {});

/// An Error(ExitCode::config) whose message points at its place already: whoever catches it on the
/// way adds no other.
class LocatedError : public Error {
 public:
  using Error::Error;
};

/// One problem at its place; `explain` names what `trainer config explain` shows about it.
[[nodiscard]] LocatedError located_error(const Place& place, std::string_view message,
                                         std::string_view explain);

}  // namespace lockstep::config
