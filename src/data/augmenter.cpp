#include <cassert>
#include <string>

#include "lockstep/base/error.hpp"
#include "lockstep/data/augmentation.hpp"

namespace lockstep {

Augmenter::Augmenter(std::vector<std::unique_ptr<Augmentation>> list, const Shape& shape,
                     const Normalization& normalization, std::uint64_t seed)
    : list_(std::move(list)),
      shape_(shape),
      blank_(static_cast<std::size_t>(shape.channels)),
      seed_(seed) {
  std::vector<float> zeros(blank_.size());
  for (std::size_t c = 0; c < zeros.size(); ++c) zeros[c] = normalization.stored(0, c);
  normalization.apply(zeros, blank_);
  if (shape.size() > Index{1} << Draws::kBits) {
    throw Error(ExitCode::config,
                "augmentation: samples of at most " + std::to_string(Index{1} << Draws::kBits) +
                    " numbers can be changed, found " + std::to_string(shape.size()) +
                    "; leave the [[augment]] sections out");
  }
  for (const auto& augmentation : list_) augmentation->check(shape);
}

void Augmenter::apply(std::uint64_t epoch, Index sample, std::span<Real> values) const {
  assert(static_cast<Index>(values.size()) == shape_.size());
  for (std::size_t place = 0; place < list_.size(); ++place) {
    const RandomKey key{.seed = seed_,
                        .purpose = RandomPurpose::augmentation,
                        .a = static_cast<std::uint32_t>(epoch),
                        .b = static_cast<std::uint32_t>(place)};
    list_[place]->apply({shape_, values, blank_}, Draws(key, sample));
  }
}

}  // namespace lockstep
