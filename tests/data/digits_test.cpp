// Digits that floats do not have room for: large numbers of small range.
#include "data/digits.hpp"

#include <fmt/format.h>

#include <cstring>

#include "data/data_testing.hpp"
#include "io/testing.hpp"
#include "lockstep/data/formats.hpp"
#include "lockstep/data/split.hpp"
#include "lockstep/io/hdf5.hpp"

namespace lockstep {
namespace {

constexpr int kSamples = 300;
constexpr double kStart = 1700000000;

double second(int i) { return kStart + i * 37 % 60; }

/// Time stamps in front, small numbers behind.
std::string table() {
  std::string text = "seconds,x,late\n";
  for (int i = 0; i < kSamples; ++i) {
    text += fmt::format("{:.0f},{},{}\n", second(i), i % 7, second(i) >= kStart + 30 ? 1 : 0);
  }
  return text;
}

std::string npy_of_table() {
  std::vector<double> numbers;
  for (int i = 0; i < kSamples; ++i) {
    numbers.push_back(second(i));
    numbers.push_back(i % 7);
  }
  std::string bytes(numbers.size() * sizeof(double), '\0');
  std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return npy_file("<f8", fmt::format("({}, 2)", kSamples), bytes);
}

Source finding(const std::string& path) {
  Source source;
  source.path = path;
  source.input_offsets.find = true;
  source.target_offsets.find = true;
  return source;
}

std::vector<Real> normalized(const Dataset& data) {
  const Normalization by = input_normalization(data, Subset::whole(data.size()));
  std::vector<Real> all;
  std::vector<Real> row(static_cast<std::size_t>(data.shape().size()));
  InputScan scan(data);
  for (Index i = 0; i < data.size(); ++i) {
    data.normalize(scan(i), by, row);
    all.insert(all.end(), row.begin(), row.end());
  }
  return all;
}

TEST(Digits, TimeStampsAreAsGoodAsSecondsOfAMinute) {
  const TemporaryDirectory directory;
  const Dataset data = load(finding(directory.write("t.csv", table())));
  ASSERT_EQ(data.offsets().size(), 2u);
  EXPECT_EQ(data.offsets()[1], 0.0);
  EXPECT_TRUE(data.notes().empty()) << data.notes().front();
  std::string plain = "seconds,x,late\n";
  for (int i = 0; i < kSamples; ++i) plain += fmt::format("{},{},0\n", i * 37 % 60, i % 7);
  const std::vector<Real> expected = normalized(load(finding(directory.write("p.csv", plain))));
  const std::vector<Real> found = normalized(data);
  for (std::size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], expected[i], 1e-6) << i;
}

TEST(Digits, FormatsAndWaysOfReadingGiveTheSameBits) {
  const TemporaryDirectory directory;
  const Dataset csv = load(finding(directory.write("t.csv", table())));
  Source npy = finding(directory.write("t.npy", npy_of_table()));
  npy.labels_path = directory.write(
      "l.npy", npy_file("|u1", fmt::format("({},)", kSamples), std::string(kSamples, '\0')));
  EXPECT_EQ(normalized(load(npy)), normalized(csv));

  const std::vector<std::byte> image = to_hdf5(csv, "x", "y", "w");
  Source hdf5 =
      finding(directory.write("t.h5", {reinterpret_cast<const char*>(image.data()), image.size()}));
  hdf5.inputs_name = "x";
  hdf5.targets_name = "y";
  EXPECT_EQ(load(hdf5).digest(), csv.digest());
  hdf5.memory = 2048;
  const Dataset streamed = load(hdf5);
  ASSERT_TRUE(streamed.describe().streamed());
  EXPECT_EQ(normalized(streamed), normalized(csv));
  EXPECT_EQ(streamed.digest(), csv.digest());
}

TEST(Digits, LossesAreSaidWithTheRemedy) {
  const TemporaryDirectory directory;
  Source source;
  source.path = directory.write("t.csv", table());
  const Dataset data = load(source);
  EXPECT_TRUE(data.offsets().empty());
  ASSERT_EQ(data.notes().size(), 1u);
  EXPECT_NE(data.notes()[0].find("column 0 (\"seconds\"): 60 different values become 1 as 32-bit "
                                 "floats; data.normalize = \"standard\" keeps them"),
            std::string::npos)
      << data.notes()[0];
  source.path =
      directory.write("i.csv", "key,x,y\n9007199254740993,1,0\n1234567890123456789,2,1\n");
  EXPECT_NE(load(source).notes().at(0).find("beyond 2^53"), std::string::npos);
  source.path = directory.write("n.csv", "key,x,y\n0.123456789,1,0\n0.2,2,1\n");
  EXPECT_TRUE(load(source).notes().empty());  // the last digits of decimals are no loss
}

TEST(Digits, LossesOfTargetsAreSaidWithTheRemedy) {
  const TemporaryDirectory directory;
  std::string bytes;
  for (int i = 0; i < kSamples; ++i) bytes += little_endian(second(i));
  const std::string numbers = npy_file("<f8", fmt::format("({},)", kSamples), bytes);
  Source source;
  source.path = directory.write("x.npy", npy_of_table());
  source.labels_path = directory.write("y.npy", numbers);
  source.classification = false;
  const std::vector<std::string> notes = load(source).notes();
  ASSERT_FALSE(notes.empty());
  EXPECT_NE(notes.back().find("y.npy: digits are lost in column 0: 60 different values become 1 as "
                              "32-bit floats; data.normalize_targets = \"standard\" keeps them"),
            std::string::npos)
      << notes.back();
}

TEST(Digits, TargetsKeepTheirsAndPredictionsComeBackWhole) {
  const TemporaryDirectory directory;
  std::string text;
  for (int i = 0; i < kSamples; ++i) text += fmt::format("{},{:.2f}\n", i, second(i) + 0.25);
  Source source = finding(directory.write("t.csv", text));
  source.classification = false;
  const Dataset data = load(source);
  const Normalization by = target_normalization(data, Subset::whole(data.size()));
  std::vector<Real> y(1);
  for (int i = 0; i < kSamples; ++i) {
    by.apply(data.target(i), y);
    ASSERT_LT(std::abs(y[0]), 2);
    ASSERT_NEAR(by.original(y[0], 0), second(i) + 0.25, 1e-4);
  }
}

TEST(Digits, WhatAModelTakesOffIsTakenOffWhateverTheFormat) {
  const TemporaryDirectory directory;
  Source source;
  source.path = directory.write("x-idx2-ubyte", idx_header(8, {2, 2}) + "\x01\x02\x03\x04");
  source.labels_path = directory.write("y-idx1-ubyte", idx_header(8, {2}) + std::string("\0\1", 2));
  source.input_offsets = {false, {0.5, 1}};
  const Dataset idx = load(source);
  EXPECT_EQ(std::vector<float>(idx.float_inputs().begin(), idx.float_inputs().end()),
            (std::vector<float>{0.5f, 1, 2.5f, 3}));
  Source pictures;
  pictures.path = directory.write("1.pgm", "P5 1 1 255\nx");
  pictures.inputs_only = true;
  EXPECT_EQ(load(pictures).size(), 1);
  pictures.input_offsets = {false, {1.5}};
  expect_error(ExitCode::bad_data, "1.pgm: the numbers of the training data had more digits",
               [&] { (void)load(pictures); });
}

TEST(Digits, OffsetsAreForNarrowColumnsThatFloatsDoNotHold) {
  const auto offsets_of = [](const std::vector<double>& numbers) {
    DigitWatch watch(1);
    for (const double number : numbers) watch.add(number);
    return watch.offsets();
  };
  EXPECT_TRUE(offsets_of({1000000, 1000001, 1000059}).empty());  // floats hold them
  EXPECT_TRUE(offsets_of({0.1, 0.2, 123456.789}).empty());       // wide
  EXPECT_TRUE(offsets_of({}).empty());
  EXPECT_EQ(offsets_of({1e15 + 1, 1e15 + 3}), std::vector<double>{1e15 + 2});
  EXPECT_EQ(offsets_of({-16777217, -16777217}), std::vector<double>{-16777217});
  EXPECT_NEAR(offsets_of({273.15 + 1e-6, 273.15 + 2e-6}).at(0), 273.1500015, 1e-6);
}

}  // namespace
}  // namespace lockstep
