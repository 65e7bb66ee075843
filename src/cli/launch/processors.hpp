#pragma once

namespace lockstep::cli {

/// The processors of this machine that this process and its children may use.
struct Processors {
  int usable = 1;    ///< in the affinity mask, no more than control groups grant
  int bindable = 0;  ///< cores to which ranks can be bound one by one
};

/// Launchers bind within the whole machine, whatever their own mask says: under a narrower mask
/// or a quota, where others use the same cores, nothing is bindable. Two hardware threads of a core
/// count once there.
[[nodiscard]] Processors find_processors();

}  // namespace lockstep::cli
