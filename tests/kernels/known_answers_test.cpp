// Every register form of the inner loops against one std::fma after the other, bit by bit: that
// each product is fused rests on no compiler, however few rows and vectors a tile has.
#include "lockstep/kernels/known_answers.hpp"

#include <gtest/gtest.h>

namespace lockstep::kernels {
namespace {

TEST(KnownAnswers, EveryFormIsAChainOfFusedMultiplyAdds) { EXPECT_EQ(check_known_answers(), ""); }

}  // namespace
}  // namespace lockstep::kernels
