#pragma once

#include <cassert>
#include <span>

#include "lockstep/base/buffer.hpp"
#include "lockstep/base/types.hpp"

namespace lockstep {

/// Takes the first `count` numbers, aligned, off the front of `memory`.
[[nodiscard]] inline std::span<Real> carve(std::span<Real>& memory, Index count) {
  const auto whole = static_cast<std::size_t>(aligned<Real>(count));
  assert(whole <= memory.size());
  const std::span<Real> piece = memory.first(static_cast<std::size_t>(count));
  memory = memory.subspan(whole);
  return piece;
}

}  // namespace lockstep
