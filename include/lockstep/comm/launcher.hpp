#pragma once

namespace lockstep {

/// How this process was started, as its environment says: known before MPI starts.
struct Launch {
  bool alone = true;   ///< by no launcher that this MPI understands
  int rank = 0;        ///< in the job
  int ranks = 1;       ///< of the job
  int local_rank = 0;  ///< on its machine
  int programs = 1;    ///< command lines of the job: mpirun -np 1 A : -np 1 B has two
};
[[nodiscard]] Launch launch_of_this_process();

/// Whether another launcher started several processes, of which each would believe to be alone.
[[nodiscard]] bool has_foreign_launcher();

/// Makes the surroundings such that MPI can start in them: a process that nobody launched is one
/// process, also in a shell of Slurm and without a directory for temporary files; as many files may
/// be open as ranks need. To be called before MPI starts, by the only thread.
/// Errors: Error(system) if several processes were started by a launcher that this MPI does not
/// understand; in all but the first without a message. Error(system) if too few files may be open,
/// those of a job may not be large enough, or a process of a launcher other than mpirun has no
/// directory for temporary files; std::system_error if MPI could start no thread.
void prepare_for_mpi();

/// The same for an mpirun that this process is to start, with so many ranks at most. Errors:
/// Error(system) if it would have no directory for temporary files, or could open too few.
void prepare_for_mpirun(int ranks);

}  // namespace lockstep
