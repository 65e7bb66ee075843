#include "lockstep/io/safetensors.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <random>

#include "io/safetensors_testing.hpp"
#include "io/testing.hpp"

namespace lockstep {
namespace {

using namespace std::string_literals;

/// What the Python library 0.3 and newer makes of {"attn0": arange(6).reshape(1, 1, 2, 3)}, from
/// its own tests.
std::string official_file() {
  return "\x48\0\0\0\0\0\0\0"s
         R"({"attn0":{"dtype":"F32","shape":[1,1,2,3],"data_offsets":[0,24]}}       )"
         "\0\0\0\0\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40\0\0\xa0\x40"s;
}

template <typename T>
std::string bits(std::initializer_list<T> values) {
  return {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T)};
}

/// The numbers of the only tensor, a vector, of a file.
std::vector<float> floats_of(const std::string& dtype, const std::string& data, Index count) {
  const auto file = bytes_of(
      safetensors_file(fmt::format(R"({{"x":{{"dtype":"{}","shape":[{}],"data_offsets":[0,{}]}}}})",
                                   dtype, count, data.size()),
                       data));
  return read_safetensors(file, "file").tensors.at(0).floats();
}

TEST(Safetensors, ReadsWhatTheOfficialLibraryWrites) {
  const auto file = bytes_of(official_file());
  const Safetensors found = read_safetensors(file, "file");
  ASSERT_EQ(found.tensors.size(), 1u);
  EXPECT_EQ(found.tensors[0].name, "attn0");
  EXPECT_EQ(found.tensors[0].shape, (std::vector<Index>{1, 1, 2, 3}));
  EXPECT_EQ(found.tensors[0].floats(), (std::vector<float>{0, 1, 2, 3, 4, 5}));
}

TEST(Safetensors, WritesWhatTheOfficialLibraryWrites) {
  const std::vector<float> numbers = {0, 1, 2, 3, 4, 5};
  const Safetensors content{.metadata = {},
                            .tensors = {{.name = "attn0",
                                         .dtype = "F32",
                                         .shape = {1, 1, 2, 3},
                                         .data = std::as_bytes(std::span(numbers))}}};
  EXPECT_EQ(text_of(write_safetensors(content)), official_file());
}

TEST(Safetensors, ReadsWhatItHasWritten) {
  const std::vector<float> weight = {1.5f, -0.0f, 3e38f};
  const std::vector<std::int64_t> count = {7};
  const Safetensors content{
      .metadata = {{"format", "pt"}, {"quoted", "a \"b\"\nc"}},
      .tensors = {
          {"fc.weight", "F32", {1, 3}, std::as_bytes(std::span(weight))},
          {"empty", "F32", {0, 3}, {}},
          {"norm.num_batches_tracked", "I64", {}, std::as_bytes(std::span(count))},
      }};
  const auto file = write_safetensors(content);
  const Safetensors found = read_safetensors(file, "file");
  EXPECT_EQ(found.metadata, content.metadata);
  ASSERT_EQ(found.tensors.size(), 3u);
  const SafetensorsTensor* const read = found.find("fc.weight");
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(text_of(read->data), text_of(std::as_bytes(std::span(weight))));
  EXPECT_EQ(found.find("empty")->shape, (std::vector<Index>{0, 3}));
  EXPECT_EQ(found.find("norm.num_batches_tracked")->shape, std::vector<Index>{});
  EXPECT_EQ(found.find("fc"), nullptr);
}

TEST(Safetensors, ReadsAllTypesOfReals) {
  const std::vector<float> expected = {1, -2.5f, 0};
  EXPECT_EQ(floats_of("F64", bits<double>({1, -2.5, 0}), 3), expected);
  EXPECT_EQ(floats_of("F32", bits<float>({1, -2.5f, 0}), 3), expected);
  EXPECT_EQ(floats_of("F16", bits<std::uint16_t>({0x3c00, 0xc100, 0x0000}), 3), expected);
  EXPECT_EQ(floats_of("BF16", bits<std::uint16_t>({0x3f80, 0xc020, 0x0000}), 3), expected);
}

// From IEEE 754: the largest, the smallest normal, and the smallest of all.
TEST(Safetensors, ReadsTheEndsOfHalfPrecision) {
  EXPECT_EQ(floats_of("F16", bits<std::uint16_t>({0x7bff, 0x0400, 0x0001, 0x8001}), 4),
            (std::vector<float>{65504, std::ldexp(1.0f, -14), std::ldexp(1.0f, -24),
                                -std::ldexp(1.0f, -24)}));
}

TEST(Safetensors, RefusesNumbersThatAreNotFinite) {
  const float infinity = std::numeric_limits<float>::infinity();
  const auto refused = [](const std::string& dtype, const std::string& data, Index count,
                          const std::string& fragment) {
    expect_error(ExitCode::bad_data, fragment, [&] { (void)floats_of(dtype, data, count); });
  };
  refused("F32", bits<float>({1, infinity}), 2, "tensor 'x': number 1 is inf");
  refused("F32", bits<float>({NAN}), 1, "number 0 is nan");
  refused("F64", bits<double>({0, 1e300}), 2, "number 1 is inf as a 32-bit number");
  refused("F16", bits<std::uint16_t>({0x7c00}), 1, "number 0 is inf");
  refused("F16", bits<std::uint16_t>({0xfe00}), 1, "nan");
  refused("BF16", bits<std::uint16_t>({0xff80}), 1, "number 0 is -inf");
}

TEST(Safetensors, RefusesNumbersThatAreNoReals) {
  for (const char* dtype : {"I64", "U64"}) {
    expect_error(ExitCode::bad_data,
                 "expected numbers of type F64, F32, F16 or BF16, found "s + dtype,
                 [&] { (void)floats_of(dtype, std::string(8, '\0'), 1); });
  }
}

struct Lie {
  std::string name;
  std::string file;
  std::string fragment;
};

void PrintTo(const Lie& lie, std::ostream* out) { *out << lie.name; }

/// One tensor of four bytes unless `entry` says something else.
Lie entry(const std::string& name, const std::string& said, const std::string& fragment) {
  return {name, safetensors_file(R"({"x":)" + said + "}", std::string(4, '\0')),
          "file: header: " + fragment};
}

std::vector<Lie> lies() {
  const std::string ok = R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  const std::string next = R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})";
  const auto header = [](const std::string& name, const std::string& text,
                         const std::string& fragment) {
    return Lie{name, safetensors_file(text, std::string(8, '\0')), "file: header: " + fragment};
  };
  return {
      {"Empty", "", "file: too short for a safetensors file: 0 bytes"},
      {"SevenBytes", "1234567", "too short for a safetensors file: 7 bytes"},
      {"LengthBeyondTheFile", "\x10\0\0\0\0\0\0\0{}"s, "announces a header of 16 bytes"},
      {"LengthOfAllBits", std::string(8, '\xff') + "{}",
       "announces a header of 18446744073709551615"},
      {"NoHeader", safetensors_file(""), "header: expected it to begin with {"},
      {"HeaderIsAList", safetensors_file("[]"), "header: expected it to begin with {"},
      {"HeaderBeginsWithASpace", safetensors_file(" {}"), "header: expected it to begin with {"},
      header("NoJson", R"({"x":})", "no JSON: byte 6 of it is wrong"),
      header("CutOff", R"({"x":{"dtype":"F32")", "no JSON: byte"),
      header("Twice", "{}{}", "no JSON: byte 3"),
      header("NoUtf8", "{\"\xff\":1}", "no JSON: byte 3"),
      header("EntryIsANumber", R"({"x":1})", "tensor 'x': expected an object"),
      header("EntryIsAList", R"({"x":[]})", "tensor 'x': expected an object"),
      header("DuplicateName", R"({"x":)" + ok + R"(,"x":)" + next + "}",
             "tensor 'x' is there twice"),
      header("DuplicateNameByEscape", R"({"x":)" + ok + R"(,"\u0078":)" + next + "}",
             "tensor 'x' is there twice"),
      header("NameWithControlCharacters", R"({"a\u001b[2J":)" + ok + "}",
             "a name with control characters"),
      header("LongName", "{\"" + std::string(1025, 'a') + "\":" + ok + "}", "a name of 1025 bytes"),
      header("MetadataOfNumbers", R"({"__metadata__":{"a":1}})",
             "'__metadata__': expected nothing but"),
      header("MetadataNested", R"({"__metadata__":{"a":{"b":"c"}}})", "'__metadata__': nested too"),
      header("MetadataIsAText", R"({"__metadata__":"a"})", "'__metadata__': expected an object"),
      header("Gap", R"({"x":)" + next + "}",
             "tensor 'x': its data begins at 4, after a gap: expected 0"),
      header("GapInTheMiddle",
             R"({"x":)" + ok + R"(,"y":{"dtype":"U8","shape":[3],"data_offsets":[5,8]}})",
             "tensor 'y': its data begins at 5, after a gap: expected 4"),
      header("Overlap",
             R"({"x":)" + ok + R"(,"y":{"dtype":"U8","shape":[6],"data_offsets":[2,8]}})",
             "tensor 'y': its data begins at 2, within another's: expected 4"),
      header("SameData", R"({"x":)" + ok + R"(,"y":)" + ok + "}",
             "tensor 'y': its data begins at 0, within another's: expected 4"),
      header("BytesBehind", R"({"x":)" + ok + "}",
             "the tensors have 4 bytes of data, the file has 8"),
      header("NoTensors", "{}", "the tensors have 0 bytes of data, the file has 8"),
      entry("DtypeMissing", R"({"shape":[1],"data_offsets":[0,4]})",
            "tensor 'x': 'dtype' is missing"),
      entry("ShapeMissing", R"({"dtype":"F32","data_offsets":[0,4]})",
            "tensor 'x': 'shape' is missing"),
      entry("OffsetsMissing", R"({"dtype":"F32","shape":[1]})",
            "tensor 'x': 'data_offsets' is missing"),
      entry("AnotherKey", R"({"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":0})",
            "tensor 'x': expected dtype, shape and data_offsets and no more"),
      entry("DuplicateKey", R"({"dtype":"F32","shape":[1],"data_offsets":[0,4],"shape":[1]})",
            "tensor 'x': a key is there twice"),
      entry("DtypeIsANumber", R"({"dtype":32,"shape":[1],"data_offsets":[0,4]})",
            "tensor 'x': dtype: expected a text"),
      entry("UnknownDtype", R"({"dtype":"F31","shape":[1],"data_offsets":[0,4]})",
            "tensor 'x': dtype: expected F64, F32, F16 or BF16"),
      entry("ShapeIsANumber", R"({"dtype":"F32","shape":1,"data_offsets":[0,4]})",
            "tensor 'x': shape: expected a list"),
      entry("NegativeDimension", R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})",
            "tensor 'x': shape: expected whole numbers from 0"),
      entry("FractionForADimension", R"({"dtype":"F32","shape":[1.0],"data_offsets":[0,4]})",
            "tensor 'x': shape: expected whole numbers"),
      entry("DimensionAboveAll",
            R"({"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]})",
            "tensor 'x': shape: expected whole numbers"),
      entry("NumberBeyondDoubles", R"({"dtype":"F32","shape":[1e999],"data_offsets":[0,4]})",
            "tensor 'x': a number that no computer can hold"),
      entry(
          "TooManyDimensions",
          R"({"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]})",
          "tensor 'x': expected at most 32 dimensions"),
      entry("ShapeOverflows",
            R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]})",
            "tensor 'x': shape (4294967296, 4294967296) has more elements than any file"),
      entry("BytesOverflow",
            R"({"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,4]})",
            "tensor 'x': shape (4611686018427387904) has more elements than any file can hold"),
      entry("WrongSizeForItsType", R"({"dtype":"F64","shape":[1],"data_offsets":[0,4]})",
            "tensor 'x': expected 8 bytes of data for shape (1) of F64, found 4"),
      entry("OneOffset", R"({"dtype":"F32","shape":[1],"data_offsets":[4]})",
            "tensor 'x': data_offsets: expected a begin and an end"),
      entry("OffsetsBackwards", R"({"dtype":"F32","shape":[1],"data_offsets":[4,0]})",
            "tensor 'x': data_offsets 4 to 0: expected them within the 4 bytes of data"),
      entry("OffsetsBeyondTheFile", R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})",
            "tensor 'x': data_offsets 0 to 8: expected them within the 4 bytes of data"),
      entry("ListInAList", R"({"dtype":"F32","shape":[[1]],"data_offsets":[0,4]})",
            "tensor 'x': nested too deeply"),
      entry("ObjectInAnEntry", R"({"dtype":{},"shape":[1],"data_offsets":[0,4]})",
            "tensor 'x': nested too deeply"),
      entry("NestedForever", std::string(1'000'000, '['), "tensor 'x': expected an object"),
  };
}

class SafetensorsLies : public testing::TestWithParam<Lie> {};

TEST_P(SafetensorsLies, AreRefused) {
  const auto file = bytes_of(GetParam().file);
  expect_error(ExitCode::bad_data, GetParam().fragment,
               [&] { (void)read_safetensors(file, "file"); });
}

INSTANTIATE_TEST_SUITE_P(Headers, SafetensorsLies, testing::ValuesIn(lies()),
                         [](const auto& lie) { return lie.param.name; });

TEST(Safetensors, RefusesAHeaderAboveTheLimit) {
  const auto file = bytes_of(safetensors_file("{}" + std::string(kMaxSafetensorsHeader - 1, ' ')));
  expect_error(ExitCode::bad_data, "announces a header of 100000001 bytes",
               [&] { (void)read_safetensors(file, "file"); });
}

TEST(Safetensors, CanBeCutNowhere) {
  const std::string whole = official_file();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto file = bytes_of(whole.substr(0, size));
    EXPECT_THROW((void)read_safetensors(file, "file"), Error) << size;
  }
}

// Whatever is changed: an Error, or tensors that lie within the file.
TEST(Safetensors, OnlyErrorsEscapeFromDamagedFiles) {
  const std::string ok = safetensors_file(
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
      R"("b":{"dtype":"BF16","shape":[],"data_offsets":[8,10]}})",
      std::string(10, '\x3f'));
  std::mt19937 random(17);
  int read = 0;
  for (int trial = 0; trial < 20000; ++trial) {
    std::string text = ok;
    for (std::size_t change = 0, changes = 1 + random() % 3; change < changes; ++change) {
      const std::size_t at = random() % text.size();
      text[at] = random() % 2 == 0 ? static_cast<char>(text[at] ^ 1 << random() % 8)
                                   : "0123456789[]{}\",:e-."[random() % 20];
    }
    const auto file = bytes_of(text);
    try {
      for (const SafetensorsTensor& tensor : read_safetensors(file, "file").tensors) {
        (void)tensor.floats();
      }
      ++read;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_data);
    }
  }
  EXPECT_GT(read, 100) << "it would test nothing";
}

}  // namespace
}  // namespace lockstep
