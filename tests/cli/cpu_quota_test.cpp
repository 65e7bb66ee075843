#include "cli/launch/cpu_quota.hpp"

#include <gtest/gtest.h>

#include "io/testing.hpp"

namespace lockstep::cli {
namespace {

class CpuQuotaTest : public testing::Test {
 protected:
  void group(const std::string& path, const std::string& file, const std::string& text) {
    std::filesystem::create_directories(directory_.path() / "groups" / path);
    directory_.write("groups/" + path + "/" + file, text);
  }
  std::optional<double> quota(const std::string& membership) {
    directory_.write("membership", membership);
    return cpu_quota(directory_.path() / "membership", directory_.path() / "groups");
  }

  TemporaryDirectory directory_;
};

TEST_F(CpuQuotaTest, OfTheSecondVersion) {
  group("a/b", "cpu.max", "150000 100000\n");
  EXPECT_EQ(quota("0::/a/b\n"), 1.5);
  group("a/b", "cpu.max", "max 100000\n");
  EXPECT_EQ(quota("0::/a/b\n"), std::nullopt);
}

TEST_F(CpuQuotaTest, OfTheFirstVersion) {
  group("cpu/a", "cpu.cfs_quota_us", "400000\n");
  group("cpu/a", "cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota("5:cpuset:/a\n3:cpu,cpuacct:/a\n0::/\n"), 4.0);
  EXPECT_EQ(quota("5:cpuset:/a\n3:cpuacct:/a\n0::/\n"), std::nullopt);
  group("cpu/a", "cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(quota("3:cpu:/a\n"), std::nullopt);
}

TEST_F(CpuQuotaTest, OfAGroupAboveIfThatIsLess) {
  group("", "cpu.max", "800000 100000\n");
  group("a", "cpu.max", "200000 100000\n");
  group("a/b", "cpu.max", "400000 100000\n");
  EXPECT_EQ(quota("0::/a/b\n"), 2.0);
  EXPECT_EQ(quota("0::/not/there\n"), 8.0);
}

TEST_F(CpuQuotaTest, NothingThatCannotBeRead) {
  EXPECT_EQ(quota(""), std::nullopt);
  EXPECT_EQ(quota("garbage\n0::/a\n"), std::nullopt);
  EXPECT_EQ(cpu_quota("/not/there", "/not/there"), std::nullopt);
}

}  // namespace
}  // namespace lockstep::cli
