#include "lockstep/base/caches.hpp"

#include <gtest/gtest.h>

namespace lockstep {
namespace {

TEST(Caches, OfThisMachineCanBeUsed) {
  const Caches here = caches();
  EXPECT_GE(here.first, 1024);
  EXPECT_GE(here.second, here.first);
  EXPECT_GE(here.third, here.second);
}

TEST(Caches, WhateverIsSetCanBeUsed) {
  const Caches here = caches();
  set_caches({0, -7, 3});
  EXPECT_EQ(caches().first, 1024);
  EXPECT_EQ(caches().second, 1024);
  EXPECT_EQ(caches().third, 1024);
  set_caches({Index{1} << 60, 1, 1});
  EXPECT_LE(caches().first, Index{1} << 26);
  EXPECT_GE(caches().second, caches().first);
  set_caches(here);
}

}  // namespace
}  // namespace lockstep
