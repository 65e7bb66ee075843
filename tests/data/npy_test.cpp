#include "data/data_testing.hpp"
#include "io/testing.hpp"
#include "lockstep/data/formats.hpp"

namespace lockstep {
namespace {

using namespace std::string_literals;

Dataset load_npy_pair(const std::string& inputs, const std::string& labels,
                      bool classification = true) {
  const TemporaryDirectory directory;
  Source source;
  source.path = directory.write("x.npy", inputs);
  source.labels_path = directory.write("y.npy", labels);
  source.classification = classification;
  return load(source);
}

const std::string kTwoNpyLabels =
    npy_file("<i8", "(2,)", little_endian<std::int64_t>(3) + little_endian<std::int64_t>(1));

TEST(Npy, KeepsBytesAsTheyAre) {
  const Dataset dataset = load_npy_pair(npy_file("|u1", "(2, 1, 3)", "abcdef"), kTwoNpyLabels);
  EXPECT_EQ(dataset.shape(), (Shape{1, 3, 1}));
  EXPECT_EQ(text_of(dataset.input_bytes()), "abcdef");
  EXPECT_EQ(dataset.label(0), 3);
}

TEST(Npy, ConvertsEveryType) {
  const auto second = [](const std::string& type, const std::string& a, const std::string& b) {
    return load_npy_pair(npy_file(type, "(2,)", a + b), kTwoNpyLabels).float_inputs()[1];
  };
  EXPECT_EQ(second("|i1", "\1", "\xff"), -1.0f);
  EXPECT_EQ(second("<i2", little_endian<std::int16_t>(1), little_endian<std::int16_t>(-300)),
            -300.f);
  EXPECT_EQ(second("<u2", little_endian<std::uint16_t>(1), little_endian<std::uint16_t>(60'000)),
            60'000.0f);
  EXPECT_EQ(second("<u4", little_endian(1u), little_endian(3'000'000'000u)), 3e9f);
  EXPECT_EQ(second("<i4", little_endian(1), little_endian(-70'000)), -70'000.0f);
  EXPECT_EQ(second("<i8", little_endian(std::int64_t{1}), little_endian(std::int64_t{-9})), -9.0f);
  EXPECT_EQ(second("<f4", little_endian(1.0f), little_endian(0.1f)), 0.1f);
  EXPECT_EQ(second("<f8", little_endian(1.0), little_endian(-0.25)), -0.25f);
  EXPECT_EQ(second(">f4", big_endian(1.0f), big_endian(0.1f)), 0.1f);
}

TEST(Npy, ReadsVersionsTwoAndThree) {
  for (const char version : {'\2', '\3'}) {
    const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1)}\n";
    const std::string file = "\x93NUMPY"s + version + '\0' +
                             little_endian(static_cast<std::uint32_t>(header.size())) + header +
                             little_endian(5.0f) + little_endian(6.0f);
    EXPECT_EQ(load_npy_pair(file, kTwoNpyLabels).float_inputs()[1], 6.0f);
  }
}

TEST(Npy, ReadsValueTargets) {
  const Dataset dataset =
      load_npy_pair(npy_file("|u1", "(2,)", "ab"),
                    npy_file("<f8", "(2, 1)", little_endian(0.5) + little_endian(1.5)), false);
  EXPECT_EQ(dataset.target(1)[0], 1.5f);
}

TEST(Npy, BoolIsZeroAndOne) {
  const Dataset dataset =
      load_npy_pair(npy_file("|b1", "(2,)", "\0\1"s), npy_file("|b1", "(2,)", "\1\0"s));
  EXPECT_EQ(dataset.byte_inputs()[1], 1);
  EXPECT_EQ(dataset.label(0), 1);
  EXPECT_EQ(dataset.label(1), 0);
}

TEST(Npy, OneHotRowsAreLabels) {
  const Dataset dataset = load_npy_pair(npy_file("|u1", "(2, 3)", "abcdef"),
                                        npy_file("|b1", "(2, 4)", "\0\1\0\0\0\0\0\1"s));
  EXPECT_EQ(dataset.describe().target_columns, 1);
  EXPECT_EQ(dataset.label(0), 1);
  EXPECT_EQ(dataset.label(1), 3);
  EXPECT_EQ(dataset.notes().size(), 1u);
}

TEST(Npy, OtherTypesAreRefusedWithTheRemedy) {
  const auto expect = [](const std::string& type, const std::string& remedy) {
    expect_error(ExitCode::bad_data, remedy,
                 [&] { (void)load_npy_pair(npy_file(type, "(1,)", "abcd"), kTwoNpyLabels); });
  };
  expect("<U1", "\"<U1\"; texts are numbered with numpy.unique(labels, return_inverse=True)[1]");
  expect("|O", "Python objects");
  expect("<c8", "numpy.stack([z.real, z.imag], -1)");
  expect("<f2", "convert with array.astype(\"f8\")");
  expect("<u8", "convert with array.astype(\"f8\")");
  expect_error(ExitCode::bad_data, "a structured array, of records", [] {
    std::string file = npy_file("x", "(1,)", "abcd");
    file.replace(file.find("'x'"), 3, "[('a', '<f4')]");
    file[8] = static_cast<char>(file[8] + 11);
    (void)load_npy_pair(file, kTwoNpyLabels);
  });
}

}  // namespace
}  // namespace lockstep
