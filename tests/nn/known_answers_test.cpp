// The elementary functions at fixed points: the same bits for every compiler and processor.
#include "lockstep/nn/known_answers.hpp"

#include <gtest/gtest.h>

namespace lockstep {
namespace {

TEST(KnownAnswers, FunctionsGiveTheBitsThatAreRight) { EXPECT_EQ(check_known_functions(), ""); }

}  // namespace
}  // namespace lockstep
