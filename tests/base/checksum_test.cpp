#include "lockstep/base/checksum.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "lockstep/base/parallel.hpp"

namespace lockstep {
namespace {

void flip(Real& number, int bit) {
  unsigned char bytes[sizeof(Real)];
  std::memcpy(bytes, &number, sizeof(Real));
  bytes[bit / 8] = static_cast<unsigned char>(bytes[bit / 8] ^ (1 << bit % 8));
  std::memcpy(&number, bytes, sizeof(Real));
}

TEST(Checksum, AnyFlippedBitChangesIt) {
  std::vector<Real> numbers(37);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<Real>(i) / 3;
  const std::uint64_t right = checksum_of(numbers);
  for (Real& number : numbers) {
    for (int bit = 0; bit < static_cast<int>(8 * sizeof(Real)); ++bit) {
      flip(number, bit);
      EXPECT_NE(checksum_of(numbers), right);
      flip(number, bit);
    }
  }
  EXPECT_EQ(checksum_of(numbers), right);
}

TEST(Checksum, DoesNotDependOnThreads) {
  std::vector<Real> numbers(3 * kElementTile + 5);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<Real>(i % 1000) / 7;
  const std::uint64_t alone = checksum_of(numbers);
  set_thread_count(3);
  EXPECT_EQ(checksum_of(numbers), alone);
  set_thread_count(1);
  EXPECT_EQ(checksum_of({}), 0u);
}

}  // namespace
}  // namespace lockstep
