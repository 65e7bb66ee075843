#include "lockstep/base/buffer.hpp"

#include <sys/mman.h>

#include <limits>
#include <new>

namespace lockstep {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

std::align_val_t alignment_of(std::size_t bytes) {
  return std::align_val_t(bytes >= kHugePage ? kHugePage : kAlignment);
}

}  // namespace

void* allocate(std::size_t bytes) {
  if (bytes > static_cast<std::size_t>(std::numeric_limits<Index>::max())) throw std::bad_alloc();
  const auto alignment = static_cast<std::size_t>(alignment_of(bytes));
  const std::size_t whole = (bytes + alignment - 1) / alignment * alignment;
  void* const memory = ::operator new(whole, alignment_of(bytes));
  // Advice: nothing is lost where it is not taken.
  if (alignment == kHugePage) ::madvise(memory, whole, MADV_HUGEPAGE);
  return memory;
}

void release(void* memory, std::size_t bytes) { ::operator delete(memory, alignment_of(bytes)); }

}  // namespace lockstep
