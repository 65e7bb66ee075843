#include "cli/failure.hpp"

#include <ostream>
#include <string>

#include "lockstep/base/printable.hpp"
#include "lockstep/run/version.hpp"

namespace lockstep::cli {

void print_failure(const Error& error, std::ostream& err) {
  const std::string message = error.what();
  if (message.empty()) return;
  const bool points_at_file =
      error.code() == ExitCode::config && message.find(": error: ") != std::string::npos;
  const bool is_fault = error.code() != ExitCode::interrupted;
  err << (points_at_file ? ""
          : is_fault     ? "trainer: error: "
                         : "trainer: ")
      << (points_at_file ? printable_lines(message) : printable_message(message)) << '\n';
  if (error.code() == ExitCode::internal) {
    err << "  This is a bug in trainer: please report it with the lines above and these:\n"
        << version_text();
  }
  err << std::flush;
}

}  // namespace lockstep::cli
