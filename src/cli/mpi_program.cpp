#include "cli/mpi_program.hpp"

#include "cli/failure.hpp"
#include "lockstep/base/current_error.hpp"
#include "lockstep/comm/agreement.hpp"
#include "lockstep/comm/environment.hpp"
#include "lockstep/comm/start_limit.hpp"
#include "lockstep/run/self_test.hpp"
#include "lockstep/setup/setup.hpp"

namespace lockstep::cli {
namespace {

void meet(const Communicator& world, const Facts& told) {
  const StartLimit limit("all ranks to say what they were told");
  require_same(world, told);
  choose_threads(world, 0);
}

}  // namespace

ExitCode run_on_ranks(const Facts& told, const std::function<ExitCode(const Communicator&)>& work,
                      std::ostream& err) {
  const Environment environment;
  const Communicator& world = environment.world();
  try {
    meet(world, told);
    fail_together(world, require_known_answers);
    return work(world);
  } catch (const AgreedError& error) {
    if (world.rank() == 0) print_failure(error, err);
    return error.code();
  } catch (...) {
    const Error error = current_error();
    print_failure(error, err);
    if (world.size() > 1) environment.abort(static_cast<int>(error.code()));
    return error.code();
  }
}

}  // namespace lockstep::cli
