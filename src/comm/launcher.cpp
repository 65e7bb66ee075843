#include "lockstep/comm/launcher.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "lockstep/base/error.hpp"
#include "lockstep/base/threads.hpp"
#include "lockstep/comm/environment.hpp"

namespace lockstep {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_set(const char* name) { return std::getenv(name) != nullptr; }

int number(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

/// A launcher that this MPI does not understand, by the variables that it gives its processes.
struct Foreign {
  const char* size;
  const char* rank;
  const char* sign;  ///< set by it alone
  std::string_view who;
  bool slurm = false;
};

constexpr std::array<Foreign, 4> kForeign = {{
    {"PMI_SIZE", "PMI_RANK", "PMI_SIZE", "MPICH's launcher or srun without PMIx"},
    {"SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "SLURM_PROCID", "srun without PMIx", true},
    {"MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK", "MVAPICH's launcher"},
    {"WORLD_SIZE", "RANK", "TORCHELASTIC_RUN_ID", "torchrun"},
}};

// Steps that Slurm numbers from above are its shells and batch scripts: one process, whatever their
// job may start.
bool is_shell_of_slurm() {
  constexpr std::uint64_t kLowestSpecial = 0xfffffff0;
  return std::strtoull(variable("SLURM_STEP_ID").c_str(), nullptr, 10) >= kLowestSpecial;
}

const Foreign* foreign_launcher() {
  if (!launch_of_this_process().alone) return nullptr;
  const auto* found = std::ranges::find_if(kForeign, [](const Foreign& launcher) {
    return number(launcher.size, 1) > 1 && is_set(launcher.sign) &&
           !(launcher.slurm && is_shell_of_slurm());
  });
  return found == kForeign.end() ? nullptr : found;
}

void refuse_foreign_launcher() {
  const Foreign* launcher = foreign_launcher();
  if (launcher == nullptr) return;
  const std::string count = variable(launcher->size);
  throw Error(ExitCode::system,
              number(launcher->rank, 0) != 0
                  ? std::string()  // the first process speaks for all
                  : count + " processes were started but each believes to be rank 0 of 1\n  " +
                        launcher->size + "=" + count + " (" + std::string(launcher->who) +
                        "). This binary was built with " + mpi_library() +
                        ".\n  try: mpirun.openmpi -np " + count +
                        " trainer ...      or under Slurm: srun --mpi=pmix trainer ...");
}

// Open MPI takes a process with variables of Slurm for one that srun has started, and aborts if it
// finds no PMIx. It would also start a daemon for processes to come, which keeps files in a
// directory of its own: of a process that stays alone neither is needed.
void stay_alone() {
  std::vector<std::string> names;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (text.starts_with("SLURM_")) names.emplace_back(text.substr(0, text.find('=')));
  }
  for (const std::string& name : names) ::unsetenv(name.c_str());
  ::setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
  ::setenv("OMPI_MCA_orte_create_session_dirs", "0", 0);
}

// Where Open MPI looks for it, in its order; it makes it, if it is missing.
void require_temporary_directory() {
  for (const char* name : {"OMPI_MCA_orte_tmpdir_base", "TMPDIR", "TEMP", "TMP"}) {
    const std::string path = variable(name);
    if (path.empty()) continue;
    std::error_code failed;
    std::filesystem::create_directories(path, failed);
    if (::access(path.c_str(), W_OK | X_OK) == 0) return;
    throw Error(ExitCode::system,
                std::string(name) + "=" + path +
                    ": Open MPI cannot keep temporary files there\n  try: " + name + "=/tmp");
  }
}

// A rank holds connections to its peers beside what Open MPI, HDF5 and we keep open; mpirun pipes
// and connections to its ranks.
void allow_open_files(int ranks) {
  constexpr rlim_t kLeast = 64;
  const rlim_t wanted = 256 + 16 * static_cast<rlim_t>(ranks);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  if (limit.rlim_cur < kLeast) {
    throw Error(ExitCode::system, "a process may have only " + std::to_string(limit.rlim_cur) +
                                      " files open, MPI and the trainer need " +
                                      std::to_string(kLeast) + " or more\n  try: ulimit -n 1024");
  }
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// What ranks share within MPI lies in files: one that becomes too large would end a rank, and stay
// behind.
void require_large_files() {
  constexpr rlim_t kNeeded = rlim_t{5} << 20;
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur >= kNeeded) return;
  throw Error(ExitCode::system, "files of this process may have " + std::to_string(limit.rlim_cur) +
                                    " bytes at most, but MPI's shared memory needs " +
                                    std::to_string(kNeeded) + "\n  try: ulimit -f unlimited");
}

}  // namespace

Launch launch_of_this_process() {
  Launch launch;
  launch.alone = !is_set("OMPI_COMM_WORLD_SIZE") && !is_set("PMIX_RANK");
  if (launch.alone) return launch;
  launch.rank = number("OMPI_COMM_WORLD_RANK", number("PMIX_RANK", 0));
  launch.ranks = number("OMPI_COMM_WORLD_SIZE", number("SLURM_STEP_NUM_TASKS", 1));
  launch.local_rank = number("OMPI_COMM_WORLD_LOCAL_RANK", number("SLURM_LOCALID", 0));
  launch.programs = number("OMPI_NUM_APP_CTX", 1);
  return launch;
}

bool has_foreign_launcher() { return foreign_launcher() != nullptr; }

void prepare_for_mpi() {
  refuse_foreign_launcher();
  const Launch launch = launch_of_this_process();
  if (launch.alone) stay_alone();
  // mpirun has seen to it for its ranks.
  if (!launch.alone && !is_set("OMPI_COMM_WORLD_SIZE")) require_temporary_directory();
  allow_open_files(launch.ranks);
  if (!launch.alone) require_large_files();
  constexpr int kThreadsOfMpi = 3;
  require_threads(kThreadsOfMpi);
}

void prepare_for_mpirun(int ranks) {
  require_temporary_directory();
  allow_open_files(ranks);
}

}  // namespace lockstep
