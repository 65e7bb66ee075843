#pragma once

#include <cstdint>
#include <span>

#include "lockstep/base/types.hpp"

namespace lockstep {

/// The exclusive or of all 64-bit words: any one flipped bit changes it. Much faster than a digest,
/// and only for numbers that nobody forges. Uses parallel_for; allocates nothing.
[[nodiscard]] std::uint64_t checksum_of(std::span<const Real> numbers);

}  // namespace lockstep
