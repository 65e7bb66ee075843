#include "train/checkpoint_tensors.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lockstep/base/error.hpp"
#include "lockstep/nn/file_order.hpp"
#include "lockstep/train/checkpoint.hpp"

namespace lockstep {

void TensorWriter::write(const std::string& group, const Parameter& parameter,
                         const FileOrder& order, std::span<const Real> flat) {
  const std::string name = group + "/" + parameter.name;
  const std::span<std::byte> values = file_.make_dataset("/" + name, parameter.file_shape());
  to_file_layout(parameter, flat, values);
  state_.update(std::as_bytes(std::span(name)));
  state_.update(values);
  if (!order.empty()) to_file_layout(parameter, flat, values, order);
  digests_.emplace_back(name, digest_of(values).hex());
}

std::string TensorWriter::finish() {
  file_.group("/digest");
  const std::string state = state_.finish().hex();
  file_.attribute("/digest", "algorithm", std::string("XXH3-128"));
  file_.attribute("/digest", "state", state);
  for (const auto& [name, digest] : digests_) file_.attribute("/digest", name, digest);
  return state;
}

std::vector<FileOrder> orders_in(std::uint64_t version, const Network& network) {
  if (version >= kCheckpointVersion) return file_orders(network).parameters;
  return std::vector<FileOrder>(network.parameters().parameters().size());
}

std::vector<float> read_tensor(const Hdf5Reader& file, const std::string& group,
                               const Parameter& parameter) {
  const std::string path = "/" + group + "/" + parameter.name;
  if (!file.has(path)) {
    throw Error(ExitCode::bad_data,
                "checkpoint has no tensor '" + group + "/" + parameter.name + "'");
  }
  if (const auto found = file.shape_of(path); found != parameter.file_shape()) {
    throw Error(
        ExitCode::bad_data,
        fmt::format("tensor '{}/{}': expected shape ({}), found ({})", group, parameter.name,
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
