#include "cli/launch/mpirun.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "cli/launch/child_process.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/comm/launcher.hpp"
#include "lockstep/io/file.hpp"

namespace lockstep::cli {
namespace {

namespace fs = std::filesystem;

/// Whether a directory is there and this user's own: in /tmp, anybody can make one of any name.
bool is_own_directory(const fs::path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
         status.st_uid == ::geteuid();
}

/// The number that a contact file begins with; 0 if it is no such file.
std::uint32_t job_in(const fs::path& contact) {
  constexpr Index kMost = 4096;
  std::uint32_t job = 0;
  try {
    const std::vector<std::byte> bytes = read_file(contact, kMost);
    const auto* text = reinterpret_cast<const char*>(bytes.data());
    std::from_chars(text, text + bytes.size(), job);
  } catch (const Error&) {  // without it there is nothing to be found
  }
  return job;
}

bool is_set(const char* name) { return std::getenv(name) != nullptr; }

}  // namespace

void refuse_mpi_job(std::string_view command) {
  if (launch_of_this_process().alone && !has_foreign_launcher()) return;
  throw Error(ExitCode::usage, fmt::format("this command starts mpirun itself\n  try: trainer {} "
                                           "... without mpirun or srun before it",
                                           command));
}

std::string find_mpirun(const std::string& name) {
  const std::string file = find_program(name);
  if (!file.empty()) return file;
  throw Error(ExitCode::system,
              fmt::format("{} is not a program that can be run{}\n  try: --mpirun FILE, or install "
                          "Open MPI (Debian package openmpi-bin)",
                          name, name.find('/') == std::string::npos ? " from PATH" : ""));
}

void require_consent_as_root() {
  const bool consent = is_set("OMPI_ALLOW_RUN_AS_ROOT") && is_set("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM");
  if (::geteuid() != 0 || consent) return;
  throw Error(ExitCode::no_permission,
              "Open MPI does not run as root unless told that this is intended\n"
              "  try: as another user, or, as in a container that is yours:\n"
              "    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1");
}

std::string program_of(const std::string& process) {
  constexpr std::string_view kReplaced = " (deleted)";  // the kernel's word, also of a new build
  std::error_code gone;
  std::string file = fs::read_symlink("/proc/" + process + "/exe", gone).string();
  if (file.ends_with(kReplaced)) file.resize(file.size() - kReplaced.size());
  return file;
}

std::string this_program() {
  std::string file = program_of("self");
  if (fs::exists(file)) return file;
  throw Error(ExitCode::system, fmt::format("{}: this program is no longer there", file));
}

std::vector<std::string> binding_words(int threads, bool bound) {
  if (!bound) return {"--oversubscribe", "--bind-to", "none"};
  return {"--map-by", fmt::format("slot:PE={}", threads), "--bind-to", "core"};
}

// Names as Open MPI 4 makes them: TMP/ompi.HOST.USER/pid.PID, where contact.txt begins with the
// number of the job, and /dev/shm/vader_segment.HOST.USER.(number + 1).RANK.
void remove_leftovers(pid_t mpirun) {
  std::error_code ignored;
  const std::string user = fmt::format(".{}", ::geteuid());
  for (const auto& entry : fs::directory_iterator(fs::temp_directory_path(ignored), ignored)) {
    const std::string host_and_user = entry.path().filename().string();
    if (!host_and_user.starts_with("ompi.") || !host_and_user.ends_with(user)) continue;
    const fs::path session = entry.path() / fmt::format("pid.{}", mpirun);
    if (!is_own_directory(entry.path()) || !is_own_directory(session)) continue;
    if (const std::uint32_t job = job_in(session / "contact.txt"); job != 0) {
      const std::string segment = fmt::format("{}.{:x}.", user, job + 1);
      for (const auto& file : fs::directory_iterator("/dev/shm", ignored)) {
        const std::string name = file.path().filename().string();
        if (name.starts_with("vader_segment.") && name.find(segment) != std::string::npos) {
          fs::remove(file.path(), ignored);
        }
      }
    }
    fs::remove_all(session, ignored);
  }
}

}  // namespace lockstep::cli
