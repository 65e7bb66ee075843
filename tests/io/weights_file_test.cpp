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
  for (const char* group : {"", "/model", "/state_dict", "/model/state_dict"}) {
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

TEST(WeightsFile, SaysHowOtherFormatsBecomeOneThatIsRead) {
  const TemporaryDirectory directory;
  const auto refused = [&](const std::string& content, std::string_view part) {
    expect_error(ExitCode::bad_data, part,
                 [&] { (void)read_weights_file(directory.write("a", content)); });
  };
  const std::string header = "PK\x03\x04" + std::string(26, 'x');
  refused(header + "model/data.pkl",
          "a: expected weights as safetensors or HDF5, but this is an "
          "archive as torch.save writes it");
  refused(header + "model/data.pkl", "safetensors.torch.save_file");
  refused(header + "fc1.weight.npy", "safetensors.numpy.save_file");
  refused("\x93NUMPY and so on", "a NumPy array");
  refused("\x80\x02}q\x01" + std::string(9000, 'x') + ".", "safetensors.torch.save_file");
  refused(std::string("GGUF\x03\0\0\0", 8), "convert it to safetensors");
}

// Checkpoints of Lockstep say which version they are.
TEST(WeightsFile, KeepsTheVersionOfACheckpoint) {
  const TemporaryDirectory directory;
  Hdf5Writer file;
  file.dataset("/model/fc.bias", {{1}}, std::vector<float>{1});
  file.attribute("/", "lockstep_version", std::string("0.9"));
  file.attribute("/", "format_version", std::uint64_t{1});
  const auto bytes = read_weights_file(directory.write("a.h5", text_of(file.finish())));
  const Safetensors found = read_safetensors(bytes, "a.h5");
  EXPECT_EQ(found.metadata.at("lockstep_version"), "0.9");
  EXPECT_EQ(found.metadata.at("format_version"), "1");
}

// What lies behind the end that a file has by its own words takes no memory.
TEST(WeightsFile, TakesNoMemoryForWhatIsNotInIt) {
  constexpr std::uintmax_t kTerabyte = std::uintmax_t{1} << 40;
  const TemporaryDirectory directory;
  const std::string nothing = directory.write("nothing", "");
  std::filesystem::resize_file(nothing, kTerabyte);
  expect_error(
      ExitCode::bad_data,
      "nothing: expected weights as safetensors or HDF5, but this is nothing but zero bytes",
      [&] { (void)read_weights_file(nothing); });
  const std::string long_one = directory.write("a.safetensors", safetensors_file("{}"));
  std::filesystem::resize_file(long_one, kTerabyte);
  expect_error(ExitCode::bad_data, "the tensors have 0 bytes of data, the file has 10995116277",
               [&] { (void)read_weights_file(long_one); });
  const std::string all = directory.write(
      "b.safetensors",
      safetensors_file(
          R"({"x":{"dtype":"U8","shape":[1099511627776],"data_offsets":[0,1099511627776]}})"));
  std::filesystem::resize_file(all, std::filesystem::file_size(all) + kTerabyte);
  expect_error(ExitCode::bad_data,
               "b.safetensors: expected at most 1099511627776 bytes, found 109951",
               [&] { (void)read_weights_file(all); });
  for (const bool newest : {false, true}) {
    const std::string file = directory.write("a.h5", stranger("/model"));
    if (newest) write_hdf5_rows(file, "fc.bias", true, {1, 2}, std::vector<float>{0.5f, -0.25f}, 1);
    std::filesystem::resize_file(file, kTerabyte);
    const auto bytes = read_weights_file(file);
    EXPECT_EQ(read_safetensors(bytes, "a.h5").find("fc.bias")->floats(),
              (std::vector<float>{0.5f, -0.25f}));
  }
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
