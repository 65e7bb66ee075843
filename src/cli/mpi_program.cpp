#include "cli/mpi_program.hpp"

#include "cli/failure.hpp"
#include "lockstep/comm/agreement.hpp"
#include "lockstep/comm/environment.hpp"

namespace lockstep::cli {

ExitCode run_on_ranks(const std::function<ExitCode(const Communicator&)>& work, std::ostream& err) {
  const Environment environment;
  const Communicator& world = environment.world();
  try {
    return work(world);
  } catch (const AgreedError& error) {
    if (world.rank() == 0) print_failure(error, err);
    return error.code();
  } catch (...) {
    const Error error = current_failure();
    print_failure(error, err);
    if (world.size() > 1) environment.abort(static_cast<int>(error.code()));
    return error.code();
  }
}

}  // namespace lockstep::cli
