#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace lockstep {

/// The mean losses of the last batches, to tell how a run came to diverge. Allocates nothing.
class LossHistory {
 public:
  struct Point {
    std::uint64_t step = 0;
    double loss = 0;
  };

  void add(std::uint64_t step, double loss) { points_[added_++ % points_.size()] = {step, loss}; }
  void clear() { added_ = 0; }
  [[nodiscard]] bool empty() const { return added_ == 0; }
  /// Requires !empty().
  [[nodiscard]] Point last() const { return points_[(added_ - 1) % points_.size()]; }
  /// The lowest loss that is remembered; of equals the last. Requires !empty().
  [[nodiscard]] Point lowest() const {
    const std::size_t count = added_ < points_.size() ? added_ : points_.size();
    Point lowest = last();
    for (std::size_t i = 2; i <= count; ++i) {
      const Point& point = points_[(added_ - i) % points_.size()];
      if (point.loss < lowest.loss) lowest = point;
    }
    return lowest;
  }

 private:
  std::array<Point, 64> points_{};
  std::size_t added_ = 0;
};

}  // namespace lockstep
