// What every row of the catalogue of augmentations promises.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "lockstep/base/parallel.hpp"
#include "lockstep/config/parse.hpp"
#include "lockstep/setup/catalogue.hpp"
#include "lockstep/train/samples.hpp"

namespace lockstep {
namespace {

constexpr Shape kShape{12, 10, 3};
constexpr Index kSamples = 40;

Augmenter augmenter_of(const std::string& sections, const Normalization& normalization,
                       std::uint64_t seed = 3) {
  const std::string text = "[run]\nepochs = 1\nseed = " + std::to_string(seed) +
                           "\n[data]\ntrain = \"x.csv\"\nbatch = 8\n" + sections +
                           "[[layer]]\ntype = \"relu\"\n[loss]\ntype = \"mse\"\n"
                           "[optimizer]\ntype = \"sgd\"\nlr = 0.1\n";
  return build_augmenter(config::parse({"test.toml", text}, {}, catalogue()), kShape,
                         normalization);
}

/// A section of this type with a value for each key that needs one.
std::string section_of(const config::Component& component) {
  std::string text = "[[augment]]\ntype = \"" + component.type + "\"\n";
  for (const config::Key& key : component.keys) {
    if (key.required) text += key.name + " = 2\n";
  }
  return component.type == "mask" ? text + "time = 4\nbands = 3\n" : text;
}

class AugmentationContract : public testing::TestWithParam<config::Component> {
 protected:
  AugmentationContract() {
    for (std::size_t i = 0; std::uint8_t & x : data_.byte_inputs()) {
      x = static_cast<std::uint8_t>(31 * i++ % 251);
    }
  }

  /// Rows of an epoch, read in the order that `first` and `step` give; put back into sample order.
  std::vector<Real> rows(const Augmenter* augmenter, std::uint64_t epoch, Index first = 0,
                         Index step = 1) {
    const auto size = static_cast<std::size_t>(kShape.size());
    std::vector<Real> read(size * kSamples), sorted(read.size());
    const Samples samples{&data_,   Subset::whole(kSamples), &normalization_, &normalization_, {},
                          augmenter};
    const auto sample = [&](Index row) { return (first + row * step) % kSamples; };
    reader_.read(samples, epoch, kSamples, {read.data(), kShape}, sample);
    for (Index row = 0; row < kSamples; ++row) {
      std::copy_n(read.begin() + row * kShape.size(), size,
                  sorted.begin() + sample(row) * kShape.size());
    }
    return sorted;
  }

  Dataset data_{"images", {.shape = kShape, .size = kSamples, .input_type = InputType::bytes}};
  Normalization normalization_{{100, 120, 140}, {0.015f, 0.0125f, 0.01f}};
  RowReader reader_{kSamples, Shape{}};
};

TEST_P(AugmentationContract, TheOrderOfReadingAndTheThreadsChangeNothing) {
  const Augmenter augmenter = augmenter_of(section_of(GetParam()), normalization_);
  set_thread_count(1);
  const std::vector<Real> reference = rows(&augmenter, 5);
  EXPECT_EQ(rows(&augmenter, 5, 7, 3), reference);
  set_thread_count(2);
  EXPECT_EQ(rows(&augmenter, 5, 39, 1), reference);
  set_thread_count(1);
}

TEST_P(AugmentationContract, EpochsSamplesSeedsAndPlacesDiffer) {
  const std::string section = section_of(GetParam());
  const Augmenter augmenter = augmenter_of(section, normalization_);
  EXPECT_NE(rows(&augmenter, 0), rows(nullptr, 0));
  EXPECT_NE(rows(&augmenter, 0), rows(&augmenter, 1));
  const Augmenter other = augmenter_of(section, normalization_, 4);
  EXPECT_NE(rows(&augmenter, 0), rows(&other, 0));
  // A second one of the kind draws numbers of its own: twice the same flip would undo it.
  const Augmenter twice = augmenter_of(section + section, normalization_);
  EXPECT_NE(rows(&twice, 0), rows(nullptr, 0));

  std::vector<Real> same(static_cast<std::size_t>(kShape.size()), 1);
  for (std::size_t i = 0; i < same.size(); ++i) same[i] = static_cast<Real>(i);
  std::vector<Real> one = same;
  augmenter.apply(0, 0, one);
  bool differs = false;
  for (Index sample = 1; sample < 20; ++sample) {
    std::vector<Real> another = same;
    augmenter.apply(0, sample, another);
    differs |= another != one;
  }
  EXPECT_TRUE(differs);
}

INSTANTIATE_TEST_SUITE_P(Catalogue, AugmentationContract,
                         testing::ValuesIn(catalogue().augmentations),
                         [](const auto& row) { return row.param.type; });

TEST(Augmenter, WithoutRowsChangesNothing) {
  const Augmenter none = augmenter_of("", {});
  std::vector<Real> sample(static_cast<std::size_t>(kShape.size()));
  std::iota(sample.begin(), sample.end(), Real{1});
  const std::vector<Real> before = sample;
  none.apply(0, 0, sample);
  EXPECT_EQ(sample, before);
}

}  // namespace
}  // namespace lockstep
