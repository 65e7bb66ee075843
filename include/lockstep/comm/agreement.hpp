#pragma once

#include <functional>
#include <map>
#include <string>

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
void fail_together(const Communicator& communicator, const std::function<void()>& work);

/// Runs `work` on rank 0 only; every rank throws what it threw. `work` must not communicate.
void run_on_root(const Communicator& communicator, const std::function<void()>& work);

/// What a rank was told, by names that people know: {"--max-steps", "100"}. Neither has a zero
/// byte.
using Facts = std::map<std::string, std::string>;

/// Lets the ranks go on only if all were told the same. Collective, whatever they were told.
/// Errors: AgreedError(config) that names the lowest rank that was told something else than rank 0,
/// both hosts, what, and both values.
void require_same(const Communicator& communicator, const Facts& facts);

/// Gives every rank the text of rank `root`.
[[nodiscard]] std::string broadcast_text(const Communicator& communicator, std::string text,
                                         int root = 0);

}  // namespace lockstep
