#include "lockstep/base/current_error.hpp"

#include <filesystem>
#include <new>
#include <string>
#include <system_error>

namespace lockstep {
namespace {

ExitCode code_of(const std::error_code& why) {
  if (why == std::errc::permission_denied || why == std::errc::operation_not_permitted) {
    return ExitCode::no_permission;
  }
  return why == std::errc::no_such_file_or_directory ? ExitCode::no_input : ExitCode::system;
}

Error internal_error(const std::string& what) {
  return {ExitCode::internal, "internal error: " + what};
}

}  // namespace

Error current_error() {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return {ExitCode::system, "not enough memory (try fewer ranks per node or a smaller batch)"};
  } catch (const std::filesystem::filesystem_error& error) {
    return {code_of(error.code()), error.path1().string() + ": " + error.code().message()};
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::resource_unavailable_try_again) {
      return {ExitCode::system, "cannot start a thread: " + error.code().message() +
                                    "\n  the limit of processes (ulimit -u), that of the control "
                                    "group (pids.max) or memory is reached; try fewer ranks or "
                                    "--threads 1"};
    }
    return internal_error(error.what());
  } catch (const std::exception& error) {
    return internal_error(error.what());
  } catch (...) {
    return internal_error("an exception of unknown type");
  }
}

}  // namespace lockstep
