#include "lockstep/train/updater.hpp"

#include <algorithm>

#include "lockstep/optim/statistic.hpp"

namespace lockstep {
namespace {

// The parts of the buffer that are updated by one call: biases with the weights beside them, unless
// only these decay.
std::vector<RoleRange> parts_of(const ParameterTable& table, bool decay_all) {
  std::vector<RoleRange> parts;
  for (const RoleRange& part : table.roles()) {
    const bool goes_on = decay_all && !parts.empty() && parts.back().learned() && part.learned();
    if (goes_on) {
      parts.back().range.end = part.range.end;
    } else {
      parts.push_back(part);
    }
  }
  return parts;
}

}  // namespace

Updater::Updater(const ParameterTable& table, const Optimizer& optimizer,
                 std::span<const Range> slices, bool decay_all)
    : optimizer_(optimizer), decay_all_(decay_all), slots_(optimizer.slots().size()) {
  const std::vector<RoleRange> parts = parts_of(table, decay_all);
  Index owned = 0;
  for (std::size_t s = 0; s < slices.size(); ++s) {
    const Range slice = slices[s];
    for (const RoleRange& part : parts) {
      const Range range{std::max(part.range.begin, slice.begin),
                        std::min(part.range.end, slice.end)};
      if (range.size() <= 0) continue;
      const Index in_slice = range.begin - slice.begin;
      pieces_.push_back({s, in_slice, owned + in_slice, {range, part.role, part.averaging}});
    }
    owned += slice.size();
  }
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) state_.emplace_back(owned);
}

void Updater::update(std::span<Real> parameters, std::span<const Real* const> gradients,
                     const Update& update, Index samples) {
  for (const Piece& piece : pieces_) {
    const Index size = piece.part.range.size();
    const std::span<Real> mine = parameters.subspan(
        static_cast<std::size_t>(piece.part.range.begin), static_cast<std::size_t>(size));
    const std::span<const Real> gradient{gradients[piece.slice] + piece.in_slice, mine.size()};
    if (!piece.part.learned()) {
      average_statistics(mine, gradient, piece.part.averaging, samples);
      continue;
    }
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
      slots_[slot] = state_[slot].span(piece.in_state, size);
    }
    Update own = update;
    own.decays = decay_all_ || piece.part.role == Role::weight;
    optimizer_.step(mine, gradient, slots_, own);
  }
}

}  // namespace lockstep
