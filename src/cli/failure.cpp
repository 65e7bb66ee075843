#include "cli/failure.hpp"

#include <fmt/format.h>

#include <new>
#include <ostream>
#include <string>

#include "lockstep/train/version.hpp"

namespace lockstep::cli {

void print_failure(const Error& error, std::ostream& err) {
  const std::string message = error.what();
  if (message.empty()) return;
  const bool points_at_file =
      error.code() == ExitCode::config && message.find(": error: ") != std::string::npos;
  const bool is_fault = error.code() != ExitCode::interrupted;
  err << (points_at_file ? "" : is_fault ? "trainer: error: " : "trainer: ") << message << '\n';
  if (error.code() == ExitCode::internal) {
    err << "  This is a bug in trainer: please report it with the lines above and these:\n"
        << version_text();
  }
  err << std::flush;
}

Error current_failure() {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return {ExitCode::system, "not enough memory (try fewer ranks per node or a smaller batch)"};
  } catch (const std::exception& error) {
    return {ExitCode::internal, fmt::format("internal error: {}", error.what())};
  } catch (...) {
    return {ExitCode::internal, "internal error: an exception of unknown type"};
  }
}

}  // namespace lockstep::cli
