#include <algorithm>

#include "data/augmentations/requirements.hpp"
#include "lockstep/data/augmentation.hpp"

namespace lockstep {
namespace {

/// How a sample is seen: time x bands x numbers per band.
Shape as_spectrogram(const Shape& s) { return s.width > 1 ? s : Shape{s.height, s.channels, 1}; }

class Mask final : public Augmentation {
 public:
  explicit Mask(const MaskOptions& options) : options_(options) {}

  std::string_view type() const override { return "mask"; }

  void check(const Shape& shape) const override {
    const Shape s = as_spectrogram(shape);
    require(options_.time <= s.height, type(),
            "cannot mask " + std::to_string(options_.time) + " of " + std::to_string(s.height) +
                " steps of time",
            shape);
    require(options_.bands <= s.width, type(),
            "cannot mask " + std::to_string(options_.bands) + " of " + std::to_string(s.width) +
                " bands",
            shape);
  }

  void apply(const SampleView& sample, const Draws& draws) const override {
    const Shape s = as_spectrogram(sample.shape);
    const Index row = s.width * s.channels;
    Real* const x = sample.values.data();
    Index next = 0;
    for (Index m = 0; options_.time > 0 && m < options_.time_masks; ++m) {
      const Range masked = draw(draws, next, options_.time, s.height);
      std::fill(x + masked.begin * row, x + masked.end * row, Real{0});
    }
    for (Index m = 0; options_.bands > 0 && m < options_.band_masks; ++m) {
      const Range masked = draw(draws, next, options_.bands, s.width);
      for (Real* line = x; line != x + s.size(); line += row) {
        std::fill(line + masked.begin * s.channels, line + masked.end * s.channels, Real{0});
      }
    }
  }

 private:
  /// A width from 0 to `most`, then a place for it.
  static Range draw(const Draws& draws, Index& next, Index most, Index extent) {
    const Index width = draws.between(next, 0, most);
    const Index begin = draws.between(next + 1, 0, extent - width);
    next += 2;
    return {begin, begin + width};
  }

  MaskOptions options_;
};

}  // namespace

std::unique_ptr<Augmentation> mask(const MaskOptions& options) {
  return std::make_unique<Mask>(options);
}

}  // namespace lockstep
