#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>

#include "lockstep/base/types.hpp"

namespace lockstep {

/// Alignment of every slice of every buffer: a cache line, and the widest vector register.
inline constexpr std::size_t kAlignment = 64;

/// `count` rounded up so that the next slice of Ts starts at a multiple of kAlignment bytes.
template <typename T>
[[nodiscard]] constexpr Index aligned(Index count) {
  constexpr Index step = static_cast<Index>(kAlignment / sizeof(T));
  return (count + step - 1) / step * step;
}

/// Memory for `bytes`, aligned at least to kAlignment. Large arrays lie on huge pages where the
/// system has them, so that strided walks through matrices miss fewer address translations: 3 % of
/// a wide network's step. Throws std::bad_alloc.
[[nodiscard]] void* allocate(std::size_t bytes);
/// Gives back what `allocate(bytes)` returned.
void release(void* memory, std::size_t bytes);

/// Owner of one aligned, zeroed array whose size never changes: all memory is planned first and
/// taken once.
template <typename T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(Index size)
      : size_(static_cast<std::size_t>(size)),
        data_(size == 0 ? nullptr : static_cast<T*>(allocate(bytes_of(size_))),
              Free{sizeof(T) * size_}) {
    for (std::size_t i = 0; i < size_; ++i) new (data_.get() + i) T{};
  }

  [[nodiscard]] T* data() { return data_.get(); }
  [[nodiscard]] const T* data() const { return data_.get(); }
  [[nodiscard]] Index size() const { return static_cast<Index>(size_); }
  [[nodiscard]] std::span<T> span() { return {data_.get(), size_}; }
  [[nodiscard]] std::span<const T> span() const { return {data_.get(), size_}; }
  [[nodiscard]] std::span<T> span(Index offset, Index count) {
    return span().subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(count));
  }
  [[nodiscard]] std::span<const T> span(Index offset, Index count) const {
    return span().subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(count));
  }

 private:
  /// Saturates, so that what is too much stays too much.
  [[nodiscard]] static std::size_t bytes_of(std::size_t size) {
    constexpr auto kMost = static_cast<std::size_t>(-1);
    return size <= kMost / sizeof(T) ? size * sizeof(T) : kMost;
  }
  struct Free {
    std::size_t bytes = 0;
    void operator()(T* p) const { release(p, bytes); }
  };
  std::size_t size_ = 0;
  std::unique_ptr<T, Free> data_;
};

}  // namespace lockstep
