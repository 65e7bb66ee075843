#include "lockstep/base/buffer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>

namespace lockstep {
namespace {

TEST(Buffer, IsAlignedAndZeroedAtEverySize) {
  for (const Index size : {1, 15, 16, 17, 524'287, 524'288, 524'289, 1'500'000}) {
    Buffer<float> buffer(size);
    ASSERT_EQ(buffer.size(), size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % kAlignment, 0U) << size;
    EXPECT_EQ(std::ranges::count(buffer.span(), 0.0F), size);
    std::ranges::fill(buffer.span(), 1.0F);
  }
}

// Whether what `span` of it gives may be written to.
template <typename Owner>
constexpr bool kWritable =
    !std::is_const_v<typename decltype(std::declval<Owner>().span())::element_type>;

TEST(Buffer, ThatIsConstIsOnlyRead) {
  static_assert(kWritable<Buffer<float>&>);
  static_assert(!kWritable<const Buffer<float>&>);
  static_assert(
      std::is_same_v<decltype(std::declval<const Buffer<float>&>().data()), const float*>);
  Buffer<float> buffer(4);
  buffer.span(1, 2)[1] = 3;
  EXPECT_EQ(std::as_const(buffer).span(2, 1).front(), 3.0F);
}

TEST(Buffer, IsMovable) {
  Buffer<float> buffer(100);
  const float* data = buffer.data();
  const Buffer<float> moved = std::move(buffer);
  EXPECT_EQ(moved.data(), data);
}

TEST(Buffer, RoomIsInWholeCacheLines) {
  EXPECT_EQ(aligned<float>(1), 16);
  EXPECT_EQ(aligned<float>(16), 16);
  EXPECT_EQ(aligned<double>(9), 16);
}

TEST(Buffer, TooMuchIsBadAlloc) {
  EXPECT_THROW(static_cast<void>(allocate(std::numeric_limits<std::size_t>::max())),
               std::bad_alloc);
}

}  // namespace
}  // namespace lockstep
