#include "lockstep/io/sealed.hpp"

#include "io/testing.hpp"

namespace lockstep {
namespace {

std::vector<std::byte> sealed(std::string_view image, std::uint64_t step) {
  auto bytes = bytes_of(image);
  std::ranges::copy(seal_of(bytes, step), std::back_inserter(bytes));
  return bytes;
}

TEST(Sealed, ReturnsImageAndStep) {
  const auto bytes = sealed("some image", 0x1122334455667788u);
  EXPECT_EQ(bytes.size(), 10 + kSealBytes);
  const Sealed found = unseal(bytes, "file");
  EXPECT_EQ(text_of(found.image), "some image");
  EXPECT_EQ(found.step, 0x1122334455667788u);
  EXPECT_TRUE(unseal(sealed("", 0), "file").image.empty());
}

TEST(Sealed, HasTheDocumentedLayout) {
  const auto bytes = sealed("abc", 5);
  EXPECT_EQ(text_of(std::span(bytes).subspan(3, 32)),
            std::string("LOCKSTEP\1\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0", 32));
  const Digest digest = digest_of(std::span(bytes).first(35));
  EXPECT_EQ(std::to_integer<std::uint64_t>(bytes[35]), digest.high & 0xff);
  EXPECT_EQ(std::to_integer<std::uint64_t>(bytes[43]), digest.low & 0xff);
}

TEST(Sealed, DetectsEveryFlippedBit) {
  auto bytes = sealed("an image of some bytes", 7);
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] ^= std::byte{1} << bit % 8;
    EXPECT_THROW((void)unseal(bytes, "file"), Error) << bit;
    bytes[bit / 8] ^= std::byte{1} << bit % 8;
  }
  EXPECT_NO_THROW((void)unseal(bytes, "file"));
}

TEST(Sealed, DetectsTruncationAtEveryByte) {
  const auto bytes = sealed("an image of some bytes", 7);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW((void)unseal(std::span(bytes).first(size), "file"), Error) << size;
  }
}

TEST(Sealed, SaysWhatIsWrong) {
  const auto good = sealed("image", 7);
  const auto expect_reason = [&](std::size_t byte, std::string_view reason) {
    auto bytes = good;
    bytes[byte] ^= std::byte{2};
    expect_error(ExitCode::bad_data, reason, [&] { (void)unseal(bytes, "step-7.h5"); });
  };
  expect_error(ExitCode::bad_data, "step-7.h5: too short: expected at least 64 bytes, found 63",
               [&] { (void)unseal(std::span(good).first(63), "step-7.h5"); });
  expect_reason(0, "content was changed");
  expect_reason(5, "no seal");
  expect_reason(5 + 8, "version 3: this program reads version 1; use a newer program");
  expect_reason(5 + 16, "seal is that of 7 bytes, found 5");
  expect_reason(5 + 24, "content was changed");
  expect_reason(5 + 32, "content was changed");
  expect_reason(5 + 63, "must be zero");
}

TEST(Sealed, FilesAreReadIfTheirTrailerIsThatOfTheirSize) {
  const TemporaryDirectory scratch;
  const Directory directory(scratch.path());
  const auto refused = [&](ExitCode code, const std::string& name, std::string_view reason) {
    expect_error(code, reason, [&] { (void)read_sealed_file(scratch / name); });
    expect_error(code, reason, [&] { (void)read_sealed_file(directory, name); });
  };
  const auto good = sealed("image", 7);
  scratch.write("a.h5", text_of(good));
  EXPECT_EQ(read_sealed_file(scratch / "a.h5"), good);
  EXPECT_EQ(read_sealed_file(directory, "a.h5"), good);
  std::filesystem::resize_file(scratch / "a.h5", std::uintmax_t{1} << 39);
  refused(ExitCode::bad_data, "a.h5", "a.h5: no seal at its end");
  scratch.write("b.h5", "image");
  refused(ExitCode::bad_data, "b.h5", "b.h5: too short: expected at least 64 bytes, found 5");
  scratch.write("c.h5", "version https://git-lfs.github.com/spec/v1\nsize 9\n");
  refused(ExitCode::bad_data, "c.h5",
          "c.h5: expected a checkpoint, but this is a pointer of Git LFS");
  refused(ExitCode::no_input, "nowhere", "nowhere");
}

}  // namespace
}  // namespace lockstep
