#include "io/safetensors_header.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxDimensions = 32;
constexpr std::size_t kMaxMetadata = 4096;  // texts

/// Bytes of an element; 0 for a type that the format does not have.
std::size_t size_of(std::string_view dtype) {
  constexpr std::array<std::string_view, 5> one = {"BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2"};
  constexpr std::array<std::string_view, 4> two = {"I16", "U16", "F16", "BF16"};
  constexpr std::array<std::string_view, 3> four = {"I32", "U32", "F32"};
  constexpr std::array<std::string_view, 3> eight = {"I64", "U64", "F64"};
  const auto is_in = [dtype](const auto& names) {
    return std::ranges::find(names, dtype) != names.end();
  };
  return is_in(one) ? 1 : is_in(two) ? 2 : is_in(four) ? 4 : is_in(eight) ? 8 : 0;
}

/// The product of a shape and an element's size, as far as an Index goes.
bool bytes_of(const std::vector<Index>& shape, std::size_t element, Index& bytes) {
  bytes = static_cast<Index>(element);
  for (const Index dimension : shape) {
    if (__builtin_mul_overflow(bytes, dimension, &bytes)) return false;
  }
  return true;
}

/// Takes the header apart while it is being parsed, so that no more of it is held in memory than
/// what a file may have there. The data, of so many bytes, need not be there.
class HeaderReader {
 public:
  HeaderReader(std::span<const std::byte> json, Index data_bytes, const std::string& label)
      : data_bytes_(data_bytes), label_(label) {
    const auto* const text = reinterpret_cast<const char*>(json.data());
    const auto take = [this](int depth, Json::parse_event_t event, Json& parsed) {
      return on_event(depth, event, parsed);
    };
    try {
      [[maybe_unused]] const Json rest = Json::parse(text, text + json.size(), take);
    } catch (const Json::parse_error& error) {
      reject(fmt::format("no JSON: byte {} of it is wrong", error.byte));
    } catch (const Json::out_of_range&) {
      reject_entry("a number that no computer can hold");
    }
    check_cover();
  }

  SafetensorsHeader header;

 private:
  [[noreturn]] void reject(const std::string& reason) const {
    throw Error(ExitCode::bad_data, fmt::format("{}: header: {}", label_, reason));
  }
  /// Of the entry at hand.
  [[noreturn]] void reject_entry(const std::string& reason) const {
    reject(
        fmt::format("{}'{}': {}", name_ == kSafetensorsMetadata ? "" : "tensor ", name_, reason));
  }

  /// Depth 1: names; 2: what is said about a tensor; 3: numbers of shapes and offsets. False: what
  /// was parsed is done with.
  bool on_event(int depth, Json::parse_event_t event, Json& parsed) {
    using Event = Json::parse_event_t;
    const bool opens = event == Event::object_start || event == Event::array_start;
    if (depth == 0 && (event == Event::array_start || event == Event::value)) {
      reject("expected an object");
    }
    if (depth == 1 && (event == Event::array_start || event == Event::value)) {
      reject_entry("expected an object");
    }
    if ((depth == 2 && event == Event::object_start) || (depth > 2 && opens)) {
      reject_entry("nested too deeply");
    }
    if (event == Event::key) on_key(depth, parsed.get_ref<const std::string&>());
    if (depth == 3 && event == Event::value && ++elements_ > kMaxDimensions) {
      reject_entry(fmt::format("expected at most {} dimensions", kMaxDimensions));
    }
    if (depth != 1 || event != Event::object_end) return true;
    if (name_ == kSafetensorsMetadata) {
      take_metadata(parsed);
    } else {
      take_tensor(parsed);
    }
    return false;
  }

  void on_key(int depth, const std::string& key) {
    elements_ = 0;
    if (depth == 2) {
      if (!keys_.insert(key).second) reject_entry("a key is there twice");
      if (keys_.size() > kMaxMetadata) reject_entry("more keys than anybody needs");
      return;
    }
    keys_.clear();
    if (key.size() > kMaxSafetensorsName) {
      reject(
          fmt::format("a name of {} bytes; at most {} are read", key.size(), kMaxSafetensorsName));
    }
    // Names come to the terminal.
    if (std::ranges::any_of(key, [](unsigned char c) { return c < 0x20 || c == 0x7f; })) {
      reject("a name with control characters");
    }
    if (!names_.insert(key).second) reject(fmt::format("tensor '{}' is there twice", key));
    name_ = key;
  }

  void take_metadata(const Json& texts) {
    for (const auto& [key, text] : texts.items()) {
      if (!text.is_string()) reject_entry("expected nothing but texts");
      header.metadata[key] = text.get<std::string>();
    }
  }

  void take_tensor(const Json& entry) {
    for (const char* key : {"dtype", "shape", "data_offsets"}) {
      if (!entry.contains(key)) reject_entry(fmt::format("'{}' is missing", key));
    }
    if (entry.size() > 3) reject_entry("expected dtype, shape and data_offsets and no more");
    SafetensorsTensor tensor{
        .name = name_, .dtype = dtype_of(entry.at("dtype")), .shape = {}, .data = {}};
    tensor.shape = counts_of(entry, "shape");
    const std::vector<Index> offsets = counts_of(entry, "data_offsets");
    if (offsets.size() != 2) reject_entry("data_offsets: expected a begin and an end");
    const Index begin = offsets[0], end = offsets[1];
    if (begin > end || end > data_bytes_) {
      reject_entry(fmt::format("data_offsets {} to {}: expected them within the {} bytes of data",
                               begin, end, data_bytes_));
    }
    Index bytes = 0;
    if (!bytes_of(tensor.shape, size_of(tensor.dtype), bytes)) {
      reject_entry(fmt::format("shape ({}) has more elements than any file can hold",
                               fmt::join(tensor.shape, ", ")));
    }
    if (end - begin != bytes) {
      reject_entry(fmt::format("expected {} bytes of data for shape ({}) of {}, found {}", bytes,
                               fmt::join(tensor.shape, ", "), tensor.dtype, end - begin));
    }
    header.entries.push_back({std::move(tensor), begin, end});
  }

  [[nodiscard]] std::string dtype_of(const Json& dtype) const {
    if (!dtype.is_string()) reject_entry("dtype: expected a text");
    if (size_of(dtype.get_ref<const std::string&>()) == 0) {
      reject_entry("dtype: expected F64, F32, F16 or BF16, found an unknown one");
    }
    return dtype.get<std::string>();
  }

  [[nodiscard]] std::vector<Index> counts_of(const Json& entry, const char* key) const {
    std::vector<Index> counts;
    const Json& list = entry.at(key);
    if (!list.is_array()) reject_entry(fmt::format("{}: expected a list", key));
    for (const Json& number : list) {
      if (!number.is_number_unsigned() || number.get<std::uint64_t>() > INT64_MAX) {
        reject_entry(fmt::format("{}: expected whole numbers from 0 to 2^63 - 1", key));
      }
      counts.push_back(number.get<Index>());
    }
    return counts;
  }

  /// Sorts the tensors by their data, of which each byte must belong to one.
  void check_cover() {
    std::ranges::sort(header.entries, {},
                      [](const SafetensorsEntry& e) { return std::pair(e.begin, e.end); });
    Index covered = 0;
    for (const SafetensorsEntry& entry : header.entries) {
      name_ = entry.tensor.name;
      if (entry.begin != covered) {
        reject_entry(fmt::format(
            "its data begins at {}, {}: expected {}, the end of the one before", entry.begin,
            entry.begin < covered ? "within another's" : "after a gap", covered));
      }
      covered = entry.end;
    }
    if (covered != data_bytes_) {
      reject(
          fmt::format("the tensors have {} bytes of data, the file has {}", covered, data_bytes_));
    }
  }

  Index data_bytes_;
  const std::string& label_;
  std::string name_;             // of the tensor at hand
  std::set<std::string> keys_;   // of that tensor
  std::set<std::string> names_;  // of all
  std::size_t elements_ = 0;     // of the list at hand
};

/// The length of the header.
/// Errors: Error(bad_data) if a file of so many bytes cannot have it.
Index header_length(std::span<const std::byte> beginning, Index file_bytes,
                    const std::string& label) {
  if (file_bytes < static_cast<Index>(kSafetensorsBeginning)) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: too short for a safetensors file: {} bytes", label, file_bytes));
  }
  std::uint64_t length = 0;
  std::memcpy(&length, beginning.data(), kSafetensorsBeginning);
  const std::uint64_t rest = static_cast<std::uint64_t>(file_bytes) - kSafetensorsBeginning;
  if (length > rest || length > kMaxSafetensorsHeader) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: no safetensors file, or a truncated one: it announces a header of "
                            "{} bytes, behind which it has {}; at most {} are read",
                            label, length, rest, kMaxSafetensorsHeader));
  }
  return static_cast<Index>(length);
}

}  // namespace

SafetensorsHeader read_safetensors_header(std::span<const std::byte> beginning, Index file_bytes,
                                          const std::string& label) {
  const Index length = header_length(beginning, file_bytes, label);
  const auto json = beginning.subspan(kSafetensorsBeginning, static_cast<std::size_t>(length));
  if (json.empty() || json.front() != std::byte{'{'}) {
    throw Error(ExitCode::bad_data, fmt::format("{}: header: expected it to begin with {{", label));
  }
  const Index data_bytes = file_bytes - static_cast<Index>(kSafetensorsBeginning) - length;
  return HeaderReader(json, data_bytes, label).header;
}

Index safetensors_beginning(std::span<const std::byte> beginning, Index file_bytes,
                            const std::string& label) {
  return static_cast<Index>(kSafetensorsBeginning) + header_length(beginning, file_bytes, label);
}

}  // namespace lockstep
