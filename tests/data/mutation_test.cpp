#include <algorithm>
#include <random>

#include "data/data_testing.hpp"
#include "io/gzip_testing.hpp"
#include "io/testing.hpp"
#include "lockstep/data/formats.hpp"
#include "lockstep/io/hdf5.hpp"

// libhdf5 itself asks for the sizes that a damaged file declares: refusing them is right, ending
// the program is not.
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }
// Some of what it took for a damaged file it never gives back.
extern "C" const char* __lsan_default_suppressions() { return "leak:libhdf5"; }

namespace lockstep {
namespace {

using namespace std::string_literals;

/// Changes a few random bytes of a file: flips, interesting values, cuts, repeats.
std::string mutated(std::string file, std::mt19937& random) {
  const auto below = [&](std::size_t bound) { return bound == 0 ? 0 : random() % bound; };
  for (std::size_t change = 0, changes = 1 + below(4); change < changes && !file.empty();
       ++change) {
    const std::size_t at = below(file.size());
    switch (below(6)) {
      case 0:
        file[at] = static_cast<char>(file[at] ^ 1 << below(8));
        break;
      case 1:
        file[at] = static_cast<char>(random());
        break;
      case 2:
        file[at] = "\0\1\x7f\x80\xff,\"\n"[below(8)];
        break;
      case 3:
        file.resize(at);
        break;
      case 4:
        file.erase(at, 1 + below(8));
        break;
      default:
        file.insert(at, file.substr(below(file.size()), below(16)));
    }
  }
  return file;
}

/// Loads `cases` mutations of a file; only Error may escape. Some must load, or the test would test
/// nothing.
void expect_only_errors(const std::string& name, const std::string& file, int cases,
                        const std::string& labels = idx_header(8, {2}) + "\0\1"s) {
  const TemporaryDirectory directory;
  Source source;
  source.labels_path = directory.write("labels", labels);
  if (name.ends_with(".npy"))
    source.labels_path = directory.write("y", npy_file("|u1", "(2,)", "ab"));
  source.path = directory.write(name, file);
  EXPECT_NO_THROW((void)load(source));
  std::mt19937 random(1);
  int refused = 0;
  for (int i = 0; i < cases; ++i) {
    directory.write(name, mutated(file, random));
    try {
      (void)load(source);
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, cases / 10) << name;
  EXPECT_LT(refused, cases) << name;
}

TEST(Mutation, Idx) {
  expect_only_errors("a.idx",
                     idx_header(0x0D, {2, 2}) + big_endian(1.0f) + big_endian(2.0f) +
                         big_endian(3.0f) + big_endian(4.0f),
                     2000);
}

TEST(Mutation, Gzip) {
  expect_only_errors("a.csv.gz", gzipped("1,2,3\n") + gzipped("4,5,6\n"), 2000);
}

TEST(Mutation, Wav) {
  expect_only_errors("a.wav", wav_file({1, -2, 3, -4, 32767, -32768}), 2000, "a.wav,1\n");
}

TEST(Mutation, Cifar10) {
  expect_only_errors("a.bin", cifar_record(1, 2, 3, 4) + cifar_record(9, 8, 7, 6), 500);
}

TEST(Mutation, Pnm) { expect_only_errors("a.ppm", "P6\n# c\n2 1\n255\nabcdef", 1000, "a.ppm,1\n"); }

TEST(Mutation, Text) {
  const TemporaryDirectory directory;
  const std::string text = "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 word";
  std::mt19937 random(1);
  int refused = 0;
  for (int i = 0; i < 500; ++i) {
    Source source;
    source.type = "text";
    source.path = directory.write("a.txt", mutated(text, random));
    try {
      (void)load(source);
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 50);
  EXPECT_LT(refused, 500);
}

TEST(Mutation, Csv) {
  expect_only_errors("a.csv", "\"a\",b,c\r\n1.5,\"2\",3\r\n-1e3,+2,0\n\n", 2000);
}

TEST(Mutation, Npy) {
  expect_only_errors("a.npy", npy_file("<f4", "(2, 1)", little_endian(1.0f) + little_endian(2.0f)),
                     2000);
}

TEST(Mutation, Hdf5) {
  Hdf5Writer writer;
  writer.dataset("/inputs", std::vector<Index>{2, 2}, std::vector<float>{1, 2, 3, 4});
  writer.dataset("/targets", std::vector<Index>{2}, std::vector<std::int64_t>{0, 1});
  expect_only_errors("a.h5", text_of(writer.finish()), 2000);
}

}  // namespace
}  // namespace lockstep
