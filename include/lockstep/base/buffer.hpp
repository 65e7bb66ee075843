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

/// Owner of one aligned, zeroed array whose size never changes: all memory is planned first and
/// taken once.
template <typename T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(Index size)
      : size_(static_cast<std::size_t>(size)),
        data_(size == 0 ? nullptr
                        : static_cast<T*>(
                              ::operator new(sizeof(T) * size_, std::align_val_t(kAlignment)))) {
    for (std::size_t i = 0; i < size_; ++i) new (data_.get() + i) T{};
  }

  [[nodiscard]] T* data() const { return data_.get(); }
  [[nodiscard]] Index size() const { return static_cast<Index>(size_); }
  [[nodiscard]] std::span<T> span() const { return {data_.get(), size_}; }
  [[nodiscard]] std::span<T> span(Index offset, Index count) const {
    return span().subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(count));
  }

 private:
  struct Free {
    void operator()(T* p) const { ::operator delete(p, std::align_val_t(kAlignment)); }
  };
  std::size_t size_ = 0;
  std::unique_ptr<T, Free> data_;
};

}  // namespace lockstep
