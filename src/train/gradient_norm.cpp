#include "lockstep/train/gradient_norm.hpp"

#include <cmath>
#include <vector>

namespace lockstep {
namespace {

// What is learned, in maximal parts.
std::vector<Range> learned_parts(const ParameterTable& table) {
  std::vector<Range> parts;
  for (const RoleRange& part : table.roles()) {
    if (!part.learned()) continue;
    if (!parts.empty() && parts.back().end == part.range.begin) {
      parts.back().end = part.range.end;
    } else {
      parts.push_back(part.range);
    }
  }
  return parts;
}

}  // namespace

GradientNorm::GradientNorm(const Topology& topology, const BucketLayout& layout,
                           const ParameterTable& table)
    : topology_(topology),
      norms_(layout, topology.ranks().rank(), learned_parts(table)),
      square_sums_(topology, norms_.counts()) {}

double GradientNorm::of(std::span<const Real* const> gradient, StepMonitor& monitor) {
  norms_.measure(0, gradient, square_sums_.mine());
  monitor.lap(Part::update);
  const Wait wait = topology_.barrier().arrive_and_wait(0);
  square_sums_.all_gather();
  double sum = 0;
  for (std::size_t part = 0; part < norms_.parts(); ++part) {
    sum += norms_.square_sum(0, part, square_sums_.all());
  }
  monitor.lap(Part::exposed, wait);
  return std::sqrt(sum);
}

}  // namespace lockstep
