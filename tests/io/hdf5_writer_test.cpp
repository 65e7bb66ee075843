#include "io/testing.hpp"
#include "lockstep/io/hdf5.hpp"

namespace lockstep {
namespace {

std::vector<std::byte> example() {
  Hdf5Writer writer;
  writer.attribute("/", "format", "lockstep-checkpoint");
  writer.attribute("/", "step", std::uint64_t{1} << 63);
  writer.attribute("/", "offset", std::int64_t{-3});
  writer.attribute("/", "rate", 0.1);
  writer.attribute("/", "empty", std::string());
  writer.group("/config");
  writer.text("/config/resolved", "name = \"\u03b1\"\n");
  writer.text("/config/graph", "");
  const std::vector<std::string> labels = {"out", "in"};
  writer.dataset("/model/fc.weight", std::vector<Index>{2, 3},
                 std::vector<float>{1, 2, 3, 4, 5, 6.5f}, labels);
  writer.dataset("/model/scalar", {}, std::vector<double>{0.1});
  writer.dataset("/history/step", std::vector<Index>{2}, std::vector<std::int64_t>{7, -8});
  writer.dataset("/history/none", std::vector<Index>{0, 4}, std::vector<float>{});
  writer.attribute("/model/fc.weight", "layer", "fc");
  const auto image = writer.finish();
  return {image.begin(), image.end()};
}

TEST(Hdf5Writer, WritesWhatTheReaderReads) {
  const auto image = example();
  const Hdf5Reader reader(image, "example");
  EXPECT_EQ(reader.text_attribute("/", "format"), "lockstep-checkpoint");
  EXPECT_EQ(reader.count_attribute("/", "step"), std::uint64_t{1} << 63);
  EXPECT_EQ(std::get<std::int64_t>(reader.attribute("/", "offset")), -3);
  EXPECT_EQ(std::get<double>(reader.attribute("/", "rate")), 0.1);
  EXPECT_EQ(reader.text_attribute("/", "empty"), "");
  EXPECT_EQ(reader.text("/config/resolved"), "name = \"\u03b1\"\n");
  EXPECT_EQ(reader.text("/config/graph"), "");
  EXPECT_EQ(reader.shape_of("/model/fc.weight"), (std::vector<Index>{2, 3}));
  EXPECT_EQ(reader.floats("/model/fc.weight"), (std::vector<float>{1, 2, 3, 4, 5, 6.5f}));
  EXPECT_EQ(reader.doubles("/model/scalar"), std::vector<double>{0.1});
  EXPECT_TRUE(reader.shape_of("/model/scalar").empty());
  EXPECT_EQ(reader.integers("/history/step"), (std::vector<std::int64_t>{7, -8}));
  EXPECT_EQ(reader.shape_of("/history/none"), (std::vector<Index>{0, 4}));
  EXPECT_TRUE(reader.floats("/history/none").empty());
  EXPECT_EQ(reader.text_attribute("/model/fc.weight", "layer"), "fc");
  EXPECT_EQ(reader.list("/"), (std::vector<std::string>{"config", "history", "model"}));
}

TEST(Hdf5Writer, GivesEqualBytesForEqualCalls) {
  const auto first = example();
  const std::vector<std::string> noise(1000, std::string(1000, '\x55'));  // other memory contents
  ::sleep(1);                                                             // another time stamp
  EXPECT_EQ(example(), first);
  EXPECT_LT(first.size(), 20'000u);
}

TEST(Hdf5Writer, LeavesNoFileBehind) {
  const TemporaryDirectory directory;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(directory.path());
  EXPECT_FALSE(example().empty());
  std::filesystem::current_path(before);
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(Hdf5Writer, RefusesANameTwice) {
  Hdf5Writer writer;
  writer.text("/a", "x");
  expect_error(ExitCode::internal, "/a", [&] { writer.text("/a", "y"); });
  expect_error(ExitCode::internal, "/b", [&] { writer.attribute("/b", "c", 1.0); });
}

TEST(Hdf5Writer, HandsOutTheMemoryOfAnArray) {
  Hdf5Writer writer;
  writer.text("/before", "x");
  const std::vector<float> values = {1, -2, 3, 4, 5, 6};
  const Index small = writer.make_dataset("/small", std::vector<Index>{2, 3});
  // More than the memory grows at a time, so that the first array moves.
  const Index many = 3'000'000;
  const std::vector<float> halves(many, 0.5f);
  const Index large = writer.make_dataset("/large", std::vector<Index>{many});
  writer.attribute("/small", "layer", "fc");
  std::ranges::copy(std::as_bytes(std::span(values)), writer.bytes(small, 24).begin());
  std::ranges::copy(std::as_bytes(std::span(halves)), writer.bytes(large, 4 * many).begin());
  writer.text("/behind", "y");
  const auto image = writer.finish();
  const Hdf5Reader reader(image, "example");
  EXPECT_EQ(reader.floats("/small"), values);
  EXPECT_EQ(reader.shape_of("/small"), (std::vector<Index>{2, 3}));
  EXPECT_EQ(reader.floats("/large"), halves);
  EXPECT_EQ(reader.text("/behind"), "y");
}

}  // namespace
}  // namespace lockstep
