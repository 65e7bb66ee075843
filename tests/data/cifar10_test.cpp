#include "data/data_testing.hpp"
#include "io/testing.hpp"
#include "lockstep/data/formats.hpp"

namespace lockstep {
namespace {

TEST(Cifar10, PlanesBecomePixels) {
  const TemporaryDirectory directory;
  std::string content = cifar_record(7, 10, 20, 30) + cifar_record(0, 1, 2, 3);
  content[1 + 1024 + 33] = 99;  // green of row 1, column 1
  Source source;
  source.path = directory.write("test_batch.bin", content);

  const Dataset data = load(source);

  EXPECT_EQ(data.shape(), (Shape{32, 32, 3}));
  EXPECT_EQ(data.size(), 2);
  EXPECT_EQ(data.label(0), 7);
  EXPECT_EQ(data.label(1), 0);
  const auto pixels = data.byte_inputs();
  EXPECT_EQ(pixels[0], 10);
  EXPECT_EQ(pixels[1], 20);
  EXPECT_EQ(pixels[2], 30);
  EXPECT_EQ(pixels[33 * 3 + 1], 99);
  EXPECT_EQ(pixels[33 * 3 + 2], 30);
  EXPECT_EQ(pixels[3072], 1);
}

TEST(Cifar10, BatchesFollowEachOtherInTheOrderOfTheirNames) {
  const TemporaryDirectory directory;
  for (const int batch : {3, 1, 2}) {
    directory.write("data_batch_" + std::to_string(batch) + ".bin",
                    cifar_record(batch, batch, 0, 0) + cifar_record(batch + 3, 0, 0, batch));
  }
  directory.write("test_batch.bin", cifar_record(9, 9, 9, 9));
  Source source;
  source.path = directory / "data_batch_*.bin";

  const Dataset data = load(source);

  const auto labels = data.labels();
  EXPECT_EQ(std::vector<int>(labels.begin(), labels.end()), (std::vector<int>{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(data.byte_inputs()[4 * 3072], 3);
  EXPECT_EQ(data.name(), source.path);
}

TEST(Patterns, PairInputsWithLabels) {
  const TemporaryDirectory directory;
  using namespace std::string_literals;
  directory.write("x1.idx", idx_header(8, {2}) + "ab");
  directory.write("x2.idx", idx_header(8, {1}) + "c");
  directory.write("y1", idx_header(8, {2}) + "\1\2"s);
  directory.write("y2", idx_header(8, {1}) + "\3"s);
  Source source;
  source.path = directory / "x?.idx";
  source.labels_path = directory / "y{1,2}";
  const Dataset data = load(source);
  EXPECT_EQ(data.byte_inputs()[2], 'c');
  EXPECT_EQ(data.label(2), 3);
  source.labels_path = directory / "y1";
  expect_error(ExitCode::config, "as many files of labels as of inputs, 2; found 1",
               [&] { (void)load(source); });
}

TEST(Patterns, AreNoPatternsIfAFileIsCalledSo) {
  const TemporaryDirectory directory;
  directory.write("a1.csv", "5,6\n");
  Source source;
  source.path = directory.write("a[1].csv", "1,2\n");
  EXPECT_EQ(load(source).label(0), 2);
}

}  // namespace
}  // namespace lockstep
