#include <algorithm>

#include "data/augmentations/requirements.hpp"
#include "lockstep/data/augmentation.hpp"

namespace lockstep {
namespace {

class HorizontalFlip final : public Augmentation {
 public:
  explicit HorizontalFlip(double probability) : probability_(probability) {}

  std::string_view type() const override { return "horizontal_flip"; }

  void check(const Shape& shape) const override {
    require(shape.width > 1, type(), "only images have a left and a right", shape);
  }

  void apply(const SampleView& sample, const Draws& draws) const override {
    if (draws.uniform(0) >= probability_) return;
    const Index channels = sample.shape.channels;
    const Index row = sample.shape.width * channels;
    for (Real* line = sample.values.data(); line != sample.values.data() + sample.values.size();
         line += row) {
      Real* right = line + row - channels;
      for (Real* left = line; left < right; left += channels, right -= channels) {
        std::swap_ranges(left, left + channels, right);
      }
    }
  }

 private:
  double probability_;
};

}  // namespace

std::unique_ptr<Augmentation> horizontal_flip(double probability) {
  return std::make_unique<HorizontalFlip>(probability);
}

}  // namespace lockstep
