#include "lockstep/config/schema.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "config/small_catalogue.hpp"

namespace lockstep::config {
namespace {

TEST(Schema, EveryKeyHasItsSentenceAndAGoodDefault) {
  EXPECT_EQ(faults(small_catalogue()), std::vector<std::string>{});
}

TEST(Schema, EveryFixedKeyHasAFieldOfItsOwn) {
  Config config;
  std::vector<const void*> fields;
  for (const Section& section : sections()) {
    for (const Key& key : section.keys) {
      ASSERT_EQ(key.field == nullptr, section.components != nullptr) << section.name << key.name;
      if (key.field == nullptr) continue;
      const void* field = std::visit([](auto* p) -> const void* { return p; }, key.field(config));
      EXPECT_EQ(std::count(fields.begin(), fields.end(), field), 0) << section.name << key.name;
      fields.push_back(field);
    }
  }
}

TEST(Schema, FaultsAreFound) {
  Catalogue catalogue = small_catalogue();
  catalogue.layers.push_back({"relu", "no full stop"});
  catalogue.losses[0].keys = {
      {.name = "a", .kind = Kind::real, .default_value = "2.0", .max = 1, .sentence = "A."},
      {.name = "a", .kind = Kind::choice, .sentence = "B."},
      {.name = "b", .default_value = "unquoted", .required = true}};
  EXPECT_EQ(
      faults(catalogue),
      (std::vector<std::string>{
          "layer.relu: described twice", "layer.relu: no sentence",
          "loss.cross_entropy.a: default: 'a' must be at most 1, is 2.0",
          "loss.cross_entropy.a: described twice", "loss.cross_entropy.a: no choices",
          "loss.cross_entropy.b: no sentence", "loss.cross_entropy.b: required, yet has a default",
          "loss.cross_entropy.b: default: 'b': default unquoted is not TOML"}));
}

TEST(Schema, RangeInWords) {
  EXPECT_EQ(range_text({.min = 0, .max = 1, .max_exclusive = true}), "at least 0 and below 1");
  EXPECT_EQ(range_text({.min = 0, .min_exclusive = true}), "above 0");
  EXPECT_EQ(range_text({.max = 4096}), "at most 4096");
  EXPECT_EQ(range_text({}), "");
}

}  // namespace
}  // namespace lockstep::config
