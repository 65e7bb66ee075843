#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "lockstep/nn/layer.hpp"

namespace lockstep {

/// In which order a file numbers along the axes of a parameter: what is number k there is number
/// order[axis][k] here, with axes as in ParameterSpec::shape. An empty list: as here.
using FileOrder = std::vector<std::vector<Index>>;

/// One named slice of the flat buffers.
struct Parameter {
  std::string name;  ///< "fc1.weight"
  Index offset = 0;
  ParameterSpec spec;

  /// The shape of the tensor in files.
  [[nodiscard]] std::vector<Index> file_shape() const;
};

/// A part of the flat buffers that a step changes in one way.
struct RoleRange {
  Range range;
  Role role = Role::weight;
  double averaging = 0;  ///< of statistics

  [[nodiscard]] bool learned() const { return role != Role::statistic; }
};

/// Names, offsets and shapes of the flat buffers that hold parameters, gradients and optimizer
/// state alike: execution order, each slice aligned, gaps always zero.
class ParameterTable {
 public:
  /// Appends a layer's parameters; returns their offsets.
  std::vector<Index> add(const std::string& layer, const std::vector<ParameterSpec>& specs);

  [[nodiscard]] const std::vector<Parameter>& parameters() const { return parameters_; }
  /// Numbers in a flat buffer, alignment included.
  [[nodiscard]] Index size() const { return size_; }
  /// Numbers that are learned.
  [[nodiscard]] Index count() const;
  /// The whole buffer by role, in order; neighbours with the same role are one part, and each part
  /// starts at a parameter.
  [[nodiscard]] std::vector<RoleRange> roles() const;

  /// Initial values of all parameters into a zeroed flat buffer: a function of the seed. Or of part
  /// `part` of `parts` of them only, so that ranks that share the buffer can share the work.
  void initialize(std::uint64_t seed, std::span<Real> flat, Index part = 0, Index parts = 1) const;

 private:
  std::vector<Parameter> parameters_;
  Index size_ = 0;
};

/// Copies one tensor between its layout in a flat buffer and its layout in files, where channels
/// may have another `order`, as `file_orders` tells. Bytes may begin at any address.
void to_file_layout(const Parameter& parameter, std::span<const Real> flat,
                    std::span<std::byte> out, const FileOrder& order = {});
inline void to_file_layout(const Parameter& parameter, std::span<const Real> flat,
                           std::span<Real> out, const FileOrder& order = {}) {
  to_file_layout(parameter, flat, std::as_writable_bytes(out), order);
}
void from_file_layout(const Parameter& parameter, std::span<const Real> in, std::span<Real> flat,
                      const FileOrder& order = {});

}  // namespace lockstep
