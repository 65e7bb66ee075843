#pragma once

#include <vector>

#include "lockstep/nn/loss.hpp"
#include "lockstep/train/samples.hpp"

namespace lockstep {

/// 1 / variance of each of `columns` columns of the answers, which are values, of all samples as
/// the loss sees them: infinite for a column of equal answers. An answer for each position counts
/// as one row. Requires at least one sample.
[[nodiscard]] std::vector<double> inverse_variances(const Samples& samples, Index columns);

/// Lets the figures of a network with this output have what they need of the samples.
void measure_answers(Samples& samples, const Loss& loss, Shape output);

}  // namespace lockstep
