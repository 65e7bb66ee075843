#include "lockstep/base/checksum.hpp"

#include <atomic>
#include <cstring>

#include "lockstep/base/parallel.hpp"

namespace lockstep {
namespace {

constexpr Index kPerWord = sizeof(std::uint64_t) / sizeof(Real);

std::uint64_t word_at(const Real* numbers, Index count) {
  std::uint64_t word = 0;
  std::memcpy(&word, numbers, static_cast<std::size_t>(count) * sizeof(Real));
  return word;
}

std::uint64_t checksum_of_tile(const Real* numbers, Index count) {
  const Index whole = count - count % kPerWord;
  std::uint64_t sum = 0;
  for (Index i = 0; i < whole; i += kPerWord) sum ^= word_at(numbers + i, kPerWord);
  if (whole < count) sum ^= word_at(numbers + whole, count - whole);
  return sum;
}

}  // namespace

std::uint64_t checksum_of(std::span<const Real> numbers) {
  // An atomic operation would wait until the memory has all that was written before.
  if (std::ssize(numbers) <= kElementTile) {
    return checksum_of_tile(numbers.data(), std::ssize(numbers));
  }
  std::atomic<std::uint64_t> all = 0;
  parallel_for_tiles(std::ssize(numbers), kElementTile, [&](Index begin, Index end) {
    all.fetch_xor(checksum_of_tile(numbers.data() + begin, end - begin), std::memory_order_relaxed);
  });
  return all;
}

}  // namespace lockstep
