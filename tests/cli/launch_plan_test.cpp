#include "cli/launch/launch_plan.hpp"

#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>

#include "io/testing.hpp"
#include "lockstep/base/error.hpp"

namespace lockstep::cli {
namespace {

Placement placed(int cores, LaunchRequest request) {
  request.processors = {.usable = cores, .bindable = cores};
  return place(request);
}

void expect_placed(const Placement& placement, int ranks, int threads, bool bound) {
  EXPECT_EQ(placement.ranks, ranks) << placement.reason;
  EXPECT_EQ(placement.threads, threads) << placement.reason;
  EXPECT_EQ(placement.bound, bound) << placement.reason;
}

TEST(LaunchPlanTest, RanksTimesThreadsAreTheProcessors) {
  expect_placed(placed(2, {}), 2, 1, true);
  expect_placed(placed(64, {}), 8, 8, true);
  expect_placed(placed(64, {.most_ranks = 16}), 16, 4, true);
  expect_placed(placed(64, {.ranks = 2}), 2, 32, true);
  expect_placed(placed(16, {.threads = 4}), 4, 4, true);
  expect_placed(placed(8, {.ranks = 3}), 3, 2, false);  // room for another rank
  expect_placed(placed(7, {.ranks = 3}), 3, 2, true);   // for none
}

TEST(LaunchPlanTest, NothingIsBoundThatOthersMayBeBoundTo) {
  expect_placed(placed(8, {.ranks = 2, .threads = 1}), 2, 1, false);
  // A part of a machine.
  expect_placed(place({.processors = {.usable = 4, .bindable = 0}}), 4, 1, false);
}

TEST(LaunchPlanTest, OversubscriptionOnlyWhereAskedFor) {
  const Placement placement = placed(2, {.ranks = 8});
  expect_placed(placement, 8, 1, false);
  EXPECT_NE(placement.reason.find("oversubscribed 4x"), std::string::npos) << placement.reason;
}

TEST(LaunchPlanTest, SeveralHostsAreTakenToBeAlike) {
  expect_placed(placed(4, {.hosts = {{"a", 2}, {"b", 2}}}), 4, 2, true);
  expect_placed(placed(4, {.hosts = {{"a"}, {"b"}}}), 8, 1, true);
  expect_placed(placed(4, {.ranks = 8, .hosts = {{"a", 2}, {"b", 2}}}), 8, 1, false);
  const LaunchRequest request{.hosts = {{"a", 1}, {"b"}},
                              .processors = {.usable = 2, .bindable = 2}};
  EXPECT_EQ(slots_of(request), 3);
  const std::vector<std::string> words = mpirun_words("mpirun", place(request), request);
  EXPECT_EQ(std::vector<std::string>(words.begin(), words.begin() + 6),
            (std::vector<std::string>{"mpirun", "-q", "-np", "3", "--host", "a:1,b:2"}));
}

TEST(LaunchPlanTest, MachinesThatAreCutOffAreGivenUpWithinTenSeconds) {
  const auto words = [](const LaunchRequest& request) {
    return fmt::format("{}", fmt::join(mpirun_words("mpirun", place(request), request), " "));
  };
  const LaunchRequest hosts{.hosts = {{"a", 1}, {"b", 1}}, .processors = {.usable = 2}};
  EXPECT_NE(words(hosts).find(" --mca oob_tcp_keepalive_time 4 --mca oob_tcp_keepalive_intvl 2"
                              " --mca oob_tcp_keepalive_probes 3"),
            std::string::npos)
      << words(hosts);
  EXPECT_EQ(words({.processors = {.usable = 2}}).find("keepalive"), std::string::npos);
  ::setenv("OMPI_MCA_oob_tcp_keepalive_time", "60", 1);  // the user knows better
  EXPECT_EQ(words(hosts).find("keepalive_time"), std::string::npos);
  ::unsetenv("OMPI_MCA_oob_tcp_keepalive_time");
}

TEST(LaunchPlanTest, HostsAsTheyAreWritten) {
  EXPECT_EQ(hosts_of("n1:2,n2"), (std::vector<Host>{{"n1", 2}, {"n2", 0}}));
  for (const char* bad : {",", "n1,,n2", "n1:0", "n1:x", "n1:"}) {
    EXPECT_THROW(static_cast<void>(hosts_of(bad)), Error) << bad;
  }
  const TemporaryDirectory directory;
  directory.write("hosts", "# all of them\nn1 slots=2 max_slots=4\n\n  n2  # the old one\n");
  EXPECT_EQ(hosts_in(directory.path() / "hosts"), (std::vector<Host>{{"n1", 2}, {"n2", 0}}));
  directory.write("hosts", "# none\n");
  EXPECT_THROW(static_cast<void>(hosts_in(directory.path() / "hosts")), Error);
  EXPECT_THROW(static_cast<void>(hosts_in(directory.path() / "other")), Error);
  // What never ends, or is waited for.
  ASSERT_EQ(::mkfifo((directory / "pipe").c_str(), 0600), 0);
  EXPECT_THROW(static_cast<void>(hosts_in(directory.path() / "pipe")), Error);
  EXPECT_THROW(static_cast<void>(hosts_in("/dev/zero")), Error);
  EXPECT_THROW(static_cast<void>(hosts_in("")), Error);
  directory.write("large", std::string(2'000'000, 'n'));
  EXPECT_THROW(static_cast<void>(hosts_in(directory.path() / "large")), Error);
}

TEST(LaunchPlanTest, WhatSlurmHasFixed) {
  expect_placed(place_in_slurm({}, 6, 2), 6, 2, true);
  expect_placed(place_in_slurm({.ranks = 3, .threads = 4}, 6, 2), 3, 4, true);
  expect_placed(place_in_slurm({}, 0, 0), 1, 1, true);
  const std::vector<std::string> words = srun_words("srun", place_in_slurm({}, 6, 2));
  EXPECT_EQ(words,
            (std::vector<std::string>{"srun", "--mpi=pmix", "--kill-on-bad-exit=1", "--ntasks=6",
                                      "--cpus-per-task=2", "--cpu-bind=cores"}));
}

TEST(LaunchPlanTest, LostSlotsTakeTheirRanksAlong) {
  EXPECT_EQ(ranks_that_fit(4, 4, 4), 4);
  EXPECT_EQ(ranks_that_fit(4, 4, 2), 2);
  EXPECT_EQ(ranks_that_fit(2, 8, 4), 2) << "there is room for all";
  EXPECT_EQ(ranks_that_fit(8, 2, 1), 4) << "as dense as before";
  EXPECT_EQ(ranks_that_fit(1, 2, 1), 1);
}

}  // namespace
}  // namespace lockstep::cli
