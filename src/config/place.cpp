#include "lockstep/config/place.hpp"

#include <fmt/format.h>

#include "config/problems.hpp"

namespace lockstep::config {

std::string Place::origin_text() const {
  if (origin == Origin::builtin) return "default";
  if (origin == Origin::file && line > 0) return fmt::format("{}:{}", label, line);
  return label;
}

std::string diagnostic(const Place& place, std::string_view message, std::string_view hint) {
  std::string where = place.label;
  if (place.origin == Place::Origin::option) where += fmt::format(" '{}'", place.excerpt);
  if (place.line == 0) {
    return fmt::format("{}: error: {}{}{}", where, message, hint.empty() ? "" : "; ", hint);
  }
  const auto width = static_cast<std::size_t>(place.width > 1 ? place.width - 1 : 0);
  return fmt::format("{}:{}:{}: error: {}\n{:>5} | {}\n      | {}^{}{}{}", where, place.line,
                     place.column, message, place.line, place.excerpt,
                     std::string(static_cast<std::size_t>(place.caret), ' '),
                     std::string(width, '~'), hint.empty() ? "" : " ", hint);
}

LocatedError located_error(const Place& place, std::string_view message, std::string_view explain) {
  Problems problems;
  problems.add({place, std::string(message), {}, std::string(explain)});
  return {ExitCode::config, problems.error().what()};
}

}  // namespace lockstep::config
