#include "lockstep/base/floating_point.hpp"

#include <gtest/gtest.h>

#include <cfenv>
#include <limits>
#ifdef __SSE__
#include <xmmintrin.h>
#endif

#include "lockstep/base/parallel.hpp"

namespace lockstep {
namespace {

void spoil() {
  std::fesetround(FE_UPWARD);
#ifdef __SSE__
  _mm_setcsr(_mm_getcsr() | 0x8040);
#endif
}

/// Of additions and products as the processor does them now.
bool is_as_defined() {
  volatile float one = 1, tiny = std::numeric_limits<float>::epsilon() / 4;
  volatile float smallest = std::numeric_limits<float>::min(), half = 0.5f;
  return one + tiny == 1 && smallest * half > 0 && smallest * half * 2 == smallest;
}

class FloatingPointTest : public testing::Test {
 protected:
  ~FloatingPointTest() override { set_floating_point_mode(); }
};

TEST_F(FloatingPointTest, IsSetWhateverItWas) {
  spoil();
  EXPECT_FALSE(is_as_defined());
  set_floating_point_mode();
  EXPECT_TRUE(is_as_defined());
}

TEST_F(FloatingPointTest, IsSetInThreadsThatWereThereBefore) {
  constexpr Index kThreads = 4;
  set_thread_count(kThreads);
  each_thread_alone(kThreads, [](Index) { spoil(); });
  set_floating_point_mode_of_threads();
  std::array<bool, kThreads> right{};
  each_thread_alone(kThreads,
                    [&](Index i) { right[static_cast<std::size_t>(i)] = is_as_defined(); });
  EXPECT_EQ(right, (std::array<bool, kThreads>{true, true, true, true}));
}

}  // namespace
}  // namespace lockstep
