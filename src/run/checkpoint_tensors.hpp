#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lockstep/io/hdf5.hpp"
#include "lockstep/nn/network.hpp"

namespace lockstep {

/// The order of channels in a file of a version, for each parameter of the network.
[[nodiscard]] std::vector<FileOrder> orders_in(std::uint64_t version, const Network& network);

/// Copies a tensor of a file whose channels are in the order `from` to one where they are in the
/// order `to`. The bytes of `out` may begin at any address.
void reorder(const Parameter& parameter, std::span<const Real> tensor, const FileOrder& from,
             const FileOrder& to, std::span<std::byte> out);

/// The numbers of a tensor of a group, such as kModelGroup, in the file's order.
/// Errors: Error(bad_data) if it is not there, or of another shape.
[[nodiscard]] std::vector<float> read_tensor(const Hdf5Reader& file, const std::string& group,
                                             const Parameter& parameter);

/// The tensors of all parameters, into a flat buffer.
/// Errors: as read_tensor.
void read_tensors(const Hdf5Reader& file, const std::string& group, const Network& network,
                  const std::vector<FileOrder>& orders, std::span<Real> flat);

}  // namespace lockstep
