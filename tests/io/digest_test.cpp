#include "lockstep/io/digest.hpp"

#include "io/testing.hpp"

namespace lockstep {
namespace {

TEST(Digest, EqualsThePublishedValue) {
  // The digest of no bytes, from the xxHash specification.
  EXPECT_EQ(digest_of({}).hex(), "99aa06d3014798d86001c324468d497f");
}

TEST(Digest, DoesNotDependOnTheCut) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += static_cast<char>(i * 7);
  const auto bytes = bytes_of(text);
  for (const std::size_t piece : {1u, 3u, 256u, 1000u, 5000u}) {
    Digester digester;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      digester.update(std::span(bytes).subspan(at, std::min(piece, bytes.size() - at)));
    }
    EXPECT_EQ(digester.finish(), digest_of(bytes)) << piece;
  }
}

TEST(Digest, ChangesWithEveryBit) {
  auto bytes = bytes_of("lockstep");
  const Digest before = digest_of(bytes);
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] ^= std::byte{1} << bit % 8;
    EXPECT_NE(digest_of(bytes), before);
    bytes[bit / 8] ^= std::byte{1} << bit % 8;
  }
}

}  // namespace
}  // namespace lockstep
