#include "lockstep/comm/topology.hpp"

#include <algorithm>
#include <array>
#include <cassert>

#include "comm/time_slices.hpp"
#include "lockstep/comm/node_barriers.hpp"
#include "lockstep/comm/start_limit.hpp"

namespace lockstep {
namespace {

// Which of the virtual nodes of its machine holds the rank in place `local`.
int virtual_node(int local, std::span<const int> sizes) {
  int node = 0;
  for (int end = sizes.front(); local >= end; ++node) {
    const auto next = std::min(static_cast<std::size_t>(node) + 1, sizes.size() - 1);
    end += sizes[next];
  }
  return node;
}

}  // namespace

Topology::Topology(const Communicator& world, std::span<const int> node_sizes) {
  assert(std::ranges::all_of(node_sizes, [](int size) { return size > 0; }));
  const StartLimit limit("all ranks to meet");
  const Communicator machine = world.split_by_node();
  if (machine.size() > 1) request_long_time_slices();
  const int part = node_sizes.empty() ? 0 : virtual_node(machine.rank(), node_sizes);
  node_ = std::make_unique<Communicator>(machine.split(part, machine.rank()));

  // Nodes are known by the lowest of their ranks in the world.
  const int lowest = node_->minimum(world.rank());
  const double mine = lowest;
  ranks_ = std::make_unique<Communicator>(world.split(0, lowest));
  leaders_ = std::make_unique<Communicator>(ranks_->split(leads() ? 0 : 1, ranks_->rank()));
  std::vector<double> lowest_of(static_cast<std::size_t>(ranks_->size()));
  ranks_->all_gather({&mine, 1}, lowest_of);
  for (int rank = 0; rank < ranks_->size(); ++rank) {
    const auto r = static_cast<std::size_t>(rank);
    if (rank == 0 || lowest_of[r] != lowest_of[r - 1]) first_.push_back(rank);
  }
  first_.push_back(ranks_->size());
  pulse_table_ = std::make_unique<PulseTable>(*ranks_, machine);
  for (Communicator* group : {ranks_.get(), node_.get(), leaders_.get()}) {
    group->beat_with(heartbeat());
  }
  barrier_ = std::make_unique<NodeBarriers>(*ranks_, *node_, 1);
  if (node_->size() > 1) ranks_->sleep_at(barrier_.get());
}

Topology::~Topology() { ranks_->sleep_at(nullptr); }

int Topology::node_of(int rank) const {
  return static_cast<int>(std::ranges::upper_bound(first_, rank) - first_.begin()) - 1;
}

int Topology::proxy_on(int node, int rank) const {
  const int home = node_of(rank);
  if (home == node) return rank;
  return first_rank(node) + (rank - first_rank(home)) * node_size(node) / node_size(home);
}

std::vector<int> Topology::proxied_ranks() const {
  std::vector<int> proxied_ranks;
  for (int rank = 0; rank < ranks_->size(); ++rank) {
    if (proxy_on(my_node(), rank) == ranks_->rank()) proxied_ranks.push_back(rank);
  }
  return proxied_ranks;
}

}  // namespace lockstep
