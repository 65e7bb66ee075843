#include <hdf5.h>

#include <functional>
#include <memory>
#include <numeric>

#include "io/testing.hpp"
#include "lockstep/io/file.hpp"
#include "lockstep/io/hdf5.hpp"
#include "lockstep/io/sealed.hpp"

namespace lockstep {
namespace {

/// An image of a file that `build` fills through the C interface.
std::vector<std::byte> image_of(const TemporaryDirectory& directory,
                                const std::function<void(hid_t)>& build) {
  const std::string path = directory / "built.h5";
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  build(file);
  H5Fclose(file);
  return read_file(path);
}

/// A dataset of one dimension with these creation properties; written if there are values.
void add_dataset(hid_t file, hid_t type, hsize_t size, hid_t properties, const void* values) {
  const hid_t space = H5Screate_simple(1, &size, nullptr);
  const hid_t dataset = H5Dcreate2(file, "/x", type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
  ASSERT_GE(dataset, 0);
  if (values != nullptr) H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  H5Dclose(dataset);
  H5Sclose(space);
}

std::vector<std::byte> small_image() {
  Hdf5Writer writer;
  writer.dataset("/group/x", std::vector<Index>{3}, std::vector<float>{1, 2, 3});
  writer.text("/text", "hello");
  writer.attribute("/group", "negative", std::int64_t{-1});
  const auto image = writer.finish();
  return {image.begin(), image.end()};
}

/// The first reader switches external links off for the whole process: the file that has some is
/// built before.
class Hdf5ReaderTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_ = std::make_unique<TemporaryDirectory>();
    image_with_links_ = image_of(*directory_, [](hid_t file) {
      const std::string target = *directory_ / "secret.h5";
      H5Lcreate_external(target.c_str(), "/group", file, "/outside", H5P_DEFAULT, H5P_DEFAULT);
      H5Lcreate_soft("/outside/x", file, "/detour", H5P_DEFAULT, H5P_DEFAULT);
    });
    directory_->write("secret.h5", text_of(small_image()));
  }
  static void TearDownTestSuite() { directory_.reset(); }

  inline static std::unique_ptr<TemporaryDirectory> directory_;
  inline static std::vector<std::byte> image_with_links_;
};

void expect_bad(std::string_view fragment, const std::function<void()>& action) {
  expect_error(ExitCode::bad_data, fragment, action);
}

TEST_F(Hdf5ReaderTest, ReadsASealedFile) {
  auto bytes = small_image();
  std::ranges::copy(seal_of(bytes, 3), std::back_inserter(bytes));
  EXPECT_EQ(Hdf5Reader(bytes, "sealed").floats("/group/x"), (std::vector<float>{1, 2, 3}));
}

TEST_F(Hdf5ReaderTest, NamesFileObjectAndReason) {
  const auto image = small_image();
  const Hdf5Reader reader(image, "some.h5");
  EXPECT_TRUE(reader.has("/group/x"));
  EXPECT_FALSE(reader.has("/group/y"));
  EXPECT_FALSE(reader.has("/none/y"));
  EXPECT_TRUE(reader.has_attribute("/group", "negative"));
  EXPECT_FALSE(reader.has_attribute("/group", "other"));
  expect_bad("some.h5: /none/y: expected an object", [&] { (void)reader.floats("/none/y"); });
  expect_bad("/group: expected a dataset", [&] { (void)reader.floats("/group"); });
  expect_bad("/text: expected a group", [&] { (void)reader.list("/text"); });
  expect_bad("/text: expected numbers, found text", [&] { (void)reader.floats("/text"); });
  expect_bad("/group/x: expected integers, found reals",
             [&] { (void)reader.integers("/group/x"); });
  expect_bad("/group/x: expected text", [&] { (void)reader.text("/group/x"); });
  expect_bad("attribute other, found none", [&] { (void)reader.attribute("/group", "other"); });
  expect_bad("not negative", [&] { (void)reader.count_attribute("/group", "negative"); });
  expect_bad("expected text", [&] { (void)reader.text_attribute("/group", "negative"); });
}

TEST_F(Hdf5ReaderTest, RefusesWhatIsNoHdf5) {
  expect_bad("not an HDF5 file", [] { Hdf5Reader reader({}, "empty"); });
  const auto text = bytes_of(std::string(5000, 'x'));
  expect_bad("not an HDF5 file", [&] { Hdf5Reader reader(text, "text"); });
}

TEST_F(Hdf5ReaderTest, ReadsCompressedDataOfEveryIntegerType) {
  const TemporaryDirectory directory;
  std::vector<std::uint8_t> values(1000);
  std::iota(values.begin(), values.end(), std::uint8_t{0});
  const auto image = image_of(directory, [&](hid_t file) {
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk = 100;
    H5Pset_chunk(properties, 1, &chunk);
    H5Pset_shuffle(properties);
    H5Pset_deflate(properties, 6);
    H5Pset_fletcher32(properties);
    add_dataset(file, H5T_NATIVE_UINT8, values.size(), properties, values.data());
    H5Pclose(properties);
  });
  const Hdf5Reader reader(image, "file");
  EXPECT_EQ(reader.type_of("/x"), Hdf5Type::u8);
  EXPECT_EQ(reader.bytes("/x"), values);
  EXPECT_EQ(reader.integers("/x")[300], 300 % 256);
  EXPECT_EQ(reader.floats("/x")[255], 255.0f);
}

// NumPy fills up with zeros, Fortran with blanks.
TEST_F(Hdf5ReaderTest, TextsOfFixedLengthLoseTheirPadding) {
  for (const H5T_str_t padding : {H5T_STR_NULLPAD, H5T_STR_SPACEPAD}) {
    const TemporaryDirectory directory;
    const std::string filler(3, padding == H5T_STR_NULLPAD ? '\0' : ' ');
    const std::string words = " a b" + filler + "c d" + filler + filler.substr(2);
    const auto image = image_of(directory, [&](hid_t file) {
      const hid_t type = H5Tcopy(H5T_C_S1);
      H5Tset_size(type, 7);
      H5Tset_strpad(type, padding);
      add_dataset(file, type, 2, H5P_DEFAULT, words.data());
      const hid_t one = H5Screate(H5S_SCALAR);
      const hid_t attribute = H5Acreate2(file, "word", type, one, H5P_DEFAULT, H5P_DEFAULT);
      H5Awrite(attribute, type, words.data());
      H5Aclose(attribute);
      H5Sclose(one);
      H5Tclose(type);
    });
    const Hdf5Reader reader(image, "file");
    EXPECT_EQ(reader.texts("/x"), (std::vector<std::string>{" a b", "c d"}));
    EXPECT_EQ(reader.text_attribute("/", "word"), " a b");
  }
}

TEST_F(Hdf5ReaderTest, RefusesExternalLinks) {
  const Hdf5Reader reader(image_with_links_, "file");
  EXPECT_EQ(reader.list("/"), (std::vector<std::string>{"detour", "outside"}));
  expect_bad("/outside: a link to another file", [&] { (void)reader.floats("/outside/x"); });
  expect_bad("/detour: expected an object", [&] { (void)reader.floats("/detour"); });
}

TEST_F(Hdf5ReaderTest, KeepsSeveralFilesApart) {
  Hdf5Writer one, two;
  one.text("/x", "one");
  two.text("/x", "two");
  const auto first_image = one.finish();
  const auto second_image = two.finish();
  const Hdf5Reader first(first_image, "first");
  const Hdf5Reader second(second_image, "second");
  {
    const Hdf5Reader again(second_image, "again");
    EXPECT_EQ(again.text("/x"), "two");
  }
  EXPECT_EQ(first.text("/x"), "one");
  EXPECT_EQ(second.text("/x"), "two");
}

TEST_F(Hdf5ReaderTest, RefusesExternalStorage) {
  const TemporaryDirectory directory;
  const std::string secret = directory.write("secret", "0123456789");
  const auto image = image_of(directory, [&](hid_t file) {
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(properties, secret.c_str(), 0, 10);
    add_dataset(file, H5T_NATIVE_UINT8, 10, properties, nullptr);
    H5Pclose(properties);
  });
  const Hdf5Reader reader(image, "file");
  expect_bad("storage in other files is refused", [&] { (void)reader.bytes("/x"); });
}

TEST_F(Hdf5ReaderTest, RefusesVirtualStorage) {
  const TemporaryDirectory directory;
  const std::string source = directory.write("secret.h5", text_of(small_image()));
  const auto image = image_of(directory, [&](hid_t file) {
    const hsize_t size = 3;
    const hid_t space = H5Screate_simple(1, &size, nullptr);
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_virtual(properties, space, source.c_str(), "/group/x", space);
    add_dataset(file, H5T_NATIVE_FLOAT, size, properties, nullptr);
    H5Pclose(properties);
    H5Sclose(space);
  });
  const Hdf5Reader reader(image, "file");
  expect_bad("virtual storage", [&] { (void)reader.floats("/x"); });
}

TEST_F(Hdf5ReaderTest, TakesNoMemoryForDeclaredSizes) {
  const TemporaryDirectory directory;
  const hsize_t huge = hsize_t{1} << 42;
  const auto contiguous = image_of(directory, [&](hid_t file) {
    add_dataset(file, H5T_NATIVE_UINT8, huge, H5P_DEFAULT, nullptr);
  });
  EXPECT_LT(contiguous.size(), 10'000u);
  const Hdf5Reader first(contiguous, "file");
  expect_bad("declares more elements", [&] { (void)first.floats("/x"); });

  const auto chunked = image_of(directory, [&](hid_t file) {
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk = 1000;
    H5Pset_chunk(properties, 1, &chunk);
    add_dataset(file, H5T_NATIVE_UINT8, huge, properties, nullptr);
    H5Pclose(properties);
  });
  const Hdf5Reader second(chunked, "file");
  expect_bad("declares more elements", [&] { (void)second.floats("/x"); });
  EXPECT_EQ(second.shape_of("/x")[0], Index{1} << 42);
}

TEST_F(Hdf5ReaderTest, RefusesUnknownFiltersAndTypes) {
  const TemporaryDirectory directory;
  const std::vector<int> values(100, 3);
  const auto filtered = image_of(directory, [&](hid_t file) {
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk = 10;
    H5Pset_chunk(properties, 1, &chunk);
    H5Pset_nbit(properties);
    add_dataset(file, H5T_NATIVE_INT, values.size(), properties, values.data());
    H5Pclose(properties);
  });
  const Hdf5Reader first(filtered, "file");
  expect_bad("filter 5 is refused", [&] { (void)first.floats("/x"); });
  const auto opaque = image_of(directory, [&](hid_t file) {
    const hid_t type = H5Tcreate(H5T_OPAQUE, 7);
    add_dataset(file, type, 4, H5P_DEFAULT, nullptr);
    H5Tclose(type);
  });
  const Hdf5Reader second(opaque, "file");
  expect_bad("found opaque bytes of 7 bytes; store numbers", [&] { (void)second.floats("/x"); });
  const auto shifted = image_of(directory, [&](hid_t file) {
    const hid_t type = H5Tcopy(H5T_NATIVE_INT);
    H5Tset_precision(type, 12);
    H5Tset_offset(type, 4);
    add_dataset(file, type, 4, H5P_DEFAULT, nullptr);
    H5Tclose(type);
  });
  const Hdf5Reader third(shifted, "file");
  expect_bad("expected numbers that fill their bytes", [&] { (void)third.floats("/x"); });
}

}  // namespace
}  // namespace lockstep
