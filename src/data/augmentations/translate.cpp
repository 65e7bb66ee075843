// Moving the content of a sample along its axes: shift, crop and time_shift.
#include <algorithm>
#include <cstring>

#include "data/augmentations/requirements.hpp"
#include "lockstep/data/augmentation.hpp"

namespace lockstep {
namespace {

/// One axis of a sample: `outer` times `length` pieces of `inner` numbers.
struct Axis {
  Index outer;
  Index length;
  Index inner;
};

void fill_blank(Real* piece, Index size, std::span<const Real> blank) {
  const auto channels = static_cast<Index>(blank.size());
  for (Index at = 0; at < size; at += channels) std::ranges::copy(blank, piece + at);
}

/// out[i] = in[i - by] for pieces i of the axis, in place; requires |by| * 2 < length.
void translate(Real* values, const Axis& axis, Index by, Border border,
               std::span<const Real> blank) {
  if (by == 0) return;
  const Index size = axis.length * axis.inner;
  const Index moved = std::abs(by) * axis.inner;
  for (Real* line = values; line != values + axis.outer * size; line += size) {
    const auto bytes = static_cast<std::size_t>(size - moved) * sizeof(Real);
    if (by > 0) {
      std::memmove(line + moved, line, bytes);
    } else {
      std::memmove(line, line + moved, bytes);
    }
    // The outermost piece of the content, after which the border begins.
    const Index last = by > 0 ? by : axis.length - 1 + by;
    const Index outwards = by > 0 ? -1 : 1;
    for (Index distance = 1; distance <= std::abs(by); ++distance) {
      Real* const piece = line + (last + outwards * distance) * axis.inner;
      if (border == Border::blank) {
        fill_blank(piece, axis.inner, blank);
      } else {
        const Index from = border == Border::edge ? last : last - outwards * distance;
        std::copy_n(line + from * axis.inner, axis.inner, piece);
      }
    }
  }
}

class Translation final : public Augmentation {
 public:
  Translation(std::string_view type, Index rows, Index columns, Border border)
      : type_(type), rows_(rows), columns_(columns), border_(border) {}

  std::string_view type() const override { return type_; }

  void check(const Shape& shape) const override {
    require(2 * rows_ < shape.height && 2 * columns_ < shape.width, type_,
            "cannot move the content by " + std::to_string(rows_) +
                ", half of the samples' extent or more",
            shape);
  }

  void apply(const SampleView& sample, const Draws& draws) const override {
    const Shape& s = sample.shape;
    translate(sample.values.data(), {1, s.height, s.width * s.channels},
              draws.between(0, -rows_, rows_), border_, sample.blank);
    if (columns_ == 0) return;
    translate(sample.values.data(), {s.height, s.width, s.channels},
              draws.between(1, -columns_, columns_), border_, sample.blank);
  }

 private:
  std::string_view type_;
  Index rows_;
  Index columns_;
  Border border_;
};

}  // namespace

std::unique_ptr<Augmentation> shift(Index pixels, Border border) {
  return std::make_unique<Translation>("shift", pixels, pixels, border);
}

std::unique_ptr<Augmentation> crop(Index padding, Border border) {
  return std::make_unique<Translation>("crop", padding, padding, border);
}

std::unique_ptr<Augmentation> time_shift(Index steps, Border border) {
  return std::make_unique<Translation>("time_shift", steps, 0, border);
}

}  // namespace lockstep
