#include "lockstep/comm/environment.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <string_view>

#include "lockstep/base/floating_point.hpp"
#include "lockstep/comm/launcher.hpp"
#include "lockstep/comm/start_limit.hpp"

namespace lockstep {
namespace {

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
  prepare_for_mpi();
  const StartLimit limit("MPI to start on all ranks");
  int provided = MPI_THREAD_SINGLE;
  // Calls come from the main thread only; a library that grants less than FUNNELED is fine all the
  // same.
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
  set_floating_point_mode();  // MPI has loaded libraries
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

bool mpi_was_started() {
  int started = 0;
  MPI_Initialized(&started);
  return started != 0;
}

void Environment::abort_if_running(int exit_code) {
  int begun = 0, ended = 0;
  MPI_Initialized(&begun);
  MPI_Finalized(&ended);
  if (begun == 0 || ended != 0) return;
  int ranks = 1;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  if (ranks > 1) MPI_Abort(MPI_COMM_WORLD, exit_code);
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
