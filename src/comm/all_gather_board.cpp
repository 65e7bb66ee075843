#include "lockstep/comm/all_gather_board.hpp"

#include <numeric>

#include "lockstep/comm/node_barriers.hpp"
#include "lockstep/comm/tags.hpp"

namespace lockstep {
namespace {

std::vector<Index> starts_of(std::span<const Index> sizes) {
  std::vector<Index> starts{0};
  for (const Index size : sizes) starts.push_back(starts.back() + size);
  return starts;
}

}  // namespace

AllGatherBoard::AllGatherBoard(const Topology& topology, std::span<const Index> sizes)
    : topology_(topology),
      starts_(starts_of(sizes)),
      memory_(topology.ranks(), topology.node(),
              topology.leads() ? starts_.back() * static_cast<Index>(sizeof(double)) : 0),
      all_(memory_.segment_of<double>(0)),
      requests_(topology.ranks(),
                2 * static_cast<std::size_t>(topology.nodes()) *
                    static_cast<std::size_t>(topology.ranks().pieces(all_.size_bytes()))) {}

std::span<double> AllGatherBoard::section(int rank) const {
  const auto r = static_cast<std::size_t>(rank);
  return all_.subspan(static_cast<std::size_t>(starts_[r]),
                      static_cast<std::size_t>(starts_[r + 1] - starts_[r]));
}

std::span<double> AllGatherBoard::section_of_node(int node) const {
  const auto first = static_cast<std::size_t>(topology_.first_rank(node));
  const auto end = static_cast<std::size_t>(topology_.first_rank(node + 1));
  return all_.subspan(static_cast<std::size_t>(starts_[first]),
                      static_cast<std::size_t>(starts_[end] - starts_[first]));
}

void AllGatherBoard::all_gather() {
  if (topology_.nodes() == 1) return;
  if (topology_.leads()) {
    const int me = topology_.my_node();
    for (int step = 1; step < topology_.nodes(); ++step) {
      const int peer = (me + step) % topology_.nodes();
      requests_.receive(std::as_writable_bytes(section_of_node(peer)), topology_.first_rank(peer),
                        kBulletinTag, 0);
      requests_.send(std::as_bytes(section_of_node(me)), topology_.first_rank(peer), kBulletinTag,
                     0);
    }
    requests_.wait_all();
  }
  topology_.barrier().arrive_and_wait(0);
}

}  // namespace lockstep
