#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lockstep {

/// The instruction set of the mathematics in this process, as in -march=: "x86-64-v3"; "default"
/// where the compiler was told none. An installation has the library of mathematics once for each
/// of several sets; the dynamic loader takes the best one that the processor has, from the folders
/// glibc-hwcaps (ld.so(8)). Results do not depend on it.
///
/// The environment variable LOCKSTEP_ISA forces one: "x86-64-v3" or "v3". Whatever is wrong ends
/// the process as soon as the library is loaded, before main, with one message: 78 if there is no
/// such set, 71 if the processor lacks it, as it does where nothing was forced and the processor
/// has no fused multiply-adds.
[[nodiscard]] std::string_view instruction_set();

/// All sets that were built, from the least to the most.
[[nodiscard]] std::vector<std::string> instruction_sets();

}  // namespace lockstep
