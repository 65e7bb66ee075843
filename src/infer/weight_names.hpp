#pragma once

#include <string>
#include <string_view>

#include "lockstep/io/safetensors.hpp"
#include "lockstep/nn/parameter_table.hpp"

namespace lockstep {

/// Tensors under the names that a network gives them.
struct NamedWeights {
  Safetensors weights;
  std::string note;  ///< what was done to their names unasked
};

/// Whether a tensor counts the batches that one of PyTorch's batch norms has seen: of no use here.
[[nodiscard]] bool counts_batches(std::string_view name);

/// Takes `prefix` off the names that begin with it. Without one, and if the names are not those of
/// the network, they lose what PyTorch's wrappers put into them, "module." and "_orig_mod.", or a
/// beginning that all of them share, if they are the network's names then.
/// Errors: Error(bad_data) with `label` if no name begins with the prefix, or two become one.
[[nodiscard]] NamedWeights named_as(const Safetensors& weights, const ParameterTable& table,
                                    const std::string& prefix, const std::string& label);

/// A line that tells how more names would fit; empty if none would.
[[nodiscard]] std::string naming_hint(const Safetensors& weights, const ParameterTable& table);

}  // namespace lockstep
