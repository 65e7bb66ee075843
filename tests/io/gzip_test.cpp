#include "lockstep/io/gzip.hpp"

#include "io/gzip_testing.hpp"
#include "io/testing.hpp"

namespace lockstep {
namespace {

std::vector<std::byte> unpack(std::string_view file, Index limit = 1 << 20) {
  return inflate(bytes_of(file), limit, "file.gz");
}

TEST(Gzip, IsRecognised) {
  EXPECT_TRUE(is_gzip(bytes_of(gzipped("x"))));
  EXPECT_FALSE(is_gzip(bytes_of("\x1f")));
  EXPECT_FALSE(is_gzip(bytes_of("text")));
}

TEST(Gzip, UnpacksMembersInOrder) {
  const std::string large(700'000, 'z');
  EXPECT_EQ(text_of(unpack(gzipped("one "))), "one ");
  EXPECT_EQ(text_of(unpack(gzipped("one ") + gzipped("") + gzipped(large))), "one " + large);
}

TEST(Gzip, HoldsTheLimitExactly) {
  const std::string file = gzipped(std::string(100'000, 'a'));
  EXPECT_EQ(unpack(file, 100'000).size(), 100'000u);
  expect_error(ExitCode::bad_data, "unfold to more than 99999", [&] { unpack(file, 99'999); });
  expect_error(ExitCode::bad_data, "unfold to more than 5", [&] { unpack(file, 5); });
}

TEST(Gzip, DetectsTruncationAtEveryByte) {
  const std::string file = gzipped("some text that is long enough") + gzipped("more");
  const std::size_t first = gzipped("some text that is long enough").size();
  for (std::size_t size = 0; size < file.size(); ++size) {
    if (size == first) continue;  // a whole member is a whole file
    expect_error(ExitCode::bad_data, "file.gz: the gzip data is truncated",
                 [&] { unpack(std::string_view(file).substr(0, size)); });
  }
}

TEST(Gzip, DetectsCorruption) {
  std::string file = gzipped("some text");
  file[file.size() - 5] ^= 1;  // within the CRC
  expect_error(ExitCode::bad_data, "corrupt", [&] { unpack(file); });
  expect_error(ExitCode::bad_data, "corrupt", [&] { unpack(gzipped("text") + "garbage"); });
  expect_error(ExitCode::bad_data, "corrupt", [&] { unpack("plain text"); });
}

TEST(Gzip, AllowsMoreForLargerFiles) {
  EXPECT_EQ(inflation_limit(10), Index{256} << 20);
  EXPECT_EQ(inflation_limit(Index{1} << 30), Index{200} << 30);
}

}  // namespace
}  // namespace lockstep
