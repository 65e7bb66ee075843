#include "lockstep/base/floating_point.hpp"

#include <cfenv>

namespace lockstep {

// The default environment of the C library resets flush-to-zero and denormals-are-zero, too.
void set_floating_point_mode() { std::fesetenv(FE_DFL_ENV); }

void set_floating_point_mode_of_threads() {
#pragma omp parallel
  set_floating_point_mode();
}

}  // namespace lockstep
