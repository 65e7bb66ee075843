#include "lockstep/io/weights_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "io/hdf5_file.hpp"
#include "lockstep/base/file_kind.hpp"
#include "lockstep/io/file.hpp"
#include "lockstep/io/hdf5.hpp"
#include "lockstep/io/limited_child.hpp"
#include "lockstep/io/safetensors.hpp"

namespace lockstep {
namespace {

constexpr std::size_t kBeginning = 4096;  // bytes that tell what a file is

/// An array with its numbers.
struct Array {
  std::string name;
  std::vector<Index> shape;
  std::vector<float> reals{};
  std::vector<std::int64_t> integers{};
};

Array read_array(const Hdf5Reader& file, const std::string& group, const std::string& name) {
  const std::string path = group + "/" + name;
  Array array{.name = name, .shape = file.shape_of(path)};
  if (file.type_of(path) == Hdf5Type::real) {
    array.reals = file.floats(path);
  } else {
    array.integers = file.integers(path);
  }
  return array;
}

SafetensorsTensor tensor_of(const Array& array) {
  const bool real = array.integers.empty();
  return {.name = array.name,
          .dtype = real ? "F32" : "I64",
          .shape = array.shape,
          .data = real ? std::as_bytes(std::span(array.reals))
                       : std::as_bytes(std::span(array.integers))};
}

/// The group with the tensors; empty for the root.
std::string group_of(const Hdf5Reader& file) {
  constexpr int kMaxDepth = 3;
  std::string group;
  for (int depth = 0; depth < kMaxDepth; ++depth) {
    constexpr std::array<std::string_view, 3> kUsual = {"model", "state_dict", "model_state_dict"};
    const auto usual = std::ranges::find_if(
        kUsual, [&](std::string_view name) { return file.has(fmt::format("{}/{}", group, name)); });
    if (usual == kUsual.end()) break;
    group += fmt::format("/{}", *usual);
  }
  return group;
}

}  // namespace

std::vector<std::byte> safetensors_of_hdf5(std::span<const std::byte> image,
                                           const std::string& label) {
  const Hdf5Reader file(image, label);
  const std::string group = group_of(file);
  std::vector<Array> arrays;
  for (const std::string& name : file.list(group.empty() ? "/" : group)) {
    arrays.push_back(read_array(file, group, name));
  }
  Safetensors content;
  for (const Array& array : arrays) content.tensors.push_back(tensor_of(array));
  if (file.has_attribute("/", "lockstep_version")) {
    content.metadata["lockstep_version"] = file.text_attribute("/", "lockstep_version");
    content.metadata["format_version"] =
        fmt::format("{}", file.count_attribute("/", "format_version"));
    if (file.has("/optimizer/ema")) content.metadata["average"] = "optimizer/ema";
  }
  return write_safetensors(content);
}

std::vector<std::byte> read_weights_file(const std::string& path) {
  std::array<std::byte, kBeginning> head{};
  const Index size = look_into_file(path, head);
  const auto beginning =
      std::span(head).first(std::min(kBeginning, static_cast<std::size_t>(size)));
  if (is_hdf5(beginning)) {
    const auto most = static_cast<std::uint64_t>(size);
    const std::uint64_t length = std::min(most, hdf5_length(beginning).value_or(most));
    const std::vector<std::byte> bytes = read_beginning(path, static_cast<Index>(length));
    return run_limited(path, limits_of_reading(static_cast<Index>(bytes.size())),
                       [&] { return safetensors_of_hdf5(bytes, path); });
  }
  const auto kind = kind_of_file(beginning);
  if (kind && kind->use != FileUse::weights) {
    refuse_kind(path, *kind, "weights as safetensors or HDF5");
  }
  check_safetensors(read_beginning(path, safetensors_beginning(beginning, size, path)), size, path);
  return read_file(path);
}

}  // namespace lockstep
