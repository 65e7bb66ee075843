#include "lockstep/io/weights_file.hpp"

#include <random>

#include "io/hdf5_testing.hpp"
#include "io/safetensors_testing.hpp"
#include "io/testing.hpp"
#include "lockstep/io/hdf5.hpp"
#include "lockstep/io/safetensors.hpp"

namespace lockstep {
namespace {

/// A file as h5py writes the state of a small network.
std::string stranger(const std::string& group) {
  Hdf5Writer file;
  file.dataset(group + "/fc.weight", {{2, 3}}, std::vector<float>{1, 2, 3, 4, 5, 6});
  file.dataset(group + "/fc.bias", {{2}}, std::vector<double>{0.5, -0.25});
  file.dataset(group + "/norm.num_batches_tracked", {}, std::vector<std::int64_t>{9});
  return text_of(file.finish());
}

TEST(WeightsFile, ReadsHdf5ThroughAChild) {
  const TemporaryDirectory directory;
  for (const char* group : {"", "/model"}) {
    const auto bytes = read_weights_file(directory.write("a.h5", stranger(group)));
    const Safetensors found = read_safetensors(bytes, "a.h5");
    ASSERT_EQ(found.tensors.size(), 3u);
    EXPECT_EQ(found.find("fc.weight")->floats(), (std::vector<float>{1, 2, 3, 4, 5, 6}));
    EXPECT_EQ(found.find("fc.weight")->shape, (std::vector<Index>{2, 3}));
    EXPECT_EQ(found.find("fc.bias")->floats(), (std::vector<float>{0.5f, -0.25f}));
    EXPECT_EQ(found.find("norm.num_batches_tracked")->dtype, "I64");
  }
}

TEST(WeightsFile, ReadsCompressedHdf5) {
  const TemporaryDirectory directory;
  const std::string file = directory / "a.h5";
  const std::vector<float> values(4000, 0.5f);
  write_hdf5_rows(file, "fc.weight", true, {1000, 4}, values, 10);
  const auto bytes = read_weights_file(file);
  EXPECT_EQ(read_safetensors(bytes, file).find("fc.weight")->floats(), values);
}

TEST(WeightsFile, LeavesSafetensorsToTheirReader) {
  const TemporaryDirectory directory;
  const std::string text = safetensors_file("{}");
  EXPECT_EQ(text_of(read_weights_file(directory.write("a.safetensors", text))), text);
}

TEST(WeightsFile, RefusesWhatIsNoWeights) {
  const TemporaryDirectory directory;
  expect_error(ExitCode::no_input, "nowhere",
               [&] { (void)read_weights_file(directory / "nowhere"); });
  expect_error(ExitCode::bad_data, "regular file",
               [&] { (void)read_weights_file(directory / "."); });
  expect_error(ExitCode::bad_data, "safetensors.torch.save_file",
               [&] { (void)read_weights_file(directory.write("a.pt", "PK\x03\x04 and so on")); });
  expect_error(ExitCode::bad_data, "git lfs pull", [&] {
    (void)read_weights_file(directory.write(
        "a.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n"));
  });
  Hdf5Writer text;
  text.text("/note", "not a number");
  expect_error(ExitCode::bad_data, "a.h5: /note: expected",
               [&] { (void)read_weights_file(directory.write("a.h5", text_of(text.finish()))); });
  Hdf5Writer nested;
  nested.dataset("/fc/weight", {{1}}, std::vector<float>{1});
  expect_error(ExitCode::bad_data, "a.h5: /fc: expected a dataset, found a group",
               [&] { (void)read_weights_file(directory.write("a.h5", text_of(nested.finish()))); });
}

/// The file is read, or refused by a message that names it; this process lives either way.
bool is_read(const TemporaryDirectory& directory, const std::string& text) {
  const std::string file = directory.write("damaged.h5", text);
  try {
    const auto bytes = read_weights_file(file);
    (void)read_safetensors(bytes, file);
    return true;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_data) << error.what();
    EXPECT_TRUE(std::string_view(error.what()).starts_with(file)) << error.what();
    return false;
  }
}

TEST(WeightsFile, SurvivesDamagedHdf5) {
  const TemporaryDirectory directory;
  const std::string whole = stranger("/model");
  std::mt19937 random(23);
  int read = 0, refused = 0;
  for (int trial = 0; trial < 400; ++trial) {
    std::string text = whole;
    // Behind the magic number, or it would be taken for something else.
    for (std::size_t change = 0, changes = 1 + random() % 4; change < changes; ++change) {
      text[8 + random() % (text.size() - 8)] = static_cast<char>(random());
    }
    (is_read(directory, text) ? read : refused)++;
  }
  EXPECT_GT(read, 10);
  EXPECT_GT(refused, 10);
}

TEST(WeightsFile, SurvivesTruncatedHdf5) {
  const TemporaryDirectory directory;
  const std::string whole = stranger("");
  for (std::size_t size = 8; size < whole.size(); size += 1 + whole.size() / 100) {
    EXPECT_FALSE(is_read(directory, whole.substr(0, size))) << size;
  }
}

}  // namespace
}  // namespace lockstep
