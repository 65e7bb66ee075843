// What a checkpoint or `config show` holds of a configuration is that configuration.
#include <gtest/gtest.h>

#include <filesystem>

#include "lockstep/config/parse.hpp"
#include "lockstep/config/show.hpp"
#include "lockstep/setup/catalogue.hpp"

namespace lockstep {
namespace {

void expect_same_when_read_back(const config::Source& source,
                                const std::vector<config::Override>& overrides) {
  const config::Config once = config::parse(source, overrides, catalogue());
  const std::string identity = config::identity(once, catalogue());
  const config::Config stored = config::parse_identity({"checkpoint", identity}, catalogue());
  EXPECT_EQ(config::identity(stored, catalogue()), identity) << source.file;
  const std::string shown = config::resolved(once, catalogue());
  const config::Config again = config::parse({source.file, shown}, {}, catalogue());
  EXPECT_EQ(config::identity(again, catalogue()), identity) << source.file;
  EXPECT_EQ(again.run.name, once.run.name);
  EXPECT_EQ(again.checkpoint.every, once.checkpoint.every);
}

TEST(RoundTrip, OfEveryConfigurationOfTheSources) {
  int found = 0;
  const std::filesystem::path folder = std::string(LOCKSTEP_SOURCE_DIR) + "/scripts/configs";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const config::Source source = config::read_source(entry.path().string());
    expect_same_when_read_back(source, {});
    expect_same_when_read_back(source,
                               {{"divergence.action=rollback"}, {"checkpoint.every=1 epoch"}});
    ++found;
  }
  EXPECT_GE(found, 10);
  expect_same_when_read_back({"starter.toml", config::starter()}, {});
}

}  // namespace
}  // namespace lockstep
