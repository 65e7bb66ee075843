#include "lockstep/io/gzip.hpp"

#include "fuzz/target.hpp"
#include "io/gzip_testing.hpp"

namespace lockstep::fuzz {
namespace {

constexpr Index kLimit = 1 << 20;

std::vector<std::string> seeds() {
  return {gzipped("1,2,3\n"), gzipped("1,2,3\n") + gzipped("4,5,6\n"),
          gzipped(std::string(20'000, 'a'))};
}

bool accepts(const std::string& input) {
  return accepted([&] {
    const auto content = inflate(std::as_bytes(std::span(input)), kLimit, "a.gz");
    if (static_cast<Index>(content.size()) > kLimit) throw std::logic_error("beyond the limit");
  });
}

}  // namespace

extern const Target kGzip{"gzip", accepts, seeds, {"\x1f\x8b\x08", "\x1f\x8b\x08\x1c"}};

}  // namespace lockstep::fuzz
