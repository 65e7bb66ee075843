#include "lockstep/nn/layers.hpp"
#include "nn/row_norm.hpp"

namespace lockstep {

std::unique_ptr<Layer> rms_norm(double epsilon) {
  return std::make_unique<RowNorm</*kCentred=*/false>>(epsilon);
}

}  // namespace lockstep
