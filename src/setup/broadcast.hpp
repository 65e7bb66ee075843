#pragma once

#include <span>
#include <vector>

#include "lockstep/comm/communicator.hpp"

namespace lockstep {

/// Gives every rank the numbers of rank 0, as many as they are. Collective.
template <typename T>
void broadcast_numbers(const Communicator& world, std::vector<T>& values) {
  std::uint64_t size = values.size();
  world.broadcast(std::as_writable_bytes(std::span(&size, 1)), 0);
  values.resize(size);
  world.broadcast(std::as_writable_bytes(std::span(values)), 0);
}

}  // namespace lockstep
