#include "lockstep/io/weights_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "lockstep/base/error.hpp"
#include "lockstep/base/file_kind.hpp"
#include "lockstep/io/file.hpp"
#include "lockstep/io/hdf5.hpp"
#include "lockstep/io/limited_child.hpp"
#include "lockstep/io/safetensors.hpp"

namespace lockstep {
namespace {

constexpr std::string_view kHdf5Magic = "\x89HDF\r\n\x1a\n";
constexpr std::string_view kZipMagic = "PK\x03\x04";

bool starts_with(std::span<const std::byte> bytes, std::string_view magic) {
  const auto same = [](std::byte b, char c) { return b == static_cast<std::byte>(c); };
  return bytes.size() >= magic.size() && std::ranges::equal(bytes.first(magic.size()), magic, same);
}

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

}  // namespace

std::vector<std::byte> safetensors_of_hdf5(std::span<const std::byte> image,
                                           const std::string& label) {
  const Hdf5Reader file(image, label);
  const std::string group = file.has("/model") ? "/model" : "";
  std::vector<Array> arrays;
  for (const std::string& name : file.list(group.empty() ? "/" : group)) {
    arrays.push_back(read_array(file, group, name));
  }
  Safetensors content;
  for (const Array& array : arrays) content.tensors.push_back(tensor_of(array));
  return write_safetensors(content);
}

std::vector<std::byte> read_weights_file(const std::string& path) {
  std::vector<std::byte> bytes = read_file(path);
  if (starts_with(bytes, kZipMagic)) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: an archive as torch.save writes it, which is a program to be run\n"
                            "  in PyTorch: safetensors.torch.save_file(model.state_dict(), "
                            "\"model.safetensors\")",
                            path));
  }
  if (!starts_with(bytes, kHdf5Magic)) {
    const auto kind = kind_of_file(bytes);
    if (kind && kind->use != FileUse::weights) {
      refuse_kind(path, *kind, "weights as safetensors or HDF5");
    }
    return bytes;
  }
  return run_limited(path, limits_of_reading(static_cast<Index>(bytes.size())),
                     [&] { return safetensors_of_hdf5(bytes, path); });
}

}  // namespace lockstep
