#include "lockstep/comm/environment.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <string_view>

#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool several(const std::string& count) { return !count.empty() && std::atoi(count.c_str()) > 1; }

// A launcher that this MPI does not understand starts N processes of which each believes to be
// alone: they would train N times and write into the same files.
void refuse_foreign_launcher() {
  const bool ours = !variable("OMPI_COMM_WORLD_SIZE").empty() || !variable("PMIX_RANK").empty();
  if (ours) return;
  const std::string pmi = variable("PMI_SIZE");
  const std::string slurm = variable("SLURM_STEP_NUM_TASKS");
  const bool in_slurm_step = several(slurm) && !variable("SLURM_PROCID").empty();
  if (!several(pmi) && !in_slurm_step) return;
  const std::string count = several(pmi) ? pmi : slurm;
  const std::string by = several(pmi)
                             ? "PMI_SIZE=" + pmi + " (MPICH's launcher or srun without PMIx)"
                             : "SLURM_STEP_NUM_TASKS=" + slurm + " (srun without PMIx)";
  const int process = std::atoi(variable(several(pmi) ? "PMI_RANK" : "SLURM_PROCID").c_str());
  throw Error(ExitCode::system,
              process != 0
                  ? std::string()  // the first process speaks for all
                  : count + " processes were started but each believes to be rank 0 of 1\n  " + by +
                        ". This binary was built with " + mpi_library() +
                        ".\n  try: mpirun.openmpi -np " + count +
                        " trainer ...      or under Slurm: srun --mpi=pmix trainer ...");
}

// The file in memory through which the other ranks of this machine write to this one; "" if Open
// MPI talks through something else.
std::string transport_memory(int rank) {
  std::ifstream maps("/proc/self/maps");
  const std::string end = "." + std::to_string(rank);
  for (std::string line; std::getline(maps, line);) {
    const auto path = line.find('/');
    if (path != std::string::npos && line.find("/vader_segment.", path) != std::string::npos &&
        line.ends_with(end)) {
      return line.substr(path);
    }
  }
  return "";
}

}  // namespace

Environment::Environment() {
  refuse_foreign_launcher();
  int provided = MPI_THREAD_SINGLE;
  // Calls come from the main thread only; a library that grants less than FUNNELED is fine all the
  // same.
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
  world_ = std::make_unique<Communicator>(MPI_COMM_WORLD);
  // It would outlive ranks and mpirun that are all killed at once. The name serves to attach to it,
  // which all have done once MPI has started everywhere; without one it goes with the last process.
  transport_memory_ = transport_memory(world_->rank());
  world_->barrier();
  ::unlink(transport_memory_.c_str());
}

Environment::~Environment() {
  world_.reset();
  // Open MPI complains if it has no name to remove.
  ::close(::open(transport_memory_.c_str(), O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  MPI_Finalize();
}

void Environment::abort(int exit_code) const {
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::abort();
}

std::string mpi_library() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  std::string_view version(text.data(), static_cast<std::size_t>(length));
  version = version.substr(0, version.find(','));
  if (version.starts_with("Open MPI v")) {
    return "Open MPI " + std::string(version.substr(std::string_view("Open MPI v").size()));
  }
  return std::string(version);
}

std::string node_name() {
  std::array<char, MPI_MAX_PROCESSOR_NAME> text{};
  int length = 0;
  MPI_Get_processor_name(text.data(), &length);
  return {text.data(), static_cast<std::size_t>(length)};
}

}  // namespace lockstep
