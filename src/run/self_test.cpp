#include "lockstep/run/self_test.hpp"

#include <fmt/format.h>

#include "lockstep/base/caches.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/base/instruction_set.hpp"
#include "lockstep/kernels/known_answers.hpp"
#include "lockstep/nn/known_answers.hpp"
#include "lockstep/run/version.hpp"

namespace lockstep {

void require_known_answers() {
  static_cast<void>(caches());  // a wrong variable is told before anything is planned
  std::string fault = kernels::check_known_answers();
  if (fault.empty()) fault = check_known_functions();
  if (fault.empty()) return;
  throw Error(ExitCode::internal,
              fmt::format("the arithmetic of this build is not Lockstep's: {} ({}, {}, {})", fault,
                          build_info().compiler, instruction_set(), processor_name()));
}

}  // namespace lockstep
