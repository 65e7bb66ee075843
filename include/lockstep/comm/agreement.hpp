#pragma once

#include <functional>

#include "lockstep/base/error.hpp"
#include "lockstep/comm/communicator.hpp"

namespace lockstep {

/// An error that all ranks of a communicator throw together: each may leave without leaving others
/// behind.
class AgreedError : public Error {
 public:
  using Error::Error;
};

/// Runs `work` on every rank. If it throws anywhere, every rank throws the error of the lowest such
/// rank. `work` must not communicate.
void together(const Communicator& communicator, const std::function<void()>& work);

/// Runs `work` on rank 0 only; every rank throws what it threw. `work` must not communicate.
void on_root(const Communicator& communicator, const std::function<void()>& work);

/// Gives every rank the text of rank `root`.
[[nodiscard]] std::string broadcast_text(const Communicator& communicator, std::string text,
                                         int root = 0);

}  // namespace lockstep
