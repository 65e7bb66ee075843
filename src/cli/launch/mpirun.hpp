#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

// Open MPI's launcher as commands need it that start it themselves.

namespace lockstep::cli {

/// Errors: usage, if this process is itself one of an MPI job.
void refuse_mpi_job(std::string_view command);

/// The file of the launcher.
/// Errors: system, if it is no program that can be run.
[[nodiscard]] std::string find_mpirun(const std::string& name);

/// Open MPI runs nothing for root unless two variables say that this is intended: they are for the
/// user to set.
/// Errors: no_permission.
void require_consent_as_root();

/// The file of the program that a process runs, "self" or its number, also if it was replaced
/// since;
/// "" if the process is gone.
[[nodiscard]] std::string program_of(const std::string& process);

/// The file of this program.
/// Errors: system, if it was removed since.
[[nodiscard]] std::string this_program();

/// mpirun's words for ranks of so many threads: each bound to as many cores, or free to run
/// anywhere, also if they are more than the processors.
[[nodiscard]] std::vector<std::string> binding_words(int threads, bool bound);

/// Removes what an mpirun that was killed leaves on this machine: its directory for the session and
/// the memory that its ranks shared.
void remove_leftovers(pid_t mpirun);

}  // namespace lockstep::cli
