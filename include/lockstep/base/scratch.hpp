#pragma once

#include <cassert>
#include <cstddef>
#include <span>
#include <type_traits>

#include "lockstep/base/buffer.hpp"
#include "lockstep/base/parallel.hpp"
#include "lockstep/base/types.hpp"

namespace lockstep {

/// Carves memory into aligned pieces or, without memory, counts how much they take. The same code
/// does both, so that how much is planned and where pieces lie cannot differ:
///
///     struct Pieces {
///       Pieces(Scratch& s, Index rows) : sums(s.take<double>(rows)), order(s.take<Index>(rows)) {}
///       std::span<double> sums;
///       std::span<Index> order;
///     };
///     Buffer<Real> memory(Scratch::size_of<Pieces>(rows));
///     Scratch scratch(memory.span());
///     const Pieces pieces(scratch, rows);
class Scratch {
 public:
  explicit Scratch(std::span<Real> memory) : memory_(memory), counting_(false) {}
  [[nodiscard]] static Scratch counting() { return {}; }

  /// Reals that Pieces(scratch, arguments...) takes.
  template <typename Pieces, typename... Arguments>
  [[nodiscard]] static Index size_of(const Arguments&... arguments) {
    Scratch scratch = counting();
    [[maybe_unused]] const Pieces pieces(scratch, arguments...);
    return scratch.size();
  }

  /// The next `count` numbers, at a multiple of kAlignment bytes from the beginning of the memory;
  /// what they hold is unspecified. Empty while counting.
  template <typename T>
  std::span<T> take(Index count) {
    static_assert(std::is_trivial_v<T>);
    const Index bytes = aligned<std::byte>(count * static_cast<Index>(sizeof(T)));
    const Index begin = size_;
    size_ += bytes / static_cast<Index>(sizeof(Real));
    if (counting_) return {};
    assert(size_ <= std::ssize(memory_));
    return {reinterpret_cast<T*>(memory_.data() + begin), static_cast<std::size_t>(count)};
  }

  /// A piece for each of `threads` threads, which scratch_of_thread deals out: `each` Reals.
  std::span<Real> take_for_threads(int threads, Index each) {
    return take<Real>(threads * aligned<Real>(each));
  }

  /// Reals taken so far.
  [[nodiscard]] Index size() const { return size_; }

 private:
  Scratch() = default;

  std::span<Real> memory_;
  bool counting_ = true;
  Index size_ = 0;
};

/// The part of `memory` that belongs to the calling thread of a parallel_for.
[[nodiscard]] inline std::span<Real> scratch_of_thread(std::span<Real> memory) {
  constexpr Index step = aligned<Real>(1);
  const Index each = std::ssize(memory) / thread_count() / step * step;
  return memory.subspan(static_cast<std::size_t>(each * thread_number()),
                        static_cast<std::size_t>(each));
}

}  // namespace lockstep
