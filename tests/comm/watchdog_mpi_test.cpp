#include "lockstep/comm/watchdog.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "lockstep/base/clock.hpp"
#include "lockstep/comm/environment.hpp"
#include "lockstep/comm/topology.hpp"

namespace lockstep {
namespace {

void sleep_seconds(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

/// Watches all ranks of one machine, and keeps what is said.
class WatchdogTest : public testing::Test {
 protected:
  static constexpr double kLimit = 0.5;

  void watch(WatchdogLimits limits) {
    watchdog_.emplace(
        topology_.pulse_table(),
        [this](const std::string& text) {
          const std::scoped_lock lock(mutex_);
          said_.push_back(text);
        },
        limits);
    topology_.ranks().barrier();
  }
  std::vector<std::string> said() {
    const std::scoped_lock lock(mutex_);
    return said_;
  }
  /// True once a watchdog of this machine has spoken.
  bool over(double seconds) {
    const double end = now_seconds() + seconds;
    while (!heartbeat_.over() && now_seconds() < end) sleep_seconds(0.01);
    return heartbeat_.over();
  }
  [[nodiscard]] bool is_last() const { return world_.rank() + 1 == world_.size(); }

  const Communicator world_{MPI_COMM_WORLD};
  const Topology topology_{world_};
  const Heartbeat heartbeat_ = topology_.heartbeat();
  std::mutex mutex_;
  std::vector<std::string> said_;
  std::optional<Watchdog> watchdog_;
};

TEST_F(WatchdogTest, NamesTheRankThatDoesNotMove) {
  watch({.step = kLimit, .slow = 60});
  heartbeat_.begin_step(7);
  heartbeat_.enter(Phase::backward);
  heartbeat_.reach(2);
  const double start = now_seconds();
  {
    heartbeat_.wait(!is_last());
    EXPECT_TRUE(over(5));
  }
  EXPECT_GE(now_seconds() - start, kLimit);
  EXPECT_LE(now_seconds() - start, kLimit + 2);
  sleep_seconds(0.1);
  const std::vector<std::string> lines = said();
  ASSERT_EQ(lines.size(), world_.rank() == 0 ? 1u : 0u) << "one rank speaks for all";
  watchdog_.reset();
  if (lines.empty()) return;
  EXPECT_TRUE(lines[0].starts_with("rank " + std::to_string(world_.size() - 1) + " on " +
                                   node_name() + " has not moved for 0."))
      << lines[0];
  EXPECT_TRUE(lines[0].ends_with(" s (step 7, backward, bucket 2)")) << lines[0];
}

TEST_F(WatchdogTest, IsQuietWhileRanksGetOn) {
  watch({.step = kLimit, .slow = kLimit});
  for (int i = 0; i < 10; ++i) {
    heartbeat_.begin_step(static_cast<std::uint64_t>(i));
    sleep_seconds(0.1);
  }
  watchdog_.reset();
  EXPECT_TRUE(said().empty()) << said()[0];
}

TEST_F(WatchdogTest, DisksMayBeSlow) {
  watch({.step = kLimit, .slow = 60});
  heartbeat_.enter(Phase::data);
  heartbeat_.wait(world_.rank() > 0);
  EXPECT_FALSE(over(2 * kLimit));
  watchdog_.reset();
  EXPECT_TRUE(said().empty());
}

// A save tells how it gets on; one that does not is not waited for as long as a disk that is read.
TEST_F(WatchdogTest, ASaveMayTakeLongButMustGetOn) {
  watch({.step = 0.2, .slow = 60, .save = kLimit});
  heartbeat_.enter(Phase::checkpoint);
  heartbeat_.wait(world_.rank() > 0);
  for (int i = 0; i < 10; ++i) {
    heartbeat_.beat();
    EXPECT_FALSE(over(kLimit / 4));
  }
  EXPECT_TRUE(over(5));
  watchdog_.reset();
}

TEST(WatchdogLimits, OfASaveLieBetweenThoseOfAStepAndOfADisk) {
  EXPECT_EQ((WatchdogLimits{}.of(Phase::checkpoint)), 600);
  EXPECT_EQ((WatchdogLimits{.step = 900}.of(Phase::checkpoint)), 900);
  EXPECT_EQ((WatchdogLimits{.step = 2, .slow = 30}.of(Phase::checkpoint)), 30);
}

TEST_F(WatchdogTest, CanBeOff) {
  watch({.step = kLimit, .slow = kLimit});
  watchdog_->set_limits({.step = 0, .slow = kLimit});
  heartbeat_.enter(Phase::forward);
  EXPECT_FALSE(over(2 * kLimit));
  watchdog_.reset();
}

// With other machines, these would speak first.
TEST_F(WatchdogTest, IfAllWaitItSaysSo) {
  watch({.step = 0.2, .slow = 0.2, .grace = 0.3});
  heartbeat_.begin_step(3);
  heartbeat_.wait(true);
  EXPECT_TRUE(over(6));
  sleep_seconds(0.1);
  const std::vector<std::string> lines = said();
  ASSERT_EQ(lines.size(), world_.rank() == 0 ? 1u : 0u);
  watchdog_.reset();
  if (lines.empty()) return;
  EXPECT_NE(lines[0].find("like all ranks there: a message was lost"), std::string::npos)
      << lines[0];
}

}  // namespace
}  // namespace lockstep
