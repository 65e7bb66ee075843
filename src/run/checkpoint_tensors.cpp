#include "run/checkpoint_tensors.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lockstep/base/buffer.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/nn/file_order.hpp"
#include "lockstep/run/checkpoint.hpp"

namespace lockstep {

std::vector<FileOrder> orders_in(std::uint64_t version, const Network& network) {
  if (version >= kCheckpointVersion) return file_orders(network).parameters;
  return std::vector<FileOrder>(network.parameters().parameters().size());
}

void reorder(const Parameter& parameter, std::span<const Real> tensor, const FileOrder& from,
             const FileOrder& to, std::span<std::byte> out) {
  Parameter alone = parameter;
  alone.offset = 0;
  Buffer<Real> flat(alone.spec.stored_size());
  from_file_layout(alone, tensor, flat.span(), from);
  to_file_layout(alone, flat.span(), out, to);
}

std::vector<float> read_tensor(const Hdf5Reader& file, const std::string& group,
                               const Parameter& parameter) {
  const std::string path = group + "/" + parameter.name;
  const std::string name = path.substr(1);
  if (!file.has(path)) {
    throw Error(ExitCode::bad_data, fmt::format("checkpoint has no tensor '{}'", name));
  }
  if (const auto found = file.shape_of(path); found != parameter.file_shape()) {
    throw Error(ExitCode::bad_data,
                fmt::format("tensor '{}': expected shape ({}), found ({})", name,
                            fmt::join(parameter.file_shape(), ", "), fmt::join(found, ", ")));
  }
  return file.floats(path);
}

void read_tensors(const Hdf5Reader& file, const std::string& group, const Network& network,
                  const std::vector<FileOrder>& orders, std::span<Real> flat) {
  for (std::size_t i = 0; i < orders.size(); ++i) {
    const Parameter& parameter = network.parameters().parameters()[i];
    from_file_layout(parameter, read_tensor(file, group, parameter), flat, orders[i]);
  }
}

}  // namespace lockstep
