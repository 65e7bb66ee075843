#pragma once

#include <memory>
#include <string>

#include "lockstep/comm/communicator.hpp"

namespace lockstep {

/// MPI from construction to destruction; one per process. The mode of floating-point arithmetic is
/// as set_floating_point_mode has it, whatever MPI has loaded.
/// Errors: Error(system) of prepare_for_mpi, before MPI starts. A start that never comes to its end
/// ends the process: see StartLimit.
class Environment {
 public:
  Environment();
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  [[nodiscard]] const Communicator& world() const { return *world_; }
  /// Ends all ranks of the job at once.
  [[noreturn]] void abort(int exit_code) const;
  /// The same from anywhere, such as the end of a thread that failed; returns if MPI does not
  /// run, or for this rank alone.
  static void abort_if_running(int exit_code);

 private:
  std::unique_ptr<Communicator> world_;
  std::string transport_memory_;
};

/// Whether this process has had MPI at any time.
[[nodiscard]] bool mpi_was_started();

/// The MPI library as running: "Open MPI 4.1.4".
[[nodiscard]] std::string mpi_library();

/// The name of this node.
[[nodiscard]] std::string node_name();

}  // namespace lockstep
