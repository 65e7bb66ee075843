#pragma once

#include "lockstep/base/parallel.hpp"
#include "lockstep/base/scratch.hpp"
#include "lockstep/nn/layer.hpp"

namespace lockstep {

/// What memory must be planned for so that it just suffices for `pass` on the threads at hand.
[[nodiscard]] inline Capacity capacity_of(const Pass& pass) {
  return {pass.samples(), std::ssize(pass.microbatches), thread_count()};
}

[[nodiscard]] inline Matrix take_matrix(Scratch& scratch, Index rows, Index columns) {
  return {scratch.take<Real>(rows * columns).data(), rows, columns};
}

}  // namespace lockstep
