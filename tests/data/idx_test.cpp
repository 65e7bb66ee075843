#include "data/data_testing.hpp"
#include "io/gzip_testing.hpp"
#include "io/testing.hpp"
#include "lockstep/data/formats.hpp"

namespace lockstep {
namespace {

using namespace std::string_literals;

Dataset load_pair(const std::string& inputs, const std::string& labels,
                  bool classification = true) {
  const TemporaryDirectory directory;
  Source source;
  source.path = directory.write("images", inputs);
  source.labels_path = directory.write("labels", labels);
  source.classification = classification;
  return load(source);
}

const std::string kTwoLabels = idx_header(8, {2}) + "\3\1"s;

TEST(Idx, KeepsBytesAsTheyAre) {
  const Dataset dataset = load_pair(idx_header(8, {2, 1, 3}) + "\0\1\2\xfd\xfe\xff"s, kTwoLabels);
  EXPECT_EQ(dataset.shape(), (Shape{1, 3, 1}));
  EXPECT_EQ(dataset.size(), 2);
  EXPECT_EQ(dataset.describe().input_type, InputType::bytes);
  EXPECT_EQ(text_of(dataset.input_bytes()), "\0\1\2\xfd\xfe\xff"s);
  EXPECT_EQ(dataset.label(0), 3);
  EXPECT_EQ(dataset.classes(), 4);
}

TEST(Idx, ReadsEveryDimensionCount) {
  EXPECT_EQ(load_pair(idx_header(8, {2}) + "ab", kTwoLabels).shape(), (Shape{1, 1, 1}));
  EXPECT_EQ(load_pair(idx_header(8, {2, 2}) + "abcd", kTwoLabels).shape(), (Shape{1, 1, 2}));
  EXPECT_EQ(load_pair(idx_header(8, {2, 1, 1, 3}) + "abcdef", kTwoLabels).shape(),
            (Shape{1, 1, 3}));
}

TEST(Idx, ConvertsEveryType) {
  const auto second = [](char type, const std::string& a, const std::string& b) {
    return load_pair(idx_header(type, {2}) + a + b, kTwoLabels).float_inputs()[1];
  };
  EXPECT_EQ(second(9, "\1", "\xff"), -1.0f);
  EXPECT_EQ(second(0x0B, big_endian<std::int16_t>(1), big_endian<std::int16_t>(-300)), -300.0f);
  EXPECT_EQ(second(0x0C, big_endian(1), big_endian(-70'000)), -70'000.0f);
  EXPECT_EQ(second(0x0D, big_endian(1.0f), big_endian(0.1f)), 0.1f);
  EXPECT_EQ(second(0x0E, big_endian(1.0), big_endian(-0.25)), -0.25f);
}

TEST(Idx, ReadsGzipAndValueTargets) {
  const Dataset dataset =
      load_pair(gzipped(idx_header(8, {2}) + "ab"),
                gzipped(idx_header(0x0D, {2, 2}) + big_endian(1.5f) + big_endian(2.0f) +
                        big_endian(-3.0f) + big_endian(4.0f)),
                false);
  EXPECT_EQ(dataset.describe().target_columns, 2);
  EXPECT_EQ(dataset.target(1)[0], -3.0f);
}

}  // namespace
}  // namespace lockstep
