#include <algorithm>

#include "data/augmentations/requirements.hpp"
#include "lockstep/data/augmentation.hpp"

namespace lockstep {
namespace {

class Cutout final : public Augmentation {
 public:
  explicit Cutout(Index size) : size_(size) {}

  std::string_view type() const override { return "cutout"; }

  void check(const Shape& shape) const override {
    require(size_ <= shape.height && size_ <= shape.width, type(),
            "cannot cut out a square of " + std::to_string(size_), shape);
  }

  void apply(const SampleView& sample, const Draws& draws) const override {
    const Shape& s = sample.shape;
    const Range rows = covered(draws.between(0, 0, s.height - 1), s.height);
    const Range columns = covered(draws.between(1, 0, s.width - 1), s.width);
    for (Index row = rows.begin; row < rows.end; ++row) {
      Real* const line = sample.values.data() + row * s.width * s.channels;
      std::fill(line + columns.begin * s.channels, line + columns.end * s.channels, Real{0});
    }
  }

 private:
  [[nodiscard]] Range covered(Index centre, Index extent) const {
    const Index begin = centre - size_ / 2;
    return {std::max<Index>(begin, 0), std::min(begin + size_, extent)};
  }

  Index size_;
};

}  // namespace

std::unique_ptr<Augmentation> cutout(Index size) { return std::make_unique<Cutout>(size); }

}  // namespace lockstep
