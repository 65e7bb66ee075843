#include "lockstep/run/run.hpp"

#include "run/training_run.hpp"

namespace lockstep {

ExitCode train(const Communicator& world, const RunRequest& request, Observer& observer) {
  return TrainingRun(world, request, observer).run();
}

}  // namespace lockstep
