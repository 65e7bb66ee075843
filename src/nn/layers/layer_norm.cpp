#include "lockstep/nn/layers.hpp"
#include "nn/row_norm.hpp"

namespace lockstep {

std::unique_ptr<Layer> layer_norm(double epsilon) {
  return std::make_unique<RowNorm</*kCentred=*/true>>(epsilon);
}

}  // namespace lockstep
