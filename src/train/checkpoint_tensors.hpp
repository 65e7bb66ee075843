#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lockstep/io/digest.hpp"
#include "lockstep/io/hdf5.hpp"
#include "lockstep/nn/network.hpp"

namespace lockstep {

/// Writes the tensors of a checkpoint and keeps their digests: one for each as it is in the file,
/// and one over all names and values in order, whose channels are in our own order: what a run
/// computes has the digest that it had when files were of version 1.
class TensorWriter {
 public:
  explicit TensorWriter(Hdf5Writer& file) : file_(file) {}

  void write(const std::string& group, const Parameter& parameter, const FileOrder& order,
             std::span<const Real> flat);
  /// Writes the digests; returns that of the state.
  std::string finish();

 private:
  Hdf5Writer& file_;
  std::vector<std::pair<std::string, std::string>> digests_;
  Digester state_;
};

/// The order of channels in a file of a version, for each parameter of the network.
[[nodiscard]] std::vector<FileOrder> orders_in(std::uint64_t version, const Network& network);

/// The numbers of a tensor in the file's order. Errors: Error(bad_data) if it is not there, or of
/// another shape.
[[nodiscard]] std::vector<float> read_tensor(const Hdf5Reader& file, const std::string& group,
                                             const Parameter& parameter);

/// The tensors of all parameters, into a flat buffer. Errors: as read_tensor.
void read_tensors(const Hdf5Reader& file, const std::string& group, const Network& network,
                  const std::vector<FileOrder>& orders, std::span<Real> flat);

}  // namespace lockstep
