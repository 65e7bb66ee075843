#include "cli/counts.hpp"

#include <fmt/format.h>

#include <charconv>
#include <system_error>

#include "lockstep/base/error.hpp"
#include "lockstep/base/types.hpp"

namespace lockstep::cli {

std::vector<int> counts_of(std::string_view option, const std::string& text) {
  std::vector<int> counts;
  const char* at = text.data();
  const char* const end = at + text.size();
  for (bool more = true; more;) {
    int count = 0;
    const auto [next, error] = std::from_chars(at, end, count);
    more = next != end && *next == ',';
    const bool good = error == std::errc() && (next == end || more);
    if (!good || count < 1 || count > kMaxCount) {
      throw Error(
          ExitCode::usage,
          fmt::format("{}: '{}' is no list of numbers from 1; example: 1,2,4,8", option, text));
    }
    counts.push_back(count);
    at = next + 1;
  }
  return counts;
}

CLI::Validator whole_number(int least) {
  return CLI::Validator(
      [least](const std::string& text) -> std::string {
        Index value = 0;
        const char* const end = text.data() + text.size();
        const auto [next, error] = std::from_chars(text.data(), end, value);
        if (error == std::errc() && next == end && value >= least) return {};
        return fmt::format("expected a whole number from {} on, found '{}'", least, text);
      },
      "");
}

}  // namespace lockstep::cli
