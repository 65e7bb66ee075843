#include "lockstep/optim/schedule.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

constexpr std::uint64_t kFar = std::numeric_limits<std::uint64_t>::max();

TEST(Schedule, Constant) {
  EXPECT_EQ(constant_schedule()->factor(0), 1);
  EXPECT_EQ(constant_schedule()->factor(kFar), 1);
}

TEST(Schedule, StepFallsAtMultiples) {
  const auto s = step_schedule(10, 0.5);
  EXPECT_EQ(s->factor(0), 1);
  EXPECT_EQ(s->factor(9), 1);
  EXPECT_EQ(s->factor(10), 0.5);
  EXPECT_EQ(s->factor(19), 0.5);
  EXPECT_EQ(s->factor(20), 0.25);
  EXPECT_EQ(s->factor(kFar), 0);
  EXPECT_EQ(step_schedule(1, 1)->factor(7), 1);
}

TEST(Schedule, PlateauFallsWithEveryDropDownToFinal) {
  const auto s = plateau_schedule({.factor = 0.5, .patience = 3, .final = 0.2});
  ASSERT_NE(s->plateau(), nullptr);
  EXPECT_EQ(s->plateau()->patience, 3);
  EXPECT_EQ(s->factor(kFar), 1);
  EXPECT_EQ(learning_rate(*s, 0.4, 0, 7), 0.4);
  EXPECT_EQ(learning_rate(*s, 0.4, 0, 7, 1), 0.2);
  EXPECT_EQ(learning_rate(*s, 0.4, 0, 7, 2), 0.1);
  EXPECT_DOUBLE_EQ(learning_rate(*s, 0.4, 0, 7, 3), 0.4 * 0.2);
  EXPECT_DOUBLE_EQ(learning_rate(*s, 0.4, 10, 4, 1), 0.1) << "in the warm-up, too";
  EXPECT_EQ(constant_schedule()->plateau(), nullptr);
  EXPECT_EQ(learning_rate(*constant_schedule(), 0.4, 0, 7, 2), 0.4);
  for (const Plateau& wrong : {Plateau{.factor = 0}, Plateau{.factor = 1}, Plateau{.patience = 0},
                               Plateau{.min_delta = -1}, Plateau{.final = 2}}) {
    EXPECT_THROW(static_cast<void>(plateau_schedule(wrong)), Error);
  }
}

TEST(Schedule, CosineFallsFromOneToFinal) {
  const auto s = cosine_schedule(100, 0.2);
  EXPECT_EQ(s->factor(0), 1);
  EXPECT_NEAR(s->factor(25), 0.2 + 0.8 * (1 + std::sqrt(0.5)) / 2, 1e-12);
  EXPECT_NEAR(s->factor(50), 0.6, 1e-12);
  EXPECT_GT(s->factor(99), 0.2);
  EXPECT_EQ(s->factor(100), 0.2);
  EXPECT_EQ(s->factor(kFar), 0.2);
  EXPECT_EQ(cosine_schedule(1, 0)->factor(0), 1);
  EXPECT_EQ(cosine_schedule(1, 0)->factor(1), 0);
}

TEST(Schedule, PolyFallsAsAPower) {
  const auto s = poly_schedule(100, 2, 0.2);
  EXPECT_EQ(s->factor(0), 1);
  EXPECT_NEAR(s->factor(50), 0.2 + 0.8 * 0.25, 1e-12);
  EXPECT_EQ(s->factor(100), 0.2);
  EXPECT_EQ(s->factor(kFar), 0.2);
  EXPECT_NEAR(poly_schedule(10, 1, 0)->factor(7), 0.3, 1e-12);
}

TEST(Schedule, StableFallsInTheEnd) {
  const auto s = wsd_schedule(100, 20, 0.5);
  EXPECT_EQ(s->factor(0), 1);
  EXPECT_EQ(s->factor(80), 1);
  EXPECT_NEAR(s->factor(90), 0.75, 1e-12);
  EXPECT_EQ(s->factor(100), 0.5);
  EXPECT_EQ(s->factor(kFar), 0.5);
  EXPECT_NEAR(wsd_schedule(10, 10, 0)->factor(4), 0.6, 1e-12);
}

TEST(Schedule, OneCycleRisesAndFalls) {
  const auto s = one_cycle_schedule(100, {.rise = 0.2, .start = 0.1, .final = 0.01});
  EXPECT_NEAR(s->factor(0), 0.1, 1e-12);
  EXPECT_NEAR(s->factor(10), 0.55, 1e-12);
  EXPECT_EQ(s->factor(20), 1);
  EXPECT_NEAR(s->factor(60), 0.505, 1e-12);
  EXPECT_NEAR(s->factor(100), 0.01, 1e-12);
  EXPECT_EQ(s->factor(kFar), s->factor(100));
}

TEST(Schedule, WarmUpRisesToBaseAndThenTheScheduleBegins) {
  const auto s = step_schedule(2, 0.5);
  EXPECT_DOUBLE_EQ(learning_rate(*s, 0.4, 4, 0), 0.1);
  EXPECT_DOUBLE_EQ(learning_rate(*s, 0.4, 4, 3), 0.4);
  EXPECT_DOUBLE_EQ(learning_rate(*s, 0.4, 4, 4), 0.4);
  EXPECT_DOUBLE_EQ(learning_rate(*s, 0.4, 4, 6), 0.2);
  EXPECT_DOUBLE_EQ(learning_rate(*s, 0.4, 0, 0), 0.4);
}

TEST(Schedule, WrongOptionsAreRefused) {
  const double nan = std::nan("");
  EXPECT_THROW(step_schedule(0, 0.5), Error);
  EXPECT_THROW(cosine_schedule(0, 0.5), Error);
  for (const double bad : {-0.1, 1.1, nan}) {
    EXPECT_THROW(step_schedule(1, bad), Error);
    EXPECT_THROW(cosine_schedule(1, bad), Error);
    EXPECT_THROW(poly_schedule(1, 1, bad), Error);
    EXPECT_THROW(wsd_schedule(1, 1, bad), Error);
    EXPECT_THROW(one_cycle_schedule(1, {.rise = bad}), Error);
    EXPECT_THROW(one_cycle_schedule(1, {.start = bad}), Error);
  }
  EXPECT_THROW(step_schedule(1, 0), Error);
  EXPECT_THROW(poly_schedule(0, 1, 0), Error);
  EXPECT_THROW(poly_schedule(1, 0, 0), Error);
  EXPECT_THROW(wsd_schedule(10, 0, 0), Error);
  EXPECT_THROW(wsd_schedule(10, 11, 0), Error);
  EXPECT_THROW(one_cycle_schedule(0), Error);
}

}  // namespace
}  // namespace lockstep
