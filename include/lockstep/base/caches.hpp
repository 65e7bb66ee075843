#pragma once

#include "lockstep/base/types.hpp"

namespace lockstep {

/// Bytes of the caches of a core; the third level is shared.
struct Caches {
  Index first = 0;
  Index second = 0;
  Index third = 0;
};

/// Those of this machine, as the system tells them; 32 KiB, 512 KiB and 8 MiB where it does not, as
/// some virtual machines do not. The environment variable LOCKSTEP_CACHES, "32,512,8192" in KiB,
/// takes their place. How products are cut into blocks follows them; no bit does.
/// Errors: Error(config) at the first call if the variable is something else.
[[nodiscard]] const Caches& caches();

/// For tests: takes the place of what the machine has, for networks that are planned afterwards.
void set_caches(const Caches& caches);

}  // namespace lockstep
