#include <algorithm>

#include "data/augmentations/requirements.hpp"
#include "lockstep/data/augmentation.hpp"

namespace lockstep {
namespace {

class HorizontalFlip final : public Augmentation {
 public:
  HorizontalFlip(double probability, bool alternate)
      : probability_(probability), alternate_(alternate) {}

  std::string_view type() const override { return "horizontal_flip"; }

  void check(const Shape& shape) const override {
    require(shape.width > 1, type(), "only images have a left and a right", shape);
  }

  void apply(const SampleView& sample, const Draws& draws) const override {
    const bool chosen = (alternate_ ? draws.in_epoch(0) : draws).uniform(0) < probability_;
    const bool other_way = alternate_ && draws.epoch() % 2 != 0;
    if (chosen == other_way) return;
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
  bool alternate_;
};

}  // namespace

std::unique_ptr<Augmentation> horizontal_flip(double probability, bool alternate) {
  return std::make_unique<HorizontalFlip>(probability, alternate);
}

}  // namespace lockstep
