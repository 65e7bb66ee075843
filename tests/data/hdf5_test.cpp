#include "lockstep/io/hdf5.hpp"
#include "io/testing.hpp"
#include "lockstep/data/formats.hpp"

namespace lockstep {
namespace {

std::string example() {
  Hdf5Writer writer;
  for (const std::string group : {"", "/train"}) {
    writer.dataset(group + "/inputs", std::vector<Index>{2, 1, 2},
                   std::vector<float>{1, 2, 3, group.empty() ? 4.0f : 5.0f});
    writer.dataset(group + "/targets", std::vector<Index>{2}, std::vector<std::int64_t>{0, 3});
  }
  writer.dataset("/y", std::vector<Index>{2, 1}, std::vector<double>{0.5, 1.5});
  return text_of(writer.finish());
}

TEST(Hdf5, ReadsFileAndGroup) {
  const TemporaryDirectory directory;
  Source source;
  source.path = directory.write("data.h5", example());
  const Dataset root = load(source);
  EXPECT_EQ(root.shape(), (Shape{1, 2, 1}));
  EXPECT_EQ(root.float_inputs()[3], 4.0f);
  EXPECT_EQ(root.label(1), 3);
  source.path += ":train";
  EXPECT_EQ(load(source).float_inputs()[3], 5.0f);
}

TEST(Hdf5, ReadsNamedDatasets) {
  const TemporaryDirectory directory;
  Source source;
  source.path = directory.write("a:b.h5", example());
  source.targets_name = "y";
  source.classification = false;
  EXPECT_EQ(load(source).target(1)[0], 1.5f);
}

TEST(Hdf5, PatternsMatchFilesAndTheGroupIsOfEach) {
  const TemporaryDirectory directory;
  Dataset part("part", {.shape = {.channels = 1}, .size = 2});
  for (const char* name : {"p1.h5", "p2.h5"}) {
    directory.write(name, text_of(to_hdf5(part, "train/inputs", "train/targets", "w")));
  }
  Source source;
  source.path = directory / "p[12].h5:train";
  EXPECT_EQ(load(source).size(), 4);
}

TEST(Hdf5, ADatasetComesBackAsItWasWritten) {
  const TemporaryDirectory directory;
  const auto expect_same = [&](const Dataset& before, bool classification) {
    Source source;
    source.path = directory.write("a.h5", text_of(to_hdf5(before, "x", "sets/y", "sets/w")));
    source.inputs_name = "x";
    source.targets_name = "sets/y";
    source.classification = classification;
    if (before.describe().weighted) source.weights = "sets/w";
    EXPECT_EQ(load(source).digest(), before.digest());
    EXPECT_EQ(load(source).class_names(), before.class_names());
    EXPECT_TRUE(std::ranges::equal(load(source).weights(), before.weights()));
  };
  Dataset images("images", {.shape = {2, 3, 1}, .size = 2, .input_type = InputType::bytes});
  for (std::size_t i = 0; i < 12; ++i) images.byte_inputs()[i] = static_cast<std::uint8_t>(20 * i);
  images.labels()[1] = 7;
  expect_same(images, true);
  images.labels()[1] = 1;
  images.set_class_names({"no", "maybe so"});
  expect_same(images, true);
  Dataset sequences(
      "sequences",
      {.shape = {3, 1, 2}, .size = 2, .target_kind = TargetKind::values, .target_columns = 2});
  for (std::size_t i = 0; i < 12; ++i) sequences.float_inputs()[i] = static_cast<float>(i) / 7;
  sequences.values()[3] = -0.5f;
  expect_same(sequences, false);
  Dataset tags("labels of positions, samples with weights",
               {.shape = {3, 1, 2}, .size = 2, .target_columns = 3, .weighted = true});
  tags.labels()[4] = 5;
  std::ranges::copy(std::vector<float>{0, 2.5f}, tags.weights().begin());
  expect_same(tags, true);
  EXPECT_EQ(tags.labels(1)[1], 5);
}

}  // namespace
}  // namespace lockstep
