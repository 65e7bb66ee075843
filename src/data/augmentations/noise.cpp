#include <algorithm>
#include <cmath>

#include "data/augmentations/requirements.hpp"
#include "lockstep/data/augmentation.hpp"

namespace lockstep {
namespace {

/// The bytes of a word, added: mean 510, variance 4 (256^2 - 1) / 12.
constexpr int kMean = 510;
constexpr double kVariance = 4.0 * (65536.0 - 1.0) / 12.0;

int sum_of_bytes(std::uint32_t word) {
  const std::uint32_t pairs = (word & 0x00ff00ffu) + (word >> 8 & 0x00ff00ffu);
  return static_cast<int>((pairs & 0xffffu) + (pairs >> 16));
}

class Noise final : public Augmentation {
 public:
  explicit Noise(double deviation) : scale_(static_cast<Real>(deviation / std::sqrt(kVariance))) {}

  std::string_view type() const override { return "noise"; }
  void check(const Shape&) const override {}

  void apply(const SampleView& sample, const Draws& draws) const override {
    Real* const x = sample.values.data();
    const auto size = static_cast<Index>(sample.values.size());
    for (Index i = 0; i < size; i += 4) {
      const auto words = draws.words(i / 4);
      const Index count = std::min<Index>(4, size - i);
      for (Index j = 0; j < count; ++j) {
        x[i + j] +=
            scale_ * static_cast<Real>(sum_of_bytes(words[static_cast<std::size_t>(j)]) - kMean);
      }
    }
  }

 private:
  Real scale_;
};

}  // namespace

std::unique_ptr<Augmentation> noise(double deviation) { return std::make_unique<Noise>(deviation); }

}  // namespace lockstep
