#include "lockstep/io/sealed.hpp"

#include "fuzz/target.hpp"

namespace lockstep::fuzz {
namespace {

std::string sealed(const std::string& image, std::uint64_t step) {
  const Seal seal = seal_of(std::as_bytes(std::span(image)), step);
  return image + std::string(reinterpret_cast<const char*>(seal.data()), seal.size());
}

std::vector<std::string> seeds() { return {sealed("some image", 7), sealed("", 0)}; }

// What it takes must be what a seal would be put on, byte by byte.
bool accepts(const std::string& input) {
  return accepted([&] {
    const Sealed found = unseal(std::as_bytes(std::span(input)), "a.h5");
    const std::string image(reinterpret_cast<const char*>(found.image.data()), found.image.size());
    if (sealed(image, found.step) != input) throw std::logic_error("took a seal that is none");
  });
}

}  // namespace

extern const Target kSealed{"sealed", accepts, seeds, {"LOCKSTEP", "LOCKSTEP\1"}};

}  // namespace lockstep::fuzz
