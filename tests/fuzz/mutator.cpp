#include "fuzz/mutator.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace lockstep::fuzz {
namespace {

constexpr std::array<std::uint64_t, 12> kNumbers = {
    0,           1,           0x7f,        0x80,          0xff,       0x7fff,
    0x7fff'ffff, 0x8000'0000, 0xffff'ffff, 0x1'0000'0000, ~0ull >> 1, ~0ull};
constexpr std::array<std::string_view, 10> kTexts = {
    "-1", "0", "1e999", "nan", "99999999999999999999", "\"", "\n", ",", "\xf0\x9f\x98\x80", "\xff"};

/// A number as a file may hold it: 1, 2, 4 or 8 bytes, either end first.
std::string bytes_of(std::uint64_t number, std::size_t count, bool big_endian) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>(number >> 8 * i & 0xff);
  if (big_endian) std::ranges::reverse(bytes);
  return bytes;
}

}  // namespace

std::string mutated(std::string input, const Target& target, std::mt19937& random) {
  const auto below = [&](std::size_t bound) { return bound == 0 ? 0 : random() % bound; };
  const auto overwrite = [&](std::size_t at, std::string_view piece) {
    input.replace(at, std::min(piece.size(), input.size() - at), piece);
  };
  for (std::size_t changes = 1 + below(4); changes > 0; --changes) {
    // Headers are short, and what they say decides over the rest.
    const std::size_t at =
        below(below(2) == 0 ? input.size() + 1 : std::min<std::size_t>(input.size() + 1, 64));
    switch (below(9)) {
      case 0:
        if (at < input.size()) input[at] = static_cast<char>(input[at] ^ 1 << below(8));
        break;
      case 1:
        if (at < input.size()) input[at] = static_cast<char>(random());
        break;
      case 2: {
        const std::uint64_t number = kNumbers[below(kNumbers.size())];
        const std::size_t count = std::size_t{1} << below(4);
        overwrite(at, bytes_of(number, count, below(2) == 0));
        break;
      }
      case 3:
        input.insert(at, kTexts[below(kTexts.size())]);
        break;
      case 4:
        if (!target.words.empty()) input.insert(at, target.words[below(target.words.size())]);
        break;
      case 5:
        if (!target.words.empty()) overwrite(at, target.words[below(target.words.size())]);
        break;
      case 6:
        input.resize(at);
        break;
      case 7:
        input.erase(at, 1 + below(16));
        break;
      default:
        input.insert(at, input.substr(below(input.size() + 1), below(32)));
    }
  }
  return input;
}

std::string mutated_seed(const Target& target, std::span<const std::string> seeds,
                         std::mt19937& random) {
  return mutated(seeds[random() % seeds.size()], target, random);
}

}  // namespace lockstep::fuzz
