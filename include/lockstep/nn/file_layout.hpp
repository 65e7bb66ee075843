#pragma once

#include <cstddef>
#include <span>

#include "lockstep/nn/parameter_table.hpp"

namespace lockstep {

/// Copies those numbers of a tensor to their places in its layout in files, channels in our own
/// order, that lie in the part `range` of a flat buffer; `values` are that part. `out` is the whole
/// tensor, whose bytes may begin at any address.
void to_file_layout(const Parameter& parameter, Range range, std::span<const Real> values,
                    std::span<std::byte> out);

}  // namespace lockstep
