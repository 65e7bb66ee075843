// Images as PyTorch stores them, and labels that nobody knows: in memory, as they come from a file,
// and streamed.
#include <gtest/gtest.h>

#include <numeric>

#include "data/data_testing.hpp"
#include "io/hdf5_testing.hpp"
#include "io/testing.hpp"
#include "lockstep/data/formats.hpp"
#include "lockstep/data/layout_hint.hpp"

namespace lockstep {
namespace {

// Two samples of 3 channels, 2 x 2: number 100 sample + 10 channel + position.
std::vector<int> channels_first() {
  std::vector<int> numbers;
  for (const int sample : {0, 1}) {
    for (int channel = 0; channel < 3; ++channel) {
      for (int position = 0; position < 4; ++position) {
        numbers.push_back(100 * sample + 10 * channel + position);
      }
    }
  }
  return numbers;
}

const std::vector<int> kFirstSample = {0, 10, 20, 1, 11, 21, 2, 12, 22, 3, 13, 23};

template <typename T>
std::string npy_of(const std::string& type, const std::string& shape,
                   const std::vector<int>& numbers) {
  std::string data;
  for (const int x : numbers) data += little_endian(static_cast<T>(x));
  return npy_file(type, shape, data);
}

struct Files {
  std::string write(const std::string& name, const std::string& content) const {
    return directory.write(name, content);
  }
  [[nodiscard]] Source source(const std::string& x, const std::string& y) const {
    Source s;
    s.path = directory / x;
    s.labels_path = y.empty() ? "" : directory / y;
    s.inputs_name = "x";
    s.targets_name = "y";
    s.channels_first = true;
    return s;
  }
  TemporaryDirectory directory;
};

template <typename T>
std::vector<int> first_sample(std::span<T> numbers) {
  return {numbers.begin(), numbers.begin() + 12};
}

TEST(ChannelsFirst, AreLastInMemory) {
  const Files files;
  files.write("x.npy", npy_of<std::uint8_t>("|u1", "(2, 3, 2, 2)", channels_first()));
  files.write("f.npy", npy_of<float>("<f4", "(2, 3, 2, 2)", channels_first()));
  files.write("y.npy", npy_of<std::int64_t>("<i8", "(2,)", {0, 1}));
  const Dataset bytes = load(files.source("x.npy", "y.npy"));
  EXPECT_EQ(bytes.shape(), (Shape{2, 2, 3}));
  EXPECT_EQ(first_sample(bytes.byte_inputs()), kFirstSample);
  EXPECT_EQ(bytes.byte_inputs()[12], 100);
  Source inputs_alone = files.source("f.npy", "");
  inputs_alone.inputs_only = true;
  EXPECT_EQ(first_sample(load(inputs_alone).float_inputs()), kFirstSample);
}

// What a stream gives is what is loaded, also across the files of a pattern.
TEST(ChannelsFirst, AreLastInStreams) {
  const Files files;
  for (const bool bytes : {false, true}) {
    for (const char* name : {"a.h5", "b.h5"}) {
      std::vector<float> x(40 * 3 * 4);
      std::iota(x.begin(), x.end(), name[0] == 'a' ? 0.0f : 7.0f);
      const std::string path = files.directory / name;
      if (bytes) {
        std::vector<std::uint8_t> small;
        for (const float v : x)
          small.push_back(static_cast<std::uint8_t>(static_cast<int>(v) % 251));
        write_hdf5_rows(path, "x", true, {40, 3, 2, 2}, small, 4);
      } else {
        write_hdf5_rows(path, "x", true, {40, 3, 2, 2}, x, 4);
      }
      write_hdf5_rows(path, "y", false, {40}, std::vector<std::uint8_t>(40, 1));
    }
    Source source = files.source("?.h5", "");
    const Dataset whole = load(source);
    source.memory = 4 * 4 * 12 * (bytes ? 1 : 4);
    const Dataset streamed = load(source);
    ASSERT_TRUE(streamed.describe().streamed());
    EXPECT_EQ(streamed.shape(), (Shape{2, 2, 3}));
    EXPECT_EQ(streamed.digest(), whole.digest());
    source.channels_first = false;
    EXPECT_NE(load(source).digest(), whole.digest());
  }
}

TEST(ChannelsFirst, NeedFourDimensionsAndAFormatThatMayHaveThem) {
  const Files files;
  files.write("x.npy", npy_of<float>("<f4", "(2, 3, 4)", channels_first()));
  files.write("y.npy", npy_of<std::int64_t>("<i8", "(2,)", {0, 1}));
  files.write("t.csv", "1,2,0\n3,4,1\n");
  expect_error(ExitCode::bad_data, "4 dimensions, (samples, channels, height, width)",
               [&] { static_cast<void>(load(files.source("x.npy", "y.npy"))); });
  expect_error(ExitCode::config, "data.layout is for files of NPY, HDF5 and IDX, not for csv",
               [&] { static_cast<void>(load(files.source("t.csv", ""))); });
  Source other = files.source("t.csv", "");
  other.ignore_label = 7;
  other.of_other_files = true;
  EXPECT_EQ(load(other).size(), 2);
}

TEST(ChannelsFirst, AreHintedAt) {
  const auto hint = [](const Shape& shape, bool first) {
    return layout_hint(Dataset("x", {.shape = shape, .size = 1}), first);
  };
  EXPECT_NE(hint({3, 8, 8}, false).find("data.layout = \"nchw\""), std::string::npos);
  EXPECT_NE(hint({1, 28, 28}, false), "");
  EXPECT_NE(hint({32, 3, 32}, true).find("leave out"), std::string::npos);
  for (const Shape& shape : {Shape{8, 8, 3}, Shape{1, 1, 64}, Shape{50, 1, 40}, Shape{4, 4, 1},
                             Shape{28, 28, 1}, Shape{3, 1, 8}}) {
    EXPECT_EQ(hint(shape, false), "")
        << shape.height << " " << shape.width << " " << shape.channels;
  }
}

TEST(IgnoredLabel, IsKeptApartFromClasses) {
  const Files files;
  files.write("x.npy", npy_of<float>("<f4", "(2, 4, 3)", channels_first()));
  files.write("y.npy",
              npy_of<std::int32_t>("<i4", "(2, 2, 3)", {0, 1, 255, 255, 1, 1, 255, 0, 0, 1, 2, 0}));
  files.write("z.npy", npy_of<std::int32_t>("<i4", "(2,)", {-100, 4}));
  Source source = files.source("x.npy", "y.npy");
  source.channels_first = false;
  EXPECT_EQ(load(source).classes(), 256);
  source.ignore_label = 255;
  const Dataset masks = load(source);
  EXPECT_EQ(masks.classes(), 3);
  EXPECT_EQ(masks.ignored(0), 2);
  EXPECT_EQ(masks.ignored(1), 1);
  EXPECT_EQ(masks.labels(1)[0], kIgnoredLabel);
  source.labels_path = files.directory / "z.npy";
  expect_error(ExitCode::bad_data, "if it marks unknown labels, set data.ignore_label = -100",
               [&] { static_cast<void>(load(source)); });
  source.ignore_label = -100;
  EXPECT_EQ(load(source).ignored(0), 1);
}

TEST(IgnoredLabel, IsReadFromTablesAndHdf5) {
  const Files files;
  files.write("t.csv", "1,2,-1\n3,4,1\n5,6,0\n");
  Source source = files.source("t.csv", "");
  source.channels_first = false;
  expect_error(ExitCode::bad_data, "data.ignore_label = -1",
               [&] { static_cast<void>(load(source)); });
  source.ignore_label = -1;
  const Dataset table = load(source);
  EXPECT_EQ(table.ignored(0), 1);
  EXPECT_EQ(table.ignored(1), 0);
  files.write("again.h5", text_of(to_hdf5(table, "x", "y", "w")));
  source.path = files.directory / "again.h5";
  EXPECT_EQ(load(source).digest(), table.digest());
  files.write("t.bin", cifar_record(1, 2, 3, 4));
  source.path = files.directory / "t.bin";
  expect_error(ExitCode::config, "data.ignore_label is for files of",
               [&] { static_cast<void>(load(source)); });
}

TEST(ImagesAsLabels, AreRefusedWithTheRemedy) {
  const Files files;
  files.write("x.npy", npy_of<float>("<f4", "(2, 3, 4)", channels_first()));
  files.write("images.npy", npy_of<std::uint8_t>("|u1", "(2, 3, 2, 2)", channels_first()));
  files.write("half.npy", npy_file("<f4", "(2,)", little_endian(0.5f) + little_endian(1.0f)));
  files.write("y.npy", npy_of<std::int64_t>("<i8", "(2,)", {0, 1}));
  const auto loading = [&](const char* x, const char* y) {
    Source source = files.source(x, y);
    source.channels_first = false;
    return [source] { static_cast<void>(load(source)); };
  };
  expect_error(ExitCode::bad_data, "look like images: give the file that holds the answers",
               loading("x.npy", "images.npy"));
  expect_error(ExitCode::bad_data, "masks, they must be (samples, height, width): squeeze",
               loading("x.npy", "images.npy"));
  expect_error(ExitCode::bad_data, "a regression loss, such as loss.type = \"mse\"",
               loading("x.npy", "half.npy"));
  expect_error(ExitCode::bad_data, "were the files of inputs and targets exchanged?",
               loading("y.npy", "images.npy"));
}

}  // namespace
}  // namespace lockstep
