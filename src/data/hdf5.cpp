#include "lockstep/io/hdf5.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "data/loaders.hpp"
#include "data/number_array.hpp"

namespace lockstep {
namespace {

constexpr std::array<unsigned char, 8> kMagic = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};

/// "/group/name" of parts that may have slashes of their own.
std::string object_path(const std::string& group, const std::string& name) {
  std::string path = "/" + group + "/" + name;
  const auto both_slashes = [](char a, char b) { return a == '/' && b == '/'; };
  path.erase(std::unique(path.begin(), path.end(), both_slashes), path.end());
  return path;
}

template <typename T>
NumberArray view_of(const std::vector<T>& values, std::vector<Index> dimensions, NumberType type,
                    const std::string& path) {
  return {path, std::move(dimensions), type, std::endian::native, std::as_bytes(std::span(values))};
}

}  // namespace

bool is_hdf5(std::span<const std::byte> bytes) {
  return bytes.size() >= kMagic.size() &&
         std::equal(kMagic.begin(), kMagic.end(), bytes.begin(),
                    [](unsigned char c, std::byte b) { return static_cast<std::byte>(c) == b; });
}

Dataset load_hdf5(const Source& source, const DataFile& file) {
  const Hdf5Reader reader(file.bytes, file.path);
  const std::string inputs_path = object_path(file.group, source.inputs_name);
  const auto load = [&](const auto& values, NumberType type) {
    const NumberArray inputs = view_of(values, reader.shape_of(inputs_path), type,
                                       fmt::format("{}: {}", file.path, inputs_path));
    if (source.inputs_only) return make_dataset(inputs, source.classification);
    const std::string targets_path = object_path(file.group, source.targets_name);
    const std::vector<double> targets = reader.doubles(targets_path);
    return make_dataset(inputs,
                        view_of(targets, reader.shape_of(targets_path), NumberType::f64,
                                fmt::format("{}: {}", file.path, targets_path)),
                        source.classification);
  };
  return reader.type_of(inputs_path) == Hdf5Type::u8
             ? load(reader.bytes(inputs_path), NumberType::u8)
             : load(reader.floats(inputs_path), NumberType::f32);
}

}  // namespace lockstep
