#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "data/loaders.hpp"
#include "data/number_array.hpp"
#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kLengthAt = 8;

struct TypeRow {
  std::string_view code;
  NumberType type;
};
// Bool is a byte, 0 or 1.
constexpr std::array<TypeRow, 10> kTypes = {{{"b1", NumberType::u8},
                                             {"u1", NumberType::u8},
                                             {"i1", NumberType::i8},
                                             {"u2", NumberType::u16},
                                             {"u4", NumberType::u32},
                                             {"i2", NumberType::i16},
                                             {"i4", NumberType::i32},
                                             {"i8", NumberType::i64},
                                             {"f4", NumberType::f32},
                                             {"f8", NumberType::f64}}};

[[noreturn]] void reject(const DataFile& file, const std::string& reason) {
  throw Error(ExitCode::bad_data, fmt::format("{}: {}", file.path, reason));
}

/// Reads the header, a Python dictionary such as {'descr': '<f4', 'fortran_order': False, 'shape':
/// (3, 4), }.
class HeaderParser {
 public:
  HeaderParser(const DataFile& file, std::string_view text) : file_(file), text_(text) {}

  NumberArray parse() {
    NumberArray array{file_.path, {}, NumberType::u8, std::endian::little, {}};
    std::array<bool, 3> seen{};
    expect('{');
    while (!accept('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr") {
        read_type(array);
        seen[0] = true;
      } else if (key == "fortran_order") {
        read_order();
        seen[1] = true;
      } else if (key == "shape") {
        array.dimensions = tuple();
        seen[2] = true;
      } else {
        fail("the keys descr, fortran_order, shape");
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    if (!std::ranges::all_of(seen, [](bool b) { return b; })) {
      fail("the keys descr, fortran_order, shape");
    }
    return array;
  }

 private:
  [[noreturn]] void fail(std::string_view expected) const {
    reject(file_, fmt::format("header, character {}: expected {}", at_, expected));
  }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool accept(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(fmt::format("'{}'", c));
  }
  bool accept(std::string_view word) {
    skip_space();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  std::string_view quoted() {
    expect('\'');
    const std::size_t end = text_.find('\'', at_);
    if (end == std::string_view::npos) fail("a closing quote");
    const std::string_view content = text_.substr(at_, end - at_);
    at_ = end + 1;
    return content;
  }

  void read_type(NumberArray& array) {
    if (accept('[')) {
      reject(file_,
             "a structured array, of records: save its columns as one array of numbers, "
             "numpy.stack([a[n] for n in a.dtype.names], -1)");
    }
    const std::string_view code = quoted();
    const auto found =
        code.empty() ? kTypes.end() : std::ranges::find(kTypes, code.substr(1), &TypeRow::code);
    if (found == kTypes.end() || std::string_view("<>|").find(code[0]) == std::string_view::npos) {
      reject(file_, fmt::format("expected bool or numbers of type u1, u2, u4, i1, i2, i4, i8, f4 "
                                "or f8, found \"{}\"; {}",
                                code, remedy_for(code)));
    }
    array.type = found->type;
    array.order = code[0] == '>' ? std::endian::big : std::endian::little;
  }

  static std::string_view remedy_for(std::string_view code) {
    const char kind = code.size() > 1 ? code[1] : ' ';
    if (kind == 'U' || kind == 'S') {
      return "texts are numbered with numpy.unique(labels, return_inverse=True)[1]";
    }
    if (kind == 'O') return "Python objects: save an array of numbers";
    if (kind == 'c') return "complex numbers: save numpy.stack([z.real, z.imag], -1)";
    return "convert with array.astype(\"f8\")";
  }

  void read_order() {
    if (accept("True")) {
      reject(file_, "the array is in Fortran order; save numpy.ascontiguousarray(array) instead");
    }
    if (!accept("False")) fail("True or False");
  }

  std::vector<Index> tuple() {
    std::vector<Index> numbers;
    expect('(');
    while (!accept(')')) {
      skip_space();
      Index number = -1;
      const auto [end, error] =
          std::from_chars(text_.data() + at_, text_.data() + text_.size(), number);
      if (error != std::errc() || number < 0) fail("a dimension");
      at_ = static_cast<std::size_t>(end - text_.data());
      numbers.push_back(number);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return numbers;
  }

  const DataFile& file_;
  std::string_view text_;
  std::size_t at_ = 0;
};

/// Where the text of the header starts and how long it is: version 1 has a length of two bytes, 2
/// and 3 of four.
struct HeaderRange {
  std::size_t begin, size;
};

HeaderRange header_range(const DataFile& file) {
  const auto byte = [&](std::size_t i) { return std::to_integer<std::size_t>(file.bytes[i]); };
  if (!is_npy(file.bytes)) reject_start(file, "a NumPy file");
  const std::size_t version = file.bytes.size() > 6 ? byte(6) : 0;
  if (version < 1 || version > 3) {
    reject(file, fmt::format("expected NumPy format 1, 2 or 3, found {}", version));
  }
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  HeaderRange range{kLengthAt + length_bytes, 0};
  if (file.bytes.size() < range.begin) reject(file, "truncated within the header");
  for (std::size_t i = 0; i < length_bytes; ++i) range.size |= byte(kLengthAt + i) << (8 * i);
  if (range.size > file.bytes.size() - range.begin) {
    reject(file, fmt::format("expected a header of {} bytes, found {}: the file is truncated",
                             range.size, file.bytes.size() - range.begin));
  }
  return range;
}

NumberArray parse_npy(const DataFile& file) {
  const auto [begin, size] = header_range(file);
  const auto* text = reinterpret_cast<const char*>(file.bytes.data()) + begin;
  NumberArray array = HeaderParser(file, {text, size}).parse();
  array.data = std::span(file.bytes).subspan(begin + size);
  const Index expected = array_bytes(array.dimensions, array.type);
  if (expected < 0) reject(file, "the shape declares more bytes than any file can hold");
  if (const auto found = static_cast<Index>(array.data.size()); found != expected) {
    reject(file, fmt::format("expected {} bytes of data after offset {}, found {}", expected,
                             begin + size, found));
  }
  return array;
}

}  // namespace

bool is_npy(std::span<const std::byte> bytes) {
  return bytes.size() >= kMagic.size() &&
         std::equal(kMagic.begin(), kMagic.end(), bytes.begin(),
                    [](char c, std::byte b) { return static_cast<std::byte>(c) == b; });
}

Dataset load_npy(const Source& source, const DataFile& file) {
  NumberArray inputs = parse_npy(file);
  inputs.channels_first = source.channels_first;
  inputs.offsets = source.input_offsets;
  if (source.inputs_only) return make_dataset(inputs, source.classification);
  const DataFile labels = read_labels_file(source);
  NumberArray targets = parse_npy(labels);
  targets.ignored = source.ignore_label;
  targets.offsets = source.target_offsets;
  return make_dataset(inputs, targets, {}, source.classification);
}

}  // namespace lockstep
