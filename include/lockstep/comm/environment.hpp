#pragma once

#include <memory>
#include <string>

#include "lockstep/comm/communicator.hpp"

namespace lockstep {

/// MPI from construction to destruction; one per process.
/// Errors: throws Error(system) if the process was started by a launcher that this MPI does not
/// understand, in which case each process would believe to be alone; looked up in the environment
/// before MPI starts.
class Environment {
 public:
  Environment();
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  [[nodiscard]] const Communicator& world() const { return *world_; }
  /// Ends all ranks of the job at once.
  [[noreturn]] void abort(int exit_code) const;

 private:
  std::unique_ptr<Communicator> world_;
  std::string transport_memory_;
};

/// The MPI library as running: "Open MPI 4.1.4".
[[nodiscard]] std::string mpi_library();

/// The name of this node.
[[nodiscard]] std::string node_name();

}  // namespace lockstep
