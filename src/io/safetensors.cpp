#include "lockstep/io/safetensors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>

#include "io/safetensors_header.hpp"
#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

static_assert(std::endian::native == std::endian::little, "files are little-endian");

/// As numbers of 16 bits are read: sign, 5 bits of exponent, 10 of fraction.
float float_of_half(std::uint16_t half) {
  const int exponent = half >> 10 & 0x1f;
  const auto fraction = static_cast<float>(half & 0x3ff);
  float magnitude = std::ldexp(fraction, -24);  // subnormal, or zero
  if (exponent == 0x1f) {
    magnitude = fraction == 0 ? HUGE_VALF : NAN;
  } else if (exponent > 0) {
    magnitude = std::ldexp(fraction + 1024, exponent - 25);
  }
  return (half & 0x8000) == 0 ? magnitude : -magnitude;
}

/// The upper half of a float.
float float_of_brain(std::uint16_t upper) {
  return std::bit_cast<float>(std::uint32_t{upper} << 16);
}

template <typename Stored, typename Convert>
std::vector<float> converted(std::span<const std::byte> data, const Convert& convert) {
  std::vector<float> values(data.size() / sizeof(Stored));
  for (std::size_t i = 0; i < values.size(); ++i) {
    Stored stored;
    std::memcpy(&stored, data.data() + i * sizeof(Stored), sizeof(Stored));
    values[i] = convert(stored);
  }
  return values;
}

std::vector<float> converted(const SafetensorsTensor& tensor) {
  if (tensor.dtype == "F32") return converted<float>(tensor.data, [](float x) { return x; });
  if (tensor.dtype == "F64") {
    return converted<double>(tensor.data, [](double x) { return static_cast<float>(x); });
  }
  if (tensor.dtype == "F16") return converted<std::uint16_t>(tensor.data, float_of_half);
  if (tensor.dtype == "BF16") return converted<std::uint16_t>(tensor.data, float_of_brain);
  throw Error(ExitCode::bad_data,
              fmt::format("tensor '{}': expected numbers of type F64, F32, F16 or BF16, found {}",
                          tensor.name, tensor.dtype));
}

}  // namespace

std::vector<float> SafetensorsTensor::floats() const {
  std::vector<float> values = converted(*this);
  const auto wrong = std::ranges::find_if_not(values, [](float x) { return std::isfinite(x); });
  if (wrong != values.end()) {
    throw Error(ExitCode::bad_data,
                fmt::format("tensor '{}': number {} is {} as a 32-bit number; expected finite ones",
                            name, wrong - values.begin(), *wrong));
  }
  return values;
}

const SafetensorsTensor* Safetensors::find(const std::string& name) const {
  const auto found = std::ranges::find(tensors, name, &SafetensorsTensor::name);
  return found == tensors.end() ? nullptr : &*found;
}

Safetensors read_safetensors(std::span<const std::byte> file, const std::string& label) {
  SafetensorsHeader header = read_safetensors_header(file, static_cast<Index>(file.size()), label);
  Safetensors content{.metadata = std::move(header.metadata), .tensors = {}};
  const Index data_bytes = header.entries.empty() ? 0 : header.entries.back().end;
  const auto data = file.last(static_cast<std::size_t>(data_bytes));
  for (SafetensorsEntry& entry : header.entries) {
    entry.tensor.data = data.subspan(static_cast<std::size_t>(entry.begin),
                                     static_cast<std::size_t>(entry.end - entry.begin));
    content.tensors.push_back(std::move(entry.tensor));
  }
  return content;
}

void check_safetensors(std::span<const std::byte> beginning, Index file_bytes,
                       const std::string& label) {
  static_cast<void>(read_safetensors_header(beginning, file_bytes, label));
}

std::vector<std::byte> write_safetensors(const Safetensors& content) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!content.metadata.empty()) header[std::string(kSafetensorsMetadata)] = content.metadata;
  std::size_t size = 0;
  for (const SafetensorsTensor& tensor : content.tensors) {
    const std::size_t end = size + tensor.data.size();
    header[tensor.name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {size, end}}};
    size = end;
  }
  std::string text = header.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = text.size();
  std::vector<std::byte> file;
  file.reserve(kSafetensorsBeginning + text.size() + size);
  const auto append = [&file](std::span<const std::byte> bytes) {
    file.insert(file.end(), bytes.begin(), bytes.end());
  };
  append(std::as_bytes(std::span(&length, 1)));
  append(std::as_bytes(std::span(text)));
  for (const SafetensorsTensor& tensor : content.tensors) append(tensor.data);
  return file;
}

}  // namespace lockstep
